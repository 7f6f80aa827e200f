package tracker

import (
	"github.com/pgsniff/pgsniff/internal/grammar"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Tracker follows one connection by the messages of both directions. It never
// refuses: what is out of order is an Anomaly on the Step, and a ReadyForQuery
// is where a confused tracker finds its feet again. The zero Tracker is at the
// beginning of a connection, before the first startup packet.
//
// The frontend runs ahead of the backend, so the outstanding requests are a
// queue and a reply's phase is that of the request it answers.
type Tracker struct {
	q queue
	// whole, if not nil, holds the requests of the latest exchange, which were taken at
	// once: all that is outstanding. They are put into q when more has to be known.
	whole       *cycle
	wholeAt     Place // where it stands
	wholePlaced bool
	base        messages.Phase // startup, authentication, …; PhaseReady once in session
	begun       bool           // base is set
	copying     messages.Phase // PhaseCopyIn, PhaseCopyOut or PhaseCopyBoth while data flows, else 0
	// copyExchange is the exchange of the latest COPY; copyEnds is the set of directions
	// in which the data of a CopyBoth has ended.
	copyExchange uint64
	copyEnds     messages.Sides
	guessed      bool // copying was concluded: the message that began it was not seen

	exchange      uint64 // number of the latest exchange
	exchangeState exchangeState
	tx            byte

	// spare counts Syncs sent during a COPY IN that failed: nobody can tell which
	// of them the server had read before it failed and so ignored, and which it
	// will answer.
	spare uint16
	// feeding tells that all was seen since the present COPY IN began.
	feeding bool
	// copied tells that data was sent in the present COPY IN, likely counts the
	// doubtful Syncs since the latest data.
	copied bool
	likely uint16

	doubt doubt

	// seq is the number of the latest request that was put into q, hit that of the
	// one that the latest reply answered, 0 if it was not seen.
	seq, hit uint32

	place  Place // of the message at hand
	placed bool  // it is known

	open       bool // an extended cycle has begun and its Sync has not been sent yet
	answered   bool // the oldest request has had a reply that did not complete it
	discarding bool // an extended cycle failed and its Sync has not been sent yet
	pipelining bool // the frontend has begun a cycle before the last one ended
	batching   bool // the frontend has put several exchanges into a cycle
	lossF      bool // requests may have been missed since the queue was last certain
	lossB      bool // replies may have been missed
	frontend   bool // the frontend has been heard
	backend    bool // the backend has been heard
	lastReady  bool // the latest message of either side was ReadyForQuery

	// The phase after the latest message in its direction: most messages are
	// followed by another of their side.
	after    messages.Phase
	afterDir messages.Direction
	afterSet bool
}

// exchangeState is how far the latest exchange has come on the frontend's side.
type exchangeState uint8

const (
	exchangeClosed   exchangeState = iota // the next request begins another exchange
	exchangeOpen                          // Parse, Bind or Describe: an Execute may follow
	exchangeExecuted                      // Execute: its Sync may follow
	exchangeAside                         // only Close so far: no Execute joins it
)

// Reset makes t ready for another connection, keeping its queue's memory.
func (t *Tracker) Reset() {
	ring := t.q.ring
	if len(ring) > 256 {
		ring = nil
	}
	*t = Tracker{q: queue{ring: ring}}
}

// Join tells that the connection is joined at an unknown place: its phase is
// PhaseUnknown until the first message tells more.
func (t *Tracker) Join() {
	t.spread()
	t.afterSet = false
	t.begun, t.base = true, messages.PhaseUnknown
	t.lossF, t.lossB = true, true
	t.doubt = doubt{any: true, hole: true, vague: true}
}

// Rejoin forgets all but how many exchanges there were, and joins the connection anew.
func (t *Tracker) Rejoin() {
	exchange := t.exchange
	t.Reset()
	t.exchange = exchange
	t.Join()
}

// SetPhase places a tracker that has seen nothing in a phase, as pooled and
// proxied connections need that are handed over after their startup. In a phase
// where replies are due one request is taken to be outstanding; in
// PhaseExtendedQuery it stands for all of a cycle and for its Sync, whether that has
// been sent or is the next one. Both directions are taken to be heard, which is
// otherwise found out.
func (t *Tracker) SetPhase(p messages.Phase) {
	t.afterSet = false
	t.q.clear()
	*t = Tracker{q: t.q, begun: true, base: p, frontend: true, backend: true}
	switch p {
	case messages.PhaseUnknown:
		t.Join()
	case messages.PhaseSSLNegotiation:
		t.q.push(pending{request: grammar.SSL})
	case messages.PhaseGSSNegotiation:
		t.q.push(pending{request: grammar.GSS})
	case messages.PhaseSimpleQuery:
		t.begin(grammar.Query)
	case messages.PhaseFunctionCall:
		t.begin(grammar.Function)
	case messages.PhaseExtendedQuery:
		t.begin(grammar.Extended | grammar.Sync)
	case messages.PhaseCopyIn, messages.PhaseCopyOut, messages.PhaseCopyBoth:
		t.begin(grammar.Query | grammar.Execute)
		t.copying = p
	default:
		if grammar.Early.Has(p) {
			t.q.push(pending{request: grammar.Startup})
		}
	}
}

// begin places the tracker in session, with a request outstanding unless r is 0.
func (t *Tracker) begin(r grammar.Request) {
	t.base = messages.PhaseReady
	if r != 0 {
		t.q.push(pending{request: r, inferred: r&(r-1) != 0, stage: grammar.StageAny})
	}
}

// Gap tells that bytes of direction d were lost: requests or replies may be missing.
func (t *Tracker) Gap(d messages.Direction) {
	t.spread()
	t.afterSet, t.feeding = false, false
	if d == messages.Frontend {
		t.lossF = true
		if t.opening() {
			t.begun, t.base = true, messages.PhaseUnknown // the startup packet may be gone
			t.q.clear()
		}
		t.doubtGap(d)
		return
	}
	t.lossB, t.backend = true, true // that it is known to be missing tells that it is there
	t.doubtGap(d)
	if t.q.n > 0 && t.q.at(0).request&(grammar.SSL|grammar.GSS) != 0 {
		t.q.drop(1)
		if t.opening() {
			t.base = messages.PhaseStartup
		}
	}
}

// opening reports whether a startup packet is due.
func (t *Tracker) opening() bool {
	return !t.begun || t.base == messages.PhaseStartup ||
		t.base == messages.PhaseSSLNegotiation || t.base == messages.PhaseGSSNegotiation
}

// Decrypted tells that the ciphertext after a successful negotiation is being
// decrypted: the startup packet follows.
func (t *Tracker) Decrypted() { t.begun, t.base, t.afterSet = true, messages.PhaseStartup, false }

// Encrypted tells that ciphertext follows without a negotiation that was seen.
func (t *Tracker) Encrypted() {
	t.begun, t.base, t.afterSet = true, messages.PhaseEncrypted, false
}

// Tx returns the transaction status that the latest ReadyForQuery told, or 0.
func (t *Tracker) Tx() byte { return t.tx }

// Outstanding returns the number of requests whose replies are still due.
func (t *Tracker) Outstanding() int {
	if t.whole != nil {
		return len(t.whole.Requests)
	}
	return t.q.n
}

// LastExchange returns the number of the latest exchange.
func (t *Tracker) LastExchange() uint64 { return t.exchange }

// PendingSyncs returns how many ReadyForQuery are due for Sync messages.
func (t *Tracker) PendingSyncs() (n int) {
	t.spread()
	for i := range t.q.n {
		if p := t.q.at(i); p.request&grammar.Sync != 0 && !p.doubtful {
			n++
		}
	}
	return n
}

// Phase returns the phase in which the next message of direction d would be
// sent. It decides how that direction's bytes are framed.
func (t *Tracker) Phase(d messages.Direction) messages.Phase {
	if t.afterSet && t.afterDir == d {
		return t.after
	}
	t.spread()
	return t.phase(d)
}

func (t *Tracker) phase(d messages.Direction) messages.Phase {
	if !t.begun {
		return messages.PhaseStartup
	}
	if t.base != messages.PhaseReady {
		// A frontend that did not wait for the one-byte answer is already
		// further than the backend.
		if d == messages.Backend && t.q.n > 0 && t.q.at(0).request&(grammar.SSL|grammar.GSS) != 0 {
			return grammar.PhaseOf(t.q.at(0).request)
		}
		return t.base
	}
	if t.copying != 0 {
		return t.copying
	}
	if t.idle() {
		if t.open || t.discarding {
			return messages.PhaseExtendedQuery // until the Sync
		}
		return messages.PhaseReady
	}
	if d == messages.Backend {
		return grammar.PhaseOf(t.oldest().request)
	}
	if p := t.q.at(t.q.n - 1); p.request != grammar.CopyEnd && !p.doubtful {
		return grammar.PhaseOf(p.request)
	}
	return grammar.PhaseOf(t.oldest().request)
}

// oldest returns the oldest request, one that is not doubtful if there is one.
func (t *Tracker) oldest() *pending {
	if p := t.q.at(0); !p.doubtful {
		return p
	}
	for i := range t.q.n {
		if p := t.q.at(i); p.request&^grammar.CopyEnd != 0 && !p.doubtful {
			return p
		}
	}
	return t.q.at(0)
}

// idle reports whether nothing is outstanding but what the server may have passed
// over.
func (t *Tracker) idle() bool {
	return t.q.n == 0 || t.q.at(0).doubtful && t.q.at(t.q.n-1).doubtful
}

// Observe takes a message of direction d, by its kind and body (without type
// byte and length, possibly cut short), and says what it meant.
func (t *Tracker) Observe(d messages.Direction, k messages.Kind, body []byte) (s Step) {
	t.ObserveInto(&s, d, k, body)
	return s
}

// ObserveInto is Observe with the result written to *s, whatever that held.
func (t *Tracker) ObserveInto(s *Step, d messages.Direction, k messages.Kind, body []byte) {
	var f Facts
	switch k {
	case messages.KindReadyForQuery:
		if len(body) > 0 {
			f.Status = body[0]
		}
	case messages.KindErrorResponse, messages.KindSSLResponse,
		messages.KindGSSENCResponse, messages.KindStartupMessage, messages.KindErrorResponseV2:
		f = FactsOf(k, body)
	case messages.KindCopyData:
		if t.copying == 0 || t.guessed {
			f.Replicates = Replicates(d, body)
		}
	}
	t.observe(s, d, k, f)
}

// ObserveFacts is Observe for callers that have the message decoded.
func (t *Tracker) ObserveFacts(d messages.Direction, k messages.Kind, f Facts) (s Step) {
	t.observe(&s, d, k, f)
	return s
}

func (t *Tracker) observe(s *Step, d messages.Direction, k messages.Kind, f Facts) {
	s.reset()
	t.spread()
	if !t.begun {
		t.begun, t.base = true, messages.PhaseStartup
	}
	if d == messages.Frontend {
		if t.base != messages.PhaseReady {
			// What the message itself tells of a phase that was not seen comes first.
			t.concludeFromSend(k)
			t.afterSet = false
		}
		s.Phase = t.Phase(d)
		t.frontend = true
		t.send(s, k, f)
	} else {
		if t.base != messages.PhaseReady {
			t.concludeFromReply(k)
			t.afterSet = false
		}
		if t.placed && t.place.Acked > t.place.Other+1 && t.base == messages.PhaseReady {
			t.premature()
		}
		s.Phase = t.Phase(d)
		t.backend = true
		t.reply(s, k, f)
		s.Tx = t.tx
	}
	t.lastReady = k == messages.KindReadyForQuery || t.lastReady && grammar.Asynchronous.Has(k)
	t.placed = false
	t.after, t.afterDir, t.afterSet = t.phase(d), d, true
	s.After = t.after
	if t.doubt.any || t.lossF || t.lossB || !t.backend {
		t.obscure(s, k)
	}
}

var (
	// told are the messages whose kind tells the phase that they are sent in.
	told    = grammar.KindsOf(messages.KindCopyData, messages.KindCopyDone, messages.KindCopyFail)
	copying = grammar.In(messages.PhaseCopyIn, messages.PhaseCopyOut)
	// session are the phases that change from one request to the next.
	session = copying | grammar.In(messages.PhaseReady, messages.PhaseSimpleQuery, messages.PhaseExtendedQuery,
		messages.PhaseFunctionCall, messages.PhaseFailed)
	// asked are messages of a startup whose kind tells how far it has come.
	asked = grammar.BeginsAuthentication | grammar.KindsOf(messages.KindAuthenticationSASLContinue, messages.KindAuthenticationSASLFinal,
		messages.KindAuthenticationGSSContinue, messages.KindNegotiateProtocolVersion, messages.KindPasswordMessage,
		messages.KindGSSResponse, messages.KindSASLInitialResponse, messages.KindSASLResponse)
	// last are those that come only at its end.
	last = grammar.KindsOf(messages.KindBackendKeyData, messages.KindReadyForQuery)
)

// obscure leaves the phases out of a step which a loss, or a backend that was not heard,
// may have changed, until it is certain again who answers whom.
func (t *Tracker) obscure(s *Step, k messages.Kind) {
	if !t.backend && t.base == messages.PhaseReady {
		s.Phase = messages.PhaseUnknown // nobody can say what it had replied to by then
	}
	if grammar.Early.Has(s.Phase) && !asked.Has(k) && !(last.Has(k) && s.Phase == messages.PhaseInitialization) {
		s.Phase = messages.PhaseUnknown
		return
	}
	if !t.doubt.any {
		return
	}
	if k == messages.KindReadyForQuery && t.q.n == 0 && !t.pipelining && !t.doubt.hole {
		t.doubt.vague = false // both sides are where it says
	} else if session.Has(s.After) && s.After != messages.PhaseFailed {
		s.After = messages.PhaseUnknown
	}
	rested := s.Phase == messages.PhaseReady && s.Rested && t.doubt.trial
	if session.Has(s.Phase) && !rested && !(told.Has(k) && copying.Has(s.Phase)) {
		s.Phase = messages.PhaseUnknown
	}
}
