package findings

import (
	"fmt"

	"github.com/pgsniff/pgsniff/internal/netfacts"
	"github.com/pgsniff/pgsniff/internal/units"
)

const (
	// lossTime and lossShare are what a retransmission has to explain of an exchange.
	lossTime  = 100 * millisecond
	lossShare = 0.5
	// minDelayed exchanges, and half of those that could, show write-write-read.
	minDelayed = 10
	// keptRepeats and keptWindows bound what is remembered of one exchange.
	keptRepeats = 16
	keptWindows = 512
)

var (
	retransmitInside = &code{name: "retransmit_inside_query", finish: finishRetransmit}
	delayedACK       = &code{name: "delayed_ack_40ms", finish: finishDelayed}
)

// network is what the network did to a connection lately.
type network struct {
	repeats []repeat
	windows []window
	delayed []repeat // writes that waited
	// again is the latest reply that came again after its exchange, and for how long it has
	// been on its way.
	again struct{ since, took int64 }
	// lastClosed is for how long the client's window was closed in the latest exchange.
	lastClosed int64
}

// repeat is a segment that came twice: first at since, again at at.
type repeat struct {
	fromClient bool
	needless   bool
	since, at  int64
	frame      uint64
	n          int
}

// window is a time in which a receive window was closed.
type window struct {
	client   bool
	from, to int64
}

// explains returns how much of a time retransmissions explain.
func (n *network) explains(from, to int64) (sum int64) {
	if len(n.repeats) == 0 {
		return 0
	}
	reached := from
	for i := range n.repeats {
		r := &n.repeats[i]
		since, at := max(r.since, reached), min(r.at, to)
		if r.needless || r.since == 0 || at <= since {
			continue
		}
		sum += at - since
		reached = at
	}
	return sum
}

// closedWithin returns for how long the client's window was closed in a time.
func (n *network) closedWithin(from, to int64) (sum int64) {
	for i := range n.windows {
		if w := &n.windows[i]; w.client {
			sum += max(min(w.to, to)-max(w.from, from), 0)
		}
	}
	return sum
}

// full reports whether the receive window of one side was closed during an exchange, so that
// what came again had found its buffer full.
func (n *network) full(client bool, q *seenExchange, explained int64) bool {
	_, sum := n.closed(client, q.Start.Time, q.End.Time)
	return sum*2 >= explained
}

// closed returns how often and for how long the window of one side was closed in a
// time.
func (n *network) closed(client bool, from, to int64) (times uint64, sum int64) {
	for i := range n.windows {
		if w := &n.windows[i]; w.client == client && w.to > from && w.from < to {
			sum += min(w.to, to) - max(w.from, from)
			times++
		}
	}
	return times, sum
}

func stamp(v *netfacts.Event) Stamp { return Stamp{Time: v.At.Time, Frame: v.At.Frame} }

// network takes what the network did.
func (e *Engine) network(v *netfacts.Event) {
	switch v.Kind {
	case netfacts.ServerSilence:
		e.silences(v)
		return
	case netfacts.Refused, netfacts.NoAnswer:
		e.unreached(v)
		return
	case netfacts.LateReply:
		e.silences(v)
	case netfacts.Gone:
		delete(e.shaken, v.Conn)
		return
	}
	c := e.conns[v.Conn]
	if c == nil {
		if v.Kind == netfacts.RTT {
			e.early(v)
		}
		return
	}
	switch v.Kind {
	case netfacts.RTT:
		c.take(v)
	case netfacts.Retransmission:
		e.repeated(c, v)
	case netfacts.WindowClosed:
		if len(c.net.windows) < keptWindows {
			c.net.windows = append(c.net.windows, window{v.FromClient, v.Since, v.At.Time})
		}
		e.replicaWindow(c, v)
	case netfacts.DelayedACK:
		if len(c.net.delayed) < keptRepeats {
			c.net.delayed = append(c.net.delayed, repeat{since: v.Since, at: v.At.Time, frame: v.At.Frame, n: v.N})
		}
	case netfacts.Silence:
		if c.silence.draft == nil {
			c.silence = silence{at: stamp(v), length: v.Length}
		}
	case netfacts.Reset, netfacts.Finished:
		e.closing(c, v)
	}
}

// handshake is what is known of a connection before anything is told of it.
type handshake struct {
	rtt    [2]int64
	timed  [2]bool
	shaken bool
}

// maxEarly bounds the connections of which nothing but the handshake was seen.
const maxEarly = 1 << 16

// early keeps what the handshake tells.
func (e *Engine) early(v *netfacts.Event) {
	h, ok := e.shaken[v.Conn]
	if !ok && len(e.shaken) >= maxEarly {
		e.Dropped++
		return
	}
	h.take(v)
	e.shaken[v.Conn] = h
}

func (h *handshake) take(v *netfacts.Event) {
	side := 0
	if v.FromClient {
		side = 1
	}
	h.rtt[side], h.timed[side] = v.Length, true
	h.shaken = h.shaken || v.Handshake
}

func (e *Engine) repeated(c *conn, v *netfacts.Event) {
	r := repeat{v.FromClient, v.Needless, v.Since, v.At.Time, v.At.Frame, v.N}
	n := &c.net
	if v.FromClient && c.silence.at.Time != 0 && v.Since >= c.silence.at.Time-millisecond {
		c.silence.repeats++
		c.silence.last = stamp(v)
		if c.silence.repeats >= minRepeats {
			e.unanswered(c, stamp(v))
		}
	}
	if len(n.repeats) == keptRepeats {
		n.repeats = append(n.repeats[:0], n.repeats[1:]...)
	}
	n.repeats = append(n.repeats, r)
	// Of a reply that is over, the repetition comes after the exchange.
	if !v.FromClient && !v.Needless && c.lastEnd.Time != 0 && v.Since != 0 && v.Since <= c.lastEnd.Time && v.Since > c.lastEnd.Time-second && c.last != nil {
		if v.At.Time-v.Since >= lossTime {
			e.lostReply(c, v)
		}
	}
}

// lostReply notes that a reply which is over came again: each time, of one reply, it is known
// for longer.
func (e *Engine) lostReply(c *conn, v *netfacts.Event) {
	n, took := &c.net, v.At.Time-v.Since
	if d := e.peek(retransmitInside, c.app, 0); d != nil && n.again.since == v.Since {
		d.cost.TimeNS += max(took-n.again.took, 0)
		d.span(stamp(v))
		n.again.took = max(n.again.took, took)
		return
	}
	n.again.since, n.again.took = v.Since, took
	e.lost(c, c.last, c.lastID, v.Since, took, Stamp{Time: v.Since, Frame: v.At.Frame}, false)
}

type lossData struct {
	fromClient, fromServer uint64
	timeout                sample
}

// networked asks what the network did during an exchange.
func (e *Engine) networked(q *seenExchange) {
	c, n := q.c, &q.c.net
	n.lastClosed = 0
	if len(n.repeats) > 0 && q.dur > 0 {
		e.repeatsOf(q)
	}
	if len(n.windows) > 0 {
		e.windowsOf(q)
		n.windows = n.windows[:0]
	}
	if d := c.app.delayed; d != nil {
		d.data.(*delayData).exchanges++
	}
	if len(n.delayed) > 0 {
		e.unitDelays(q)
		n.delayed = n.delayed[:0]
	}
	if c.repl != nil && c.repl.draft != nil {
		c.repl.draft.calls(q.s, 1)
	}
	if c.silence.draft != nil && !q.Answered {
		c.silence.draft.calls(q.s, 1)
	}
	if q.Answered {
		c.silence = silence{}
	}
}

// repeatsOf notes an exchange whose time retransmissions explain.
func (e *Engine) repeatsOf(q *seenExchange) {
	c := q.c
	explained := c.net.explains(q.Start.Time, q.End.Time)
	kept := c.net.repeats[:0]
	var first *repeat
	for i := range c.net.repeats {
		r := &c.net.repeats[i]
		if r.at > q.End.Time {
			kept = append(kept, *r)
			continue
		}
		if first == nil && !r.needless && r.since != 0 && r.since >= q.Start.Time-millisecond {
			first = r
		}
	}
	if first != nil && (explained >= lossTime || float64(explained) >= lossShare*float64(q.dur) && explained >= 10*millisecond) &&
		!c.net.full(!first.fromClient, q, explained) {
		e.lost(c, q.s, q.ID, first.since, explained, Stamp{Time: first.since, Frame: first.frame}, first.fromClient)
	}
	c.net.repeats = kept
}

// lost notes that a segment of an exchange was lost.
func (e *Engine) lost(c *conn, s *statement, id uint64, since, took int64, at Stamp, fromClient bool) {
	d := e.draft(retransmitInside, c.app, 0)
	if d == nil {
		return
	}
	x, _ := d.data.(*lossData)
	if x == nil {
		x = &lossData{}
		d.data = x
	}
	way := "the server"
	if fromClient {
		x.fromClient++
		way = "the client"
	} else {
		x.fromServer++
	}
	x.timeout.add(took)
	d.note(Stamp{Time: since, Frame: at.Frame})
	d.span(Stamp{Time: since + took, Frame: at.Frame})
	d.on(c)
	d.calls(s, 1)
	d.cost.TimeNS += took
	d.show(at, c, id, fmt.Sprintf("a segment from %s came again after %s", way, units.Duration(took)))
}

func finishRetransmit(e *Engine, d *draft) (f Finding, ok bool) {
	x := d.data.(*lossData)
	f = d.finding(Warning, Strong)
	if d.cost.TimeNS < lossTime {
		f.Severity = Info
	}
	f.Cost.Share = d.share()
	way := "from the client"
	switch {
	case x.fromServer > 0 && x.fromClient > 0:
		way = "in both directions"
	case x.fromServer > 0:
		way = "from the server"
	}
	f.Title = fmt.Sprintf("The network lost packets inside %s of %s (%s): %s until they came again, some %s each", count(d.count, "query"), d.app.name(), way, units.Duration(d.cost.TimeNS), units.Duration(x.timeout.median()))
	f.Advice = "The queries are not slow, the network is: look for drops on the way (ip -s link, nstat TcpRetransSegs, switch ports, overloaded virtual NICs, MTU)."
	return f, true
}

type delayData struct {
	stalled, exchanges uint64
	gap                sample
	first              sample
	s                  *statement
}

// unitDelays notes a request in two writes of which the second had to wait.
func (e *Engine) unitDelays(q *seenExchange) {
	c := q.c
	d := e.draft(delayedACK, c.app, 0)
	if d == nil {
		return
	}
	x, _ := d.data.(*delayData)
	if x == nil {
		x = &delayData{s: q.s, exchanges: 1}
		d.data, c.app.delayed = x, d
	}
	for i := range c.net.delayed {
		r := &c.net.delayed[i]
		if r.since < q.Start.Time-second || r.at > q.End.Time && q.End.Time != 0 {
			continue
		}
		x.stalled++
		x.gap.add(r.at - r.since)
		x.first.add(int64(r.n))
		d.cost.TimeNS += r.at - r.since
		d.note(Stamp{Time: r.since, Frame: r.frame})
		d.on(c)
		d.calls(q.s, 1)
		d.show(Stamp{Time: r.since, Frame: r.frame}, c, q.ID, fmt.Sprintf("%d bytes, then %s until the rest", r.n, units.Duration(r.at-r.since)))
		break
	}
}

func finishDelayed(e *Engine, d *draft) (f Finding, ok bool) {
	x := d.data.(*delayData)
	if x.stalled < minDelayed || x.stalled*2 < x.exchanges {
		return f, false
	}
	f = d.finding(Warning, Strong)
	f.Cost.Share = d.share()
	f.Title = fmt.Sprintf("%s sends its requests in two writes and waits %s for the acknowledgment of the first, %s times: Nagle's algorithm against delayed acknowledgments", d.app.name(), units.Duration(x.gap.median()), grouped(int64(x.stalled)))
	f.Advice = "Set TCP_NODELAY, or send the whole request (Parse to Sync) in one write. Usual drivers do both; a proxy or a home-made client may not."
	return f, true
}
