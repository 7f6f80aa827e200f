package tracker

import (
	"errors"
	"fmt"
	"iter"

	"github.com/pgsniff/pgsniff/internal/grammar"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// machine is what the two state machines share: the tracker's rules seen from
// one side, with anomalies turned into errors.
type machine struct {
	t      Tracker
	local  messages.Direction
	strict bool
	made   bool // by New…
	over   bool // Terminate or CancelRequest was sent
	past   bool // the startup is over: the session has begun
	order  order
	// again is the kind, by direction, of which another message is in order and
	// changes nothing: the latest that was sent in that direction, where it is a row
	// or data and nothing else has been sent since. KindUnknown: none.
	again    [2]messages.Kind
	requests requests
	answered answered
}

// Machine is what both state machines can do.
type Machine interface {
	Send(m messages.Message) error
	Receive(m messages.Message) error
	Phase() messages.Phase
	PhaseOf(d messages.Direction) messages.Phase
	Strict() bool
	IsReady() bool
	IsActive() bool
	PendingSyncs() int
	TxStatus() messages.TxStatus
	TLSEstablished() error
	Answered() (Request, bool)
	Outstanding() iter.Seq[Request]
}

// Option configures a state machine.
type Option func(*machine)

// Lenient lets a machine go on after a message out of order: Send and Receive
// still return the *Anomaly, but the message has taken its effect. What servers
// tolerate beyond the manual's flow is no anomaly then.
func Lenient() Option { return func(m *machine) { m.strict = false } }

// InPhase starts a machine in a phase other than PhaseStartup, for connections
// that were handed over after their startup. In a phase in which replies are due
// one request is taken to be outstanding, and any of its replies may come first.
// PhaseUnknown is for lenient machines only.
func InPhase(p messages.Phase) Option {
	return func(m *machine) {
		m.t.SetPhase(p)
		m.order = orderIn(p)
	}
}

func newMachine(local messages.Direction, options []Option) machine {
	m := machine{strict: true, made: true, local: local}
	for _, o := range options {
		o(&m)
	}
	m.past = m.t.base == messages.PhaseReady
	m.t.frontend, m.t.backend = true, true // neither goes unheard, as in captures
	return m
}

// Strict reports whether the machine refuses messages out of order.
func (m *machine) Strict() bool { return m.strict }

// TxStatus returns the latest ReadyForQuery's transaction status, and 0 before the
// first.
func (m *machine) TxStatus() messages.TxStatus { return messages.TxStatus(m.t.Tx()) }

// PendingSyncs returns how many Syncs are still to be answered by a
// ReadyForQuery. Syncs sent during a COPY IN are not counted: the backend
// ignores them.
func (m *machine) PendingSyncs() int { return m.t.PendingSyncs() }

// IsReady reports whether every request has been answered, so that the backend
// waits for the next query cycle. It is false between the messages of an
// extended query cycle, until the ReadyForQuery of its Sync.
func (m *machine) IsReady() bool { return m.PhaseOf(messages.Backend) == messages.PhaseReady }

// IsActive reports whether the connection has not ended: neither has Terminate been
// sent nor has it failed.
func (m *machine) IsActive() bool {
	return !ended.Has(m.PhaseOf(m.local))
}

var ended = grammar.In(messages.PhaseTerminated, messages.PhaseFailed)

// active are the phases of a session.
var active = grammar.In(messages.PhaseReady, messages.PhaseSimpleQuery, messages.PhaseExtendedQuery,
	messages.PhaseFunctionCall, messages.PhaseCopyIn, messages.PhaseCopyOut, messages.PhaseCopyBoth)

// TLSEstablished tells the machine that the encryption which the SSLRequest or
// GSSENCRequest brought about is up, or that the connection began with a TLS
// handshake: the startup packet follows inside. It returns an error, and does
// nothing, in any other phase.
func (m *machine) TLSEstablished() error {
	if !m.made {
		return errNotMade
	}
	switch p := m.PhaseOf(m.local); p {
	case messages.PhaseEncrypted:
		m.t.Decrypted()
		m.order.encrypted = true
		return nil
	case messages.PhaseStartup:
		return nil
	default:
		return fmt.Errorf("postgresql protocol: encryption established in phase %v; expected %v or %v",
			p, messages.PhaseEncrypted, messages.PhaseStartup)
	}
}

// Phase returns the connection's phase as this side sees it: a frontend that
// pipelines is in the phase of what it sent last, a backend in that of the
// oldest request without a complete reply.
func (m *machine) Phase() messages.Phase { return m.PhaseOf(m.local) }

// PhaseOf returns the phase in which the next message of direction d is sent:
// the one that a decoder of that direction needs.
func (m *machine) PhaseOf(d messages.Direction) messages.Phase {
	p := m.t.Phase(d)
	if m.over && p != messages.PhaseFailed && (d == messages.Frontend || p == messages.PhaseReady) {
		return messages.PhaseTerminated
	}
	return p
}

// errNotMade is of a zero machine.
var errNotMade = errors.New("postgresql protocol: a state machine made without NewFrontendMachine or NewBackendMachine")

// observe applies a message; a strict machine is left as it was if it refuses.
func (m *machine) observe(d messages.Direction, msg messages.Message) error {
	k := msg.Kind()
	if k == m.again[d] && k != messages.KindUnknown {
		return nil
	}
	if !m.made {
		return errNotMade
	}
	return m.observeAnew(d, k, msg, factsOfMessage(msg))
}

// observeAnew is observe for a message that may change something.
func (m *machine) observeAnew(d messages.Direction, k messages.Kind, msg messages.Message, f Facts) error {
	if d == messages.Frontend && m.local == d.Opposite() && m.t.base == messages.PhaseFailed {
		return nil // sent before the frontend learned of it, and read by nobody
	}
	if m.strict {
		if a := m.refusal(d, k, f); a != nil {
			return a
		}
		m.advanceOrder(d, k)
	}
	m.again = [2]messages.Kind{}
	negotiating := grammar.Negotiating.Has(m.t.Phase(messages.Backend))
	before := m.t.seq
	m.t.hit = 0
	step := m.t.ObserveFacts(d, k, f)
	if d == messages.Frontend {
		m.noteRequest(before, step.Exchange, msg)
	} else {
		m.noteAnswer(k, &step)
	}
	m.past = m.past || m.t.base == messages.PhaseReady
	switch k {
	case messages.KindTerminate, messages.KindCancelRequest:
		m.over = m.over || d == messages.Frontend
	case messages.KindErrorResponse, messages.KindErrorResponseV2:
		if negotiating && d == messages.Backend {
			m.t.base = messages.PhaseFailed // "the connection must be closed" ("SSL Session Encryption")
		}
	}
	if step.Anomaly != nil {
		return step.Anomaly
	}
	if k == messages.KindDataRow || k == messages.KindCopyData {
		m.repeatable(d, k)
	}
	return nil
}

// repeatable notes that another message like the latest changes nothing, where that
// is certain: the request that it answers was seen, or it is data for a COPY.
func (m *machine) repeatable(d messages.Direction, k messages.Kind) {
	if d == messages.Frontend {
		if m.t.copying != 0 {
			m.again[d] = k
		}
		return
	}
	if p, doubtful := m.head(); p != nil && !doubtful && !p.inferred && p.request&grammar.Replies[k].Answers != 0 {
		m.again[d] = k
	}
}

// factsOfMessage reads the facts from a decoded message.
func factsOfMessage(msg messages.Message) (f Facts) {
	switch m := msg.(type) {
	case *messages.ReadyForQuery:
		f.Status = byte(m.Status)
	case *messages.SSLResponse:
		f.Status = answer(m.Accepted, 'S')
	case *messages.GSSENCResponse:
		f.Status = answer(m.Accepted, 'G')
	case *messages.ErrorResponse:
		severity := string(m.Severity())
		f.Fatal = severity == "FATAL" || severity == "PANIC"
	case *messages.ErrorResponseV2:
		f.Fatal = true
	case *messages.StartupMessage:
		if f.Protocol = uint32(m.Version); f.Protocol == 0 {
			f.Protocol = messages.Version30 // which is what is sent
		}
	}
	return f
}

func answer(accepted bool, yes byte) byte {
	if accepted {
		return yes
	}
	return 'N'
}

// FrontendMachine is the state machine of a program that plays the frontend.
// The zero value is not ready for use; see NewFrontendMachine. It is not safe
// for concurrent use.
type FrontendMachine struct{ machine }

// NewFrontendMachine returns a strict machine before the first startup packet.
func NewFrontendMachine(options ...Option) *FrontendMachine {
	return &FrontendMachine{newMachine(messages.Frontend, options)}
}

// Send tells the machine of a message that the program sends. A strict machine
// returns an *Anomaly, and keeps its state, for one that is out of order.
func (m *FrontendMachine) Send(msg messages.Message) error {
	return m.observe(messages.Frontend, msg)
}

// Receive tells the machine of a message that came from the backend, with the
// errors of Send.
func (m *FrontendMachine) Receive(msg messages.Message) error {
	return m.observe(messages.Backend, msg)
}

// BackendMachine is the state machine of a program that plays the backend.
// The zero value is not ready for use; see NewBackendMachine. It is not safe
// for concurrent use.
type BackendMachine struct{ machine }

// NewBackendMachine returns a strict machine before the first startup packet.
func NewBackendMachine(options ...Option) *BackendMachine {
	return &BackendMachine{newMachine(messages.Backend, options)}
}

// Send tells the machine of a message that the program sends to the frontend. A
// strict machine returns an *Anomaly, and keeps its state, for one that is out
// of order.
func (m *BackendMachine) Send(msg messages.Message) error {
	return m.observe(messages.Backend, msg)
}

// Receive tells the machine of a message that came from the frontend, with the
// errors of Send. What a frontend may still send before it learns of a failed
// COPY is in order; after a FATAL error everything is, and has no effect.
func (m *BackendMachine) Receive(msg messages.Message) error {
	return m.observe(messages.Frontend, msg)
}
