package analyze

import (
	"cmp"
	"slices"

	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/reassembly"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// Inlet is where plaintext of a connection comes in that was not read from packets:
// of one that is captured too and encrypted there, or of one that no packets are
// captured of. Its methods belong to the goroutine of the Analyzer's.
type Inlet struct {
	a   *Analyzer
	k   *conn
	id  uint64
	by  string
	own bool // there are no packets
}

// maxInlets bounds the connections without packets, as maxConns the others.
const maxInlets = maxConns

// OpenInlet begins a connection that no packets are captured of, between a client
// and a server that are named as its records are to name them. by is the word for
// what gives its bytes (connection records' decrypted_by). It returns nil where too
// many are open.
func (a *Analyzer) OpenInlet(client, server string, at session.Stamp, midStream bool, by string) *Inlet {
	if len(a.inlets) == maxInlets {
		return nil
	}
	k := a.conns.get()
	k.id, k.client, k.server = a.tcp.TakeID(), client, server
	k.first, k.midStream, k.listed = at, midStream, true
	i := &Inlet{a: a, k: k, id: k.id, by: by, own: true}
	a.inlets[i] = struct{}{}
	return i
}

// FindInlet returns the inlet of an encrypted connection that packets are captured
// of; nil if none is open between these ends. Only plaintext of what is encrypted in
// the packets may be given to it.
func (a *Analyzer) FindInlet(client, server reassembly.Endpoint, by string) *Inlet {
	c := a.tcp.Find(client, server)
	if c == nil {
		return nil
	}
	k, _ := c.Value.(*conn)
	if k == nil { // nothing but its handshake has come
		return nil
	}
	return &Inlet{a: a, k: k, id: k.id, by: by}
}

// ID is the connection's number.
func (i *Inlet) ID() uint64 { return i.id }

// Open reports whether the connection is still open.
func (i *Inlet) Open() bool { return i.k != nil && i.k.id == i.id && !i.k.closed }

// Data takes the next bytes of a direction, borrowed for the call. Where their place
// has no frame, they belong to that of the latest packet. Of a connection that is
// joined in the middle, Lost with an unknown number comes first.
func (i *Inlet) Data(d messages.Direction, b []byte, at session.Stamp) {
	if len(b) == 0 || !i.Open() || i.k.done.Load() {
		return
	}
	if i.own {
		i.k.stats[d].Bytes += uint64(len(b))
	}
	for len(b) > 0 { // a batch takes no more at once
		n := min(len(b), batchBytes)
		i.a.out.plain(i.k, d, b[:n:n], i.stamp(at), i.by)
		b = b[n:]
	}
}

// Lost tells that n bytes of a direction will never come, n < 0 if their number is
// not known.
func (i *Inlet) Lost(d messages.Direction, n int64, at session.Stamp) {
	if !i.Open() || i.k.done.Load() {
		return
	}
	if i.own {
		i.k.stats[d].Lost += uint64(max(n, 0))
	}
	i.a.out.lostPlain(i.k, d, n, i.stamp(at), i.by)
}

func (i *Inlet) stamp(at session.Stamp) reassembly.Stamp {
	if at.Frame == 0 {
		at.Frame = max(i.a.latest, 1) // 0 would be an unknown place
	}
	if c := &i.a.Counts; i.own && at.Time > c.Last {
		c.Last = at.Time
		if c.First == 0 {
			c.First = at.Time
		}
	}
	return at
}

// Secured tells that what follows is encrypted, and how, where that is not to be
// seen in the bytes.
func (i *Inlet) Secured(how session.Encryption) {
	i.tell(func(s *session.Session) { s.Secured(how) })
}

// Names tells the version and cipher suite of TLS.
func (i *Inlet) Names(version, cipher string) {
	i.tell(func(s *session.Session) { s.SetTLS(version, cipher) })
}

// Peer tells who the client is.
func (i *Inlet) Peer(p session.Peer) {
	i.tell(func(s *session.Session) { s.SetPeer(p) })
}

// Worked tells what the server's work took on what it had read when that were after
// bytes, of those and the losses that Data and Lost were given. failed tells that an
// error ended it.
func (i *Inlet) Worked(after uint64, t *exchange.ServerTimes, failed bool) {
	i.tell(func(s *session.Session) { s.Worked(after, t, failed) })
}

// tell has the second stage do something to the session, in its place in the order.
func (i *Inlet) tell(f func(*session.Session)) {
	if !i.Open() || i.k.done.Load() {
		return
	}
	k, stage := i.k, i.a.stage
	i.a.out.do(func() { f(stage.of(k)) })
}

// Close ends a connection without packets; one with packets ends with these.
func (i *Inlet) Close(at session.Stamp) { i.close(reassembly.ByFIN, at) }

func (i *Inlet) close(why reassembly.Reason, at session.Stamp) {
	if !i.own || !i.Open() {
		return
	}
	a := i.a
	delete(a.inlets, i)
	i.k.closed = true
	for d := range i.k.stats {
		a.Counts.Lost += i.k.stats[d].Lost
	}
	a.out.close(i.k, why, i.stamp(at))
	if a.pipe == nil {
		a.conns.put(i.k)
	}
	i.k = nil
}

// closeInlets ends those that are open when the capture ends, in their order.
func (a *Analyzer) closeInlets() {
	var open []*Inlet
	for i := range a.inlets {
		open = append(open, i)
	}
	slices.SortFunc(open, func(x, y *Inlet) int { return cmp.Compare(x.id, y.id) })
	for _, i := range open {
		i.close(reassembly.ByEnd, session.Stamp{Time: a.Counts.Last, Frame: a.latest})
	}
}

// plain takes plaintext. What comes before encryption, where there are no packets,
// is as if it were captured.
func (t *sessions) plain(k *conn, d messages.Direction, b []byte, at reassembly.Stamp, by string) {
	s := t.of(k)
	if d == messages.Frontend {
		s.Reads(len(b))
	}
	if k.server != "" && !s.Encrypted() {
		s.Data(d, b, at)
	} else {
		s.Plaintext(d, b, at, by)
	}
	if t.slow != nil {
		t.slow.sawData(k)
	}
	if s.Done() {
		k.done.Store(true)
	}
}

func (t *sessions) lostPlain(k *conn, d messages.Direction, n int64, at reassembly.Stamp, by string) {
	s := t.of(k)
	if d == messages.Frontend {
		s.MissedRead(n)
	}
	if k.server != "" && !s.Encrypted() {
		s.Gap(d, n, at)
	} else {
		s.LostPlaintext(d, n, at, by)
	}
	if s.Done() {
		k.done.Store(true)
	}
}

func (p *pipe) plain(k *conn, d messages.Direction, b []byte, at reassembly.Stamp, by string) {
	if len(p.cur.data)+len(b) > batchBytes {
		p.flush()
	}
	e := p.place(eventPlain, at)
	e.conn, e.dir, e.n = k, reassembly.Dir(d), int64(len(b))
	p.cur.data = append(p.cur.data, b...)
	p.cur.by = append(p.cur.by, by)
}

func (p *pipe) lostPlain(k *conn, d messages.Direction, n int64, at reassembly.Stamp, by string) {
	e := p.place(eventLostPlain, at)
	e.conn, e.dir, e.n = k, reassembly.Dir(d), n
	p.cur.by = append(p.cur.by, by)
}
