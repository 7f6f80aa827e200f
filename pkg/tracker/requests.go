package tracker

import (
	"iter"

	"github.com/pgsniff/pgsniff/internal/grammar"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Request is a request of the frontend: the one that a reply answers, or one whose
// replies are still due. Its names are borrowed until the machine's next message.
type Request struct {
	// Exchange is the number of the exchange that it belongs to, counting from 1 in
	// each connection: a Query, or Parse, Bind, Describe, Execute and their Sync. 0
	// for the requests of the startup.
	Exchange uint64
	// Kind is the kind of the message; KindUnknown for what was outstanding before
	// the machine began, of which that is not known.
	Kind messages.Kind
	// Target is what a Describe or Close speaks of.
	Target messages.Target
	// Statement and Portal are the names in Parse, Bind, Describe, Execute and
	// Close; nil where the message has none, empty for the unnamed one.
	Statement, Portal []byte
	// Limited tells that an Execute has a limit of rows.
	Limited bool
	// Cut tells that the names are left out, because those of the outstanding
	// requests together are too long to be kept.
	Cut bool
}

const (
	// maxNames bounds the bytes of names that a machine keeps for outstanding
	// requests: 16 of each of 65536. Hostile frontends use longer ones.
	maxNames = 1 << 20
	// keepName is the longest buffer for a name that stays with its place.
	keepName = 64
)

// requests keeps what is known of the outstanding requests beyond the tracker's
// queue, and of the one that was answered last: a ring by the numbers that the
// tracker gives to what it puts into its queue.
type requests struct {
	ring []Request // length is a power of two, or 0
	held int       // capacity of all buffers for names
}

func (r *requests) at(seq uint32) *Request { return &r.ring[int(seq)&(len(r.ring)-1)] }

// put notes the request of a message. oldest is the number of the oldest one that is
// outstanding; the one before it may be the latest that was answered.
func (r *requests) put(seq, oldest uint32, exchange uint64, msg messages.Message) {
	if int(seq-oldest)+2 > len(r.ring) {
		r.grow(seq)
	}
	e := r.at(seq)
	statement, portal := e.Statement, e.Portal
	*e = Request{Exchange: exchange, Kind: msg.Kind(), Statement: statement[:0], Portal: portal[:0]}
	switch m := msg.(type) {
	case *messages.Parse:
		r.name(e, m.Statement, nil)
	case *messages.Bind:
		r.name(e, m.Statement, m.Portal)
	case *messages.Execute:
		e.Limited = m.MaxRows > 0
		r.name(e, nil, m.Portal)
	case *messages.Describe:
		r.target(e, m.Target, m.Name)
	case *messages.Close:
		r.target(e, m.Target, m.Name)
	}
}

func (r *requests) target(e *Request, t messages.Target, name []byte) {
	if e.Target = t; t == messages.TargetPortal {
		r.name(e, nil, name)
	} else {
		r.name(e, name, nil)
	}
}

func (r *requests) name(e *Request, statement, portal []byte) {
	e.Statement = r.keep(e, e.Statement, statement)
	e.Portal = r.keep(e, e.Portal, portal)
}

// keep copies a name into the buffer of its place.
func (r *requests) keep(e *Request, buf, name []byte) []byte {
	r.held -= cap(buf)
	if cap(buf) > keepName {
		buf = nil
	}
	if len(name) > cap(buf) && r.held+len(name) > maxNames {
		e.Cut, name = true, nil
	}
	buf = append(buf[:0], name...)
	r.held += cap(buf)
	return buf
}

// grow makes room; the entries up to the one before seq move.
func (r *requests) grow(seq uint32) {
	ring := make([]Request, max(8, 2*len(r.ring)))
	old := *r
	r.ring = ring
	for i := range uint32(len(old.ring)) {
		*r.at(seq - 1 - i) = *old.at(seq - 1 - i)
	}
}

// request returns what is known of an entry of the queue.
func (m *machine) request(exchange uint64, kind messages.Kind, seq uint32) Request {
	if seq == 0 {
		return Request{Exchange: exchange, Kind: kind}
	}
	e := *m.requests.at(seq)
	switch e.Kind {
	case messages.KindParse:
		e.Portal = nil
	case messages.KindBind:
	case messages.KindExecute:
		e.Statement = nil
	case messages.KindDescribe, messages.KindClose:
		if e.Target == messages.TargetPortal {
			e.Statement = nil
		} else {
			e.Portal = nil
		}
	default:
		e.Statement, e.Portal = nil, nil
	}
	return e
}

// answered is what the latest message of the backend answered.
type answered struct {
	exchange uint64
	kind     messages.Kind
	seq      uint32
	some     bool
}

// Answered returns the request that the latest message of the backend answers; ok is
// false if it answers none, as notices and notifications do.
func (m *machine) Answered() (r Request, ok bool) {
	if !m.answered.some {
		return Request{}, false
	}
	return m.request(m.answered.exchange, m.answered.kind, m.answered.seq), true
}

// Outstanding ranges over the requests whose replies are still due, the oldest
// first. Syncs and requests of which nobody can tell whether the backend is going to
// answer them, because they crossed the failure of a COPY, are left out.
func (m *machine) Outstanding() iter.Seq[Request] {
	return func(yield func(Request) bool) {
		m.t.spread()
		for i := range m.t.q.n {
			p := m.t.q.at(i)
			if p.doubtful || p.request&^grammar.CopyEnd == 0 {
				continue
			}
			if !yield(m.request(p.exchange, grammar.KindOf(p.request), p.seq)) {
				return
			}
		}
	}
}

// noteRequest is for a message of the frontend that was observed; before is the
// tracker's latest number before that.
func (m *machine) noteRequest(before uint32, exchange uint64, msg messages.Message) {
	if m.t.seq == before {
		return
	}
	oldest := m.t.seq
	for i := range m.t.q.n {
		if seq := m.t.q.at(i).seq; seq != 0 {
			oldest = seq
			break
		}
	}
	m.requests.put(m.t.seq, oldest, exchange, msg)
}

// noteAnswer is for a message of the backend that was observed.
func (m *machine) noteAnswer(k messages.Kind, s *Step) {
	m.answered = answered{exchange: s.Exchange, kind: s.Request, seq: m.t.hit}
	m.answered.some = !grammar.Asynchronous.Has(k) && (m.t.hit != 0 || s.Exchange != 0 || s.Request != messages.KindUnknown)
}
