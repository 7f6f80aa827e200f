package analyze

import (
	"github.com/pgsniff/pgsniff/pkg/reassembly"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// streams is the analyzer as the handler of the reassembler.
type streams Analyzer

// Open decides which side is the server, as far as addresses can tell.
func (t *streams) Open(c *reassembly.Conn, _ reassembly.Stamp) {
	a := (*Analyzer)(t)
	if a.given.has(c) {
		return // it was counted
	}
	a.Counts.TCPConnections++
	server := c.B.Port
	if c.MidStream && a.listed(c.A.Port) && !a.listed(c.B.Port) {
		server = c.A.Port
	}
	a.Counts.port(server)
	if c.MidStream && !a.listed(server) {
		a.Counts.port(c.A.Port) // which of them is the server's, the others will tell
	}
	if !a.listed(server) && !a.opt.AnyPort {
		c.Ignore()
		return
	}
	if a.known.size > 0 {
		if s := a.recall(c); s != nil {
			c.Value = a.resume(c, s)
		}
	}
}

// begin makes the connection when its first bytes come. Content decides where
// ports and SYN do not.
func (a *Analyzer) begin(c *reassembly.Conn, d reassembly.Dir, b []byte) *conn {
	k := a.conns.get()
	k.id, k.a, k.b, k.first, k.midStream = c.ID, c.A, c.B, c.First, c.MidStream
	was, continues := a.given.take(c)
	switch {
	case continues:
		k.listed, k.continues = was.listed, was.id
		if c.A.Port == was.server && c.B.Port != was.server {
			k.frontend = 1
		}
	case !c.MidStream:
		k.listed = a.listed(c.B.Port)
	case a.listed(c.B.Port) != a.listed(c.A.Port):
		k.listed = true
		if a.listed(c.A.Port) {
			k.frontend = 1
		}
	default:
		k.listed = a.listed(c.A.Port)
		k.frontend = guessFrontend(d, b)
	}
	if !k.listed && c.MidStream && !continues && !opens(b) {
		if talks(b) {
			a.Counts.likely(c.A.Port, c.B.Port)
		}
		c.Ignore()
		a.conns.put(k)
		return nil
	}
	if a.opt.Inside {
		k.wire = new(wire)
	}
	c.Value = k
	return k
}

// Data passes bytes on.
func (t *streams) Data(c *reassembly.Conn, d reassembly.Dir, b []byte, at reassembly.Stamp) {
	k, _ := c.Value.(*conn)
	if k == nil {
		if k = (*Analyzer)(t).begin(c, d, b); k == nil {
			return
		}
	}
	if k.wire != nil {
		k.feedWire(d, b, at)
	}
	if !k.done.Load() {
		t.out.data(k, d, b, int32(max(c.Unacked, unknownUnacked)), at)
	}
}

// Gap passes a loss on.
func (t *streams) Gap(c *reassembly.Conn, d reassembly.Dir, n int64, at reassembly.Stamp) {
	k, _ := c.Value.(*conn)
	if k == nil {
		if k = (*Analyzer)(t).begin(c, d, nil); k == nil {
			return
		}
	}
	if k.wire != nil {
		k.wire[k.direction(d)].lose()
	}
	if !k.done.Load() {
		t.out.gap(k, d, n, at)
	}
}

// Anomaly passes on what the reassembler found odd.
func (t *streams) Anomaly(c *reassembly.Conn, d reassembly.Dir, _ reassembly.Anomaly, at reassembly.Stamp) {
	if k, _ := c.Value.(*conn); k != nil {
		t.out.conflict(k, d, at)
	}
}

// Stalled passes on what time the loss of packets took.
func (t *streams) Stalled(c *reassembly.Conn, since int64, at reassembly.Stamp) {
	if k, _ := c.Value.(*conn); k != nil && !k.done.Load() {
		t.out.stalled(k, since, at)
	}
}

// Close ends the connection.
func (t *streams) Close(c *reassembly.Conn, why reassembly.Reason, at reassembly.Stamp) {
	k, _ := c.Value.(*conn)
	if k == nil {
		if k = (*Analyzer)(t).wordless(c, why, at); k == nil {
			return
		}
	}
	c.Value = nil
	k.closed = true
	if why == reassembly.ByLimit && !k.done.Load() {
		(*Analyzer)(t).given.add(k)
	}
	k.stats = c.Stats
	for d := range k.stats {
		t.Counts.Lost += k.stats[d].Lost
		t.Counts.Retransmitted += k.stats[d].Retransmitted
	}
	t.out.close(k, why, at)
	if t.pipe == nil {
		t.conns.put(k)
	}
}

// HalfClose notes that one side has closed.
func (t *streams) HalfClose(c *reassembly.Conn, d reassembly.Dir, at reassembly.Stamp) {
	if k, _ := c.Value.(*conn); k != nil {
		k.fins[d] = at
	}
}

// answerTime is how long a server may take to answer a SYN, in nanoseconds, before a
// capture that ends tells that it did not: the first repetition comes after a second.
const answerTime = int64(1e9)

// wordless makes the connection of one that ends without a byte, if it was one to a
// server's port, so that it is told, too: refused, not answered, or closed at once, as
// those who look after a server's health do.
func (a *Analyzer) wordless(c *reassembly.Conn, why reassembly.Reason, at reassembly.Stamp) *conn {
	if c.MidStream || !a.listed(c.B.Port) || c.Stats[0].Bytes+c.Stats[1].Bytes > 0 {
		return nil
	}
	k := a.conns.get()
	k.id, k.a, k.b, k.first, k.listed = c.ID, c.A, c.B, c.First, true
	switch answered := c.Answered(1); {
	case !answered && why == reassembly.ByRST:
		k.never = session.StateRefused
	case !answered && (why != reassembly.ByEnd || a.Counts.Last-c.First.Time >= answerTime):
		k.never = session.StateNoAnswer
	case answered && (why == reassembly.ByFIN || why == reassembly.ByRST):
		k.never = session.StateEmpty
	}
	return k
}
