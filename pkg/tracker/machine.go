package tracker

import "github.com/pgsniff/pgsniff/pkg/messages"

// machine is what the two state machines share: the tracker's rules seen from
// one side, with anomalies turned into errors where it is strict.
type machine struct {
	t      Tracker
	strict bool
}

// Option configures a state machine.
type Option func(*machine)

// Lenient lets a machine go on after a message out of order: Send and Receive
// still return the *Anomaly, but the message has taken its effect.
func Lenient() Option { return func(m *machine) { m.strict = false } }

// InPhase starts a machine in a phase other than PhaseStartup, for connections
// that were handed over after their startup.
func InPhase(p messages.Phase) Option { return func(m *machine) { m.t.SetPhase(p) } }

func newMachine(options []Option) machine {
	m := machine{strict: true}
	for _, o := range options {
		o(&m)
	}
	return m
}

// Strict reports whether the machine refuses messages out of order.
func (m *machine) Strict() bool { return m.strict }

// TxStatus returns the latest ReadyForQuery's transaction status, 0 before it.
func (m *machine) TxStatus() byte { return m.t.Tx() }

// PendingSyncs returns how many Syncs have not been answered by ReadyForQuery.
func (m *machine) PendingSyncs() int { return m.t.PendingSyncs() }

// IsReady reports whether the backend waits for the next request.
func (m *machine) IsReady() bool { return m.t.Phase(messages.Backend) == messages.PhaseReady }

// IsActive reports whether the connection is past its startup and not yet ended.
func (m *machine) IsActive() bool {
	switch m.t.Phase(messages.Backend) {
	case messages.PhaseReady, messages.PhaseSimpleQuery, messages.PhaseExtendedQuery, messages.PhaseFunctionCall,
		messages.PhaseCopyIn, messages.PhaseCopyOut, messages.PhaseCopyBoth:
		return true
	}
	return false
}

// TLSEstablished tells the machine that the encryption which the SSLRequest or
// GSSENCRequest brought about is up: the startup packet follows inside it.
func (m *machine) TLSEstablished() { m.t.Decrypted() }

// PhaseOf returns the phase in which the next message of direction d is sent:
// the one that a decoder of that direction needs.
func (m *machine) PhaseOf(d messages.Direction) messages.Phase { return m.t.Phase(d) }

// observe applies a message; a strict machine is left as it was if it refuses.
func (m *machine) observe(d messages.Direction, msg messages.Message) error {
	k, f := msg.Kind(), factsOfMessage(msg)
	if m.strict {
		if a := m.refusal(d, k); a != nil {
			return a
		}
	}
	if a := m.t.ObserveFacts(d, k, f).Anomaly; a != nil {
		return a
	}
	return nil
}

// refusal looks a message up in the tables before it takes effect.
func (m *machine) refusal(d messages.Direction, k messages.Kind) *Anomaly {
	phase := m.t.Phase(d)
	a := &Anomaly{Code: CodeUnexpectedMessage, Direction: d, Kind: k, Phase: phase}
	if d == messages.Frontend {
		if sends[k].allowed.has(phase) {
			return nil
		}
		a.Expected = expectedSends(phase)
		return a
	}
	if k == messages.KindUnknown {
		a.Code = CodeUnknownType
		return a
	}
	if asynchronous(k) {
		if m.t.opening() {
			return a
		}
		return nil
	}
	q := &m.t.q
	if q.n == 0 {
		if k == messages.KindErrorResponse {
			return nil // FATAL while idle
		}
		a.Code = CodeUnsolicitedReply
		return a
	}
	for i := range q.n {
		p := q.at(i)
		if p.request&replies[k].answers != 0 {
			return m.copyRefusal(k, a)
		}
		if p.request != reqCopyEnd && !p.doubtful {
			a.Expected = expectedReplies(p.request)
			break
		}
	}
	return a
}

// copyRefusal refuses COPY's data outside COPY, and results inside it.
func (m *machine) copyRefusal(k messages.Kind, a *Anomaly) *Anomaly {
	data := k == messages.KindCopyData || k == messages.KindCopyDone
	flowing := m.t.copying == messages.PhaseCopyOut || m.t.copying == messages.PhaseCopyBoth
	if data != flowing && (data || k == messages.KindDataRow || k == messages.KindRowDescription) {
		return a
	}
	return nil
}

// factsOfMessage reads the facts from a decoded message.
func factsOfMessage(msg messages.Message) (f Facts) {
	switch m := msg.(type) {
	case *messages.ReadyForQuery:
		f.Status = m.Status
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
		f.Protocol = uint32(m.Version)
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
// The zero value is not ready for use; see NewFrontendMachine.
type FrontendMachine struct{ machine }

// NewFrontendMachine returns a strict machine before the first startup packet.
func NewFrontendMachine(options ...Option) *FrontendMachine {
	return &FrontendMachine{newMachine(options)}
}

// Send tells the machine of a message that the program sends. A strict machine
// returns an *Anomaly, and keeps its state, for one that is out of order.
func (m *FrontendMachine) Send(msg messages.Message) error {
	return m.observe(messages.Frontend, msg)
}

// Receive tells the machine of a message that came from the backend.
func (m *FrontendMachine) Receive(msg messages.Message) error {
	return m.observe(messages.Backend, msg)
}

// Phase returns the connection's phase as this side sees it.
func (m *FrontendMachine) Phase() messages.Phase { return m.t.Phase(messages.Frontend) }

// BackendMachine is the state machine of a program that plays the backend.
// The zero value is not ready for use; see NewBackendMachine.
type BackendMachine struct{ machine }

// NewBackendMachine returns a strict machine before the first startup packet.
func NewBackendMachine(options ...Option) *BackendMachine {
	return &BackendMachine{newMachine(options)}
}

// Send tells the machine of a message that the program sends to the frontend.
func (m *BackendMachine) Send(msg messages.Message) error {
	return m.observe(messages.Backend, msg)
}

// Receive tells the machine of a message that came from the frontend.
func (m *BackendMachine) Receive(msg messages.Message) error {
	return m.observe(messages.Frontend, msg)
}

// Phase returns the connection's phase as this side sees it.
func (m *BackendMachine) Phase() messages.Phase { return m.t.Phase(messages.Backend) }
