package session

import "github.com/pgsniff/pgsniff/pkg/codec"

// pendingStamp knows which packets carried the bytes that a decoder has been
// fed and has not reported yet.
type pendingStamp struct {
	marks []mark
	head  int   // of marks, the first that is not used up
	used  Stamp // of the latest byte reported
	// What the senders of the first and the last byte of what was taken last had
	// acknowledged, see places.
	ackedFirst, ackedLast int64
}

// mark is a run of bytes that came in one packet.
type mark struct {
	bytes int
	acked int64 // see places
	at    Stamp
}

// maxMarks bounds the runs that are told apart. A message that spans more, or a
// search over more, needs only the first and the last.
const maxMarks = 256

// add notes n further bytes.
func (p *pendingStamp) add(n int, at Stamp, acked int64) {
	if n == 0 {
		return
	}
	if len(p.marks)-p.head == maxMarks {
		m := p.marks[len(p.marks)-1]
		p.marks = p.marks[:len(p.marks)-1]
		before := &p.marks[len(p.marks)-1]
		before.bytes, before.at = before.bytes+m.bytes, latest(before.at, m.at)
		before.acked = unknownPlace
	}
	if p.head == len(p.marks) {
		p.marks, p.head = p.marks[:0], 0
	} else if p.head >= maxMarks {
		p.marks, p.head = p.marks[:copy(p.marks, p.marks[p.head:])], 0
	}
	p.marks = append(p.marks, mark{n, acked, at})
}

// take removes n bytes and returns the packet that carried the first of them,
// and the last in the capture that carried any.
func (p *pendingStamp) take(n int) (first, last Stamp) {
	if p.head == len(p.marks) {
		return p.used, p.used
	}
	first = p.marks[p.head].at
	p.ackedFirst = p.marks[p.head].acked
	last = first
	for n > 0 && p.head < len(p.marks) {
		m := &p.marks[p.head]
		last = latest(last, m.at)
		p.used = m.at
		p.ackedLast = m.acked
		if m.bytes > n {
			m.bytes -= n
			break
		}
		n -= m.bytes
		p.head++
	}
	return first, last
}

// took removes the bytes of what st has just reported.
func (p *pendingStamp) took(st *codec.Stream, r codec.Result) (first, last Stamp) {
	if r == codec.SkipReady {
		return p.take(st.Skip().Bytes)
	}
	f := st.Frame()
	return p.take(f.Len - f.Lost)
}

// latest returns the one of two stamps that came later in the capture.
func latest(a, b Stamp) Stamp {
	if b.Frame > a.Frame {
		return b
	}
	return a
}
