package tlsdecrypt

// unknownRecords is how many records are thought possible in a loss of unknown
// size.
const unknownRecords = 1 << 16

// loss is what is missing of one direction between two whole records.
type loss struct {
	bytes    int64 // on the wire, record headers included; -1 unknown
	min, max int64 // protected records among them
}

func (l *loss) add(m loss) {
	if l.bytes < 0 || m.bytes < 0 {
		l.bytes = -1
	} else {
		l.bytes += m.bytes
	}
	l.min += m.min
	l.max = min(l.max+m.max, unknownRecords)
	l.min = min(l.min, l.max)
}

func (l *loss) any() bool { return l.bytes != 0 || l.max != 0 }

// record is one framed record. The payload is borrowed.
type record struct {
	header
	payload []byte
	before  loss // what was lost since the record before
}

// framer cuts one direction's bytes into records. After a loss it hunts for
// the next record by the form of its header, of which an octet in 2^26 of
// ciphertext has one by chance, and by what follows the record. The zero value
// is at the beginning of a stream.
type framer struct {
	buf     []byte // a record that is not complete, or what is hunted in, from off
	off     int
	skip    int  // bytes of a damaged record that are still to come
	hunting bool // the next record's beginning is not known
	seen    bool // there was a record
	alien   bool // the stream does not begin with a record
	lost    loss // damaged records since the last whole one
	hunted  int64
	hunts   uint64 // times that the next record's beginning was not known
}

// next takes the next record out of what is buffered and b, and returns what
// is left of b. Where ok is false, all of b was taken and there is no whole
// record. The payload is borrowed from b, or until the following call.
func (f *framer) next(b []byte) (r record, rest []byte, ok bool) {
	if f.off == len(f.buf) {
		f.reset()
	}
	if n := min(f.skip, len(b)); n > 0 {
		f.skip, b = f.skip-n, b[n:]
	}
	if f.hunting {
		if !f.hunt(b) {
			return record{}, nil, false
		}
		b = nil
	}
	if len(f.buf) == 0 {
		if len(b) >= headerLen && plausible(b) {
			if h := parseHeader(b); len(b) >= headerLen+h.length {
				return f.framed(h, b[headerLen:headerLen+h.length]), b[headerLen+h.length:], true
			}
		}
		if len(b) == 0 {
			return record{}, nil, false
		}
	}
	return f.nextBuffered(b)
}

// nextBuffered is next where the record begins, or has to be, in the buffer.
func (f *framer) nextBuffered(b []byte) (r record, rest []byte, ok bool) {
	b = f.fill(b, headerLen)
	have := f.buf[f.off:]
	if !plausible(have) {
		f.alien = !f.seen
		f.startHunt()
		return f.next(b)
	}
	if len(have) < headerLen {
		return record{}, nil, false
	}
	h := parseHeader(have)
	b = f.fill(b, headerLen+h.length)
	have = f.buf[f.off:]
	if len(have) < headerLen+h.length {
		return record{}, nil, false
	}
	f.off += headerLen + h.length
	return f.framed(h, have[headerLen:headerLen+h.length]), b, true
}

// fill appends as much of b as makes the buffer n bytes long and returns the
// rest of b.
func (f *framer) fill(b []byte, n int) []byte {
	missing := n - (len(f.buf) - f.off)
	if missing <= 0 || len(b) == 0 {
		return b
	}
	f.compact()
	missing = min(missing, len(b))
	f.buf = append(f.buf, b[:missing]...)
	return b[missing:]
}

// compact moves the buffer's contents to its beginning once that is worth it.
func (f *framer) compact() {
	if f.off > 0 && f.off >= len(f.buf)-f.off {
		n := copy(f.buf, f.buf[f.off:])
		f.buf, f.off = f.buf[:n], 0
	}
}

// framed completes a record with what was lost before it.
func (f *framer) framed(h header, payload []byte) record {
	r := record{header: h, payload: payload, before: f.lost}
	if f.hunted > 0 {
		r.before.add(loss{bytes: f.hunted, min: f.hunted / (headerLen + maxPayload), max: f.hunted/(headerLen+minProtected) + 1})
	} else if f.hunted < 0 {
		r.before.add(loss{bytes: -1, max: unknownRecords})
	}
	f.lost, f.hunted, f.seen = loss{}, 0, true
	return r
}

// reset empties the buffer, and frees it where hunting made it large.
func (f *framer) reset() {
	f.buf, f.off = f.buf[:0], 0
	if cap(f.buf) > 4*maxPayload {
		f.buf = nil
	}
}

// gap tells that n bytes are missing, n < 0 an unknown number.
func (f *framer) gap(n int64) {
	have := f.buf[f.off:]
	remaining := -1
	switch {
	case f.skip > 0:
		remaining, have = f.skip, nil
	case !f.hunting && len(have) >= headerLen:
		h := parseHeader(have)
		remaining = headerLen + h.length - len(have)
		f.damaged(h)
		have = nil
	}
	f.skip = 0
	f.reset()
	if remaining >= 0 && n >= 0 && n <= int64(remaining) {
		f.skip = remaining - int(n)
		return
	}
	if !f.hunting {
		f.startHunt()
	}
	if n >= 0 {
		n -= int64(max(remaining, 0))
	}
	f.missed(n)
	f.missed(int64(len(have)))
}

// damaged counts a record whose payload is not whole. Whether it was protected
// is sure of application data only.
func (f *framer) damaged(h header) {
	l := loss{bytes: int64(headerLen + h.length), max: 1}
	if h.typ == typeApplicationData {
		l.min = 1
	}
	f.lost.add(l)
}

func (f *framer) startHunt() {
	f.hunting = true
	f.hunts++
}

// missed counts bytes that belong to no known record; n < 0 is unknown.
func (f *framer) missed(n int64) {
	if n < 0 || f.hunted < 0 {
		f.hunted = -1
		return
	}
	f.hunted += n
}

// hunt takes b and looks for the beginning of a whole record in what is
// buffered. Its work is linear: no position is looked at twice in vain.
func (f *framer) hunt(b []byte) bool {
	f.compact()
	f.buf = append(f.buf, b...)
	start := f.off
	for ; f.off < len(f.buf); f.off++ {
		rest := f.buf[f.off:]
		if !huntable(rest) {
			continue
		}
		if len(rest) < headerLen {
			break
		}
		whole := headerLen + parseHeader(rest).length
		if len(rest) < whole {
			break
		}
		if plausible(rest[whole:]) {
			f.hunting = false
			break
		}
	}
	f.missed(int64(f.off - start))
	return !f.hunting
}

// huntable reports whether b, which may be shorter than a header, begins like
// one that is worth waiting for its record's end.
func huntable(b []byte) bool {
	if !plausible(b) || len(b) > 2 && (b[2] == 0 || b[2] == 4) {
		return false
	}
	if len(b) < headerLen {
		return true
	}
	switch h := parseHeader(b); h.typ {
	case typeChangeCipherSpec:
		return h.length == 1
	case typeAlert:
		return h.length >= 2
	case typeHandshake:
		return h.length >= messageHeaderLen
	default:
		return h.length >= minProtected
	}
}
