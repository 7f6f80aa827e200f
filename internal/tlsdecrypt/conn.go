package tlsdecrypt

// Limits. What they bound is under the control of whoever wrote the capture.
const (
	// DefaultHold is the ciphertext that one connection holds for keys that
	// come late, in bytes.
	DefaultHold = 1 << 20
	// maxHeldTotal is the same for all connections of one key log.
	maxHeldTotal = 32 << 20
)

// The directions, as indexes.
const (
	toServer = 0
	toClient = 1
)

// At tells when and where bytes were captured. It is handed back with the
// plaintext, which may come much later, and not interpreted.
type At struct {
	Time  int64 // nanoseconds since 1970, UTC
	Frame int64 // number of the packet in the capture
}

// Sink receives what a connection carried inside TLS. Calls come in the order
// in which the records were completed, also across the directions.
type Sink interface {
	// Plaintext gives application data of one direction. It is borrowed until
	// the call returns.
	Plaintext(fromClient bool, b []byte, at At)
	// Gap tells that n bytes of application data are missing before the next
	// Plaintext of the direction; n < 0 is an unknown number. A known number
	// takes for granted that the records lost held application data only,
	// unpadded, as those before did.
	Gap(fromClient bool, n int64, at At)
}

// Scratch is working memory of up to 17 KB that Conns used by the same
// goroutine may share. The zero value is ready.
type Scratch struct{ buf []byte }

// Options are a Conn's settings. The zero value is usable.
type Options struct {
	// HoldBytes limits the ciphertext held while keys are missing, in bytes
	// with some overhead for each record: 0 is DefaultHold, below 0 nothing is
	// held. All Conns of a key log together hold at most 32 MiB.
	HoldBytes int64
	// Scratch is used in place of the Conn's own, if not nil.
	Scratch *Scratch
}

// Conn decrypts one TLS connection, both directions. It is not safe for
// concurrent use.
type Conn struct {
	keys    *KeyLog
	limit   int64
	scratch *Scratch

	dirs   [2]direction
	hs     *handshake // the newest; nil before a hello
	fatal  State      // why protected records are not decrypted, ever; else Handshaking
	reason string
	opened bool // some record was authentic
	progress
	// masterFrom is where the master secret came from, up to TLS 1.2.
	masterFrom Origin

	blocked    bool       // records are held, or dropped, for want of a key
	waiting    *direction // whose key that is
	generation uint64     // of the key log when that was last found so
	held       held
	dropped    [2]loss // of the records that could not be held

	work   int64 // bytes that searches may still authenticate
	trials int   // records that were tried with every secret, mid-stream

	sink Sink // of the call in progress
	at   At   // of the record in progress
	info Info
}

// NewConn returns a connection that begins with the next byte fed: a
// ClientHello, or, in a capture that was started too late, anything. keys may
// be nil.
func NewConn(keys *KeyLog, opt Options) *Conn {
	c := &Conn{keys: keys, limit: opt.HoldBytes, scratch: opt.Scratch, work: searchBase}
	if c.limit == 0 {
		c.limit = DefaultHold
	}
	if c.scratch == nil {
		c.scratch = new(Scratch)
	}
	c.dirs[toServer].index, c.dirs[toClient].index = toServer, toClient
	return c
}

func index(fromClient bool) int {
	if fromClient {
		return toServer
	}
	return toClient
}

// Feed takes the next bytes of a direction; the order of calls is the order of
// the two directions' records. b is not kept and not written to.
func (c *Conn) Feed(fromClient bool, b []byte, at At, sink Sink) {
	d := &c.dirs[index(fromClient)]
	c.info.Bytes[d.index] += uint64(len(b))
	c.work = min(c.work+searchPerByte*int64(len(b)), searchMax)
	c.Poll(sink)
	c.sink = sink
	for c.fatal != NotTLS {
		r, rest, ok := d.framer.next(b)
		if !ok {
			break
		}
		c.info.Records[d.index]++
		d.latest = r.header
		c.arrived(d, r, at)
		c.follow(d.index, d.latest)
		b = rest
	}
	if d.framer.alien && c.info.Records == [2]uint64{} {
		c.fail(NotTLS, "the bytes do not begin with a TLS record")
	}
	c.sink = nil
}

// Gap tells that n bytes of a direction are missing; n < 0 is an unknown
// number. The Sink hears of it once it is known what that means for the
// plaintext: with the next record of the direction, or in Close.
func (c *Conn) Gap(fromClient bool, n int64) {
	if n != 0 {
		c.dirs[index(fromClient)].framer.gap(n)
	}
}

// Poll decrypts what is held if the keys have come meanwhile. Feed does it,
// too; Poll is for connections on which nothing more arrives.
func (c *Conn) Poll(sink Sink) {
	if !c.blocked || c.keys == nil || c.keys.generation.Load() == c.generation {
		return
	}
	c.sink = sink
	c.unblock()
	c.sink = nil
}

// Close ends the connection: what can still be decrypted is, what is missing
// at the end of a direction is told as a gap, memory is given back. Info stays
// valid; nothing else may be called after it.
func (c *Conn) Close(at At, sink Sink) {
	c.Poll(sink)
	c.sink, c.at = sink, at
	c.info.BrokenOff = c.brokenOff()
	for i := range c.dirs {
		c.end(&c.dirs[i])
	}
	c.held.release(c.keys)
	for i := range c.dirs {
		c.dirs[i].framer = framer{hunts: c.dirs[i].framer.hunts}
		c.dirs[i].messages.reset()
	}
	c.sink = nil
}

// end tells of what is missing at a direction's end: data that was lost, or a
// record that is not whole.
func (c *Conn) end(d *direction) {
	f := &d.framer
	d.loss.add(f.lost)
	incomplete := f.off < len(f.buf) || f.skip > 0 || f.hunted != 0 || d.loss.any()
	if incomplete && !c.blocked && !d.dead && d.carriesData() && !d.misfit() {
		c.gap(d, -1)
	}
}

// gap hands a loss on.
func (c *Conn) gap(d *direction, n int64) {
	c.info.Gaps[d.index]++
	c.sink.Gap(d.index == toServer, n, c.at)
}

// fail ends the decryption of the connection for good. What is not protected
// is still read, for Info.
func (c *Conn) fail(s State, reason string) {
	if c.fatal == Handshaking {
		c.fatal, c.reason = s, reason
	}
}

// arrived processes a record, or holds it where an earlier one waits.
func (c *Conn) arrived(d *direction, r record, at At) {
	if c.blocked && r.typ == typeAlert && r.length == plainAlert {
		// It is not protected, whatever what waits before it turns out to say: a
		// client that cannot verify a certificate sends it so.
		c.alert(d.index, r.payload)
		return
	}
	if !c.blocked {
		c.at = at
		if c.process(d, r) {
			return
		}
		c.blocked, c.waiting = true, d
	}
	if c.keys == nil || c.held.add(c.keys, c.limit, d.index, at, r) {
		return
	}
	size := int64(headerLen + len(r.payload))
	c.info.DroppedBytes += size
	c.dropped[d.index].add(r.before)
	c.dropped[d.index].add(lossOf(r.header))
}

// plainAlert is the length of an alert that is not protected: a protected one has a
// tag beside it.
const plainAlert = 2

// lossOf is the loss of one record.
func lossOf(h header) loss {
	l := loss{bytes: int64(headerLen + h.length), max: 1}
	if h.typ == typeApplicationData {
		l.min = 1
	}
	return l
}

// unblock processes what is held, as far as the keys go.
func (c *Conn) unblock() {
	if !c.ready(c.waiting) {
		return
	}
	c.blocked = false
	for {
		h, ok := c.held.take()
		if !ok {
			break
		}
		c.at = h.at
		if d := &c.dirs[h.dir]; !c.process(d, h.rec) {
			c.held.untake()
			c.blocked, c.waiting = true, d
			return
		}
	}
	c.held.release(c.keys)
	for i := range c.dirs {
		c.dirs[i].loss.add(c.dropped[i])
		c.dropped[i] = loss{}
	}
}
