package tracker

import (
	"github.com/pgsniff/pgsniff/internal/grammar"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// State is how far a conversation has come, step by step, as a frontend sees
// it: finer than a phase. Its String is a name in snake case, which does not
// change.
type State uint8

// The states of a conversation. Those that end in Sent wait for the backend,
// those that end in Requested for the frontend.
const (
	StateStartup             State = iota // nothing sent yet, or encryption negotiated
	StateEncryptionSent                   // SSLRequest or GSSENCRequest sent
	StateEncryptionAccepted               // the handshake follows
	StateStartupSent                      // StartupMessage sent
	StateCleartextRequested               // the password is to be sent as it is
	StateCleartextSent                    // it was sent
	StateMD5Requested                     // the password is to be sent as an MD5 hash
	StateMD5Sent                          // it was sent
	StateSASLRequested                    // the first SASL message is to be sent
	StateSASLInitialSent                  // it was sent
	StateSASLFinalRequested               // challenged: the final SASL message is to be sent
	StateSASLFinalSent                    // it was sent
	StateSASLVerified                     // the server has proved that it knows the password
	StateAuthenticated                    // AuthenticationOk received, the first ReadyForQuery is due
	StateQuerySent                        // simple query: Query sent
	StateQueryRows                        // simple query: RowDescription received
	StateQueryComplete                    // simple query: a command complete, another or ReadyForQuery is due
	StateParseSent                        // prepare: Parse and Describe sent
	StateParseComplete                    // prepare: ParseComplete received
	StateParametersDescribed              // prepare: ParameterDescription received
	StateStatementDescribed               // prepare: RowDescription or NoData received
	StateBindSent                         // execute: Bind and Execute sent
	StateRows                             // execute: BindComplete received, or Execute sent for a suspended portal
	StatePortalSuspended                  // execute: the limit of rows was reached
	StateExecuteComplete                  // execute: the command is complete, ReadyForQuery is due
	StateCloseSent                        // Close sent
	StateCloseComplete                    // CloseComplete received, ReadyForQuery is due
	StateSyncSent                         // Sync sent alone
	StateCopyIn                           // CopyInResponse received: data may be sent
	StateCopyInEnded                      // CopyDone or CopyFail sent
	StateCopyOut                          // CopyOutResponse received
	StateCopyOutEnded                     // the backend's CopyDone received
	StateCopyBoth                         // CopyBothResponse received: data goes both ways
	StateCopyBothEnded                    // CopyBoth: CopyDone sent, the backend may go on
	StateFunctionCallSent                 // FunctionCall sent
	StateFunctionResult                   // FunctionCallResponse received, ReadyForQuery is due
	StateReady                            // a request may be sent
	StateRecoverableError                 // ErrorResponse received, ReadyForQuery is due
	StateUnrecoverableError               // the connection is of no more use
	StateTerminated                       // Terminate sent
	numStates
)

// NumStates is the number of states; valid states are below it.
const NumStates = int(numStates)

var stateNames = [numStates]string{
	StateStartup:             "startup",
	StateEncryptionSent:      "encryption_sent",
	StateEncryptionAccepted:  "encryption_accepted",
	StateStartupSent:         "startup_sent",
	StateCleartextRequested:  "cleartext_requested",
	StateCleartextSent:       "cleartext_sent",
	StateMD5Requested:        "md5_requested",
	StateMD5Sent:             "md5_sent",
	StateSASLRequested:       "sasl_requested",
	StateSASLInitialSent:     "sasl_initial_sent",
	StateSASLFinalRequested:  "sasl_final_requested",
	StateSASLFinalSent:       "sasl_final_sent",
	StateSASLVerified:        "sasl_verified",
	StateAuthenticated:       "authenticated",
	StateQuerySent:           "query_sent",
	StateQueryRows:           "query_rows",
	StateQueryComplete:       "query_complete",
	StateParseSent:           "parse_sent",
	StateParseComplete:       "parse_complete",
	StateParametersDescribed: "parameters_described",
	StateStatementDescribed:  "statement_described",
	StateBindSent:            "bind_sent",
	StateRows:                "rows",
	StatePortalSuspended:     "portal_suspended",
	StateExecuteComplete:     "execute_complete",
	StateCloseSent:           "close_sent",
	StateCloseComplete:       "close_complete",
	StateSyncSent:            "sync_sent",
	StateCopyIn:              "copy_in",
	StateCopyInEnded:         "copy_in_ended",
	StateCopyOut:             "copy_out",
	StateCopyOutEnded:        "copy_out_ended",
	StateCopyBoth:            "copy_both",
	StateCopyBothEnded:       "copy_both_ended",
	StateFunctionCallSent:    "function_call_sent",
	StateFunctionResult:      "function_result",
	StateReady:               "ready",
	StateRecoverableError:    "recoverable_error",
	StateUnrecoverableError:  "unrecoverable_error",
	StateTerminated:          "terminated",
}

func (s State) String() string {
	if s >= numStates {
		return "unknown"
	}
	return stateNames[s]
}

// Stepper follows the State of a connection that a Tracker observes. With
// several requests outstanding, the state is that of the one being answered.
// The zero Stepper is at the beginning of a connection.
type Stepper struct{ state State }

// State returns the state after the latest message.
func (p *Stepper) State() State { return p.state }

// Observe takes a message with the Step that t has just made of it, and
// returns the state after it.
func (p *Stepper) Observe(t *Tracker, d messages.Direction, k messages.Kind, s *Step) State {
	if d == messages.Frontend {
		p.send(k, s)
	} else {
		p.reply(t, k, s)
	}
	return p.state
}

// sentStates are the states after a request of the frontend.
var sentStates = map[messages.Kind]State{
	messages.KindSSLRequest: StateEncryptionSent, messages.KindGSSENCRequest: StateEncryptionSent,
	messages.KindStartupMessage: StateStartupSent, messages.KindStartupMessageV2: StateStartupSent,
	messages.KindQuery: StateQuerySent, messages.KindParse: StateParseSent, messages.KindBind: StateBindSent,
	messages.KindClose: StateCloseSent, messages.KindFunctionCall: StateFunctionCallSent,
	messages.KindSASLInitialResponse: StateSASLInitialSent, messages.KindSASLResponse: StateSASLFinalSent,
	messages.KindTerminate: StateTerminated, messages.KindCancelRequest: StateTerminated,
}

// answering reports whether replies of a cycle are coming in: what the
// frontend sends meanwhile has its turn later.
func (p *Stepper) answering() bool {
	switch p.state {
	case StateQueryRows, StateQueryComplete, StateParseComplete, StateParametersDescribed, StateRows,
		StateExecuteComplete, StateCloseComplete, StateCopyIn, StateCopyInEnded, StateCopyOut, StateCopyOutEnded,
		StateCopyBoth, StateCopyBothEnded, StateFunctionResult, StateRecoverableError, StateUnrecoverableError:
		return true
	}
	return false
}

func (p *Stepper) send(k messages.Kind, s *Step) {
	switch k {
	case messages.KindCopyDone, messages.KindCopyFail:
		switch p.state {
		case StateCopyIn:
			p.state = StateCopyInEnded
		case StateCopyBoth:
			p.state = StateCopyBothEnded
		}
		return
	case messages.KindPasswordMessage:
		switch p.state {
		case StateCleartextRequested:
			p.state = StateCleartextSent
		case StateMD5Requested:
			p.state = StateMD5Sent
		}
		return
	case messages.KindTerminate:
		p.state = StateTerminated
		return
	}
	if p.answering() || s.Discarded {
		return
	}
	switch k {
	case messages.KindDescribe:
		if p.state == StateReady {
			p.state = StateParseSent
		}
	case messages.KindExecute:
		if p.state == StatePortalSuspended {
			p.state = StateRows
		} else if p.state == StateReady || p.state == StateStatementDescribed {
			p.state = StateBindSent
		}
	case messages.KindSync:
		if p.state == StateReady {
			p.state = StateSyncSent
		}
	default:
		if next, ok := sentStates[k]; ok {
			p.state = next
		}
	}
}

// replyStates are the states after a reply, where the kind alone decides.
var replyStates = map[messages.Kind]State{
	messages.KindAuthenticationOk:                StateAuthenticated,
	messages.KindAuthenticationCleartextPassword: StateCleartextRequested,
	messages.KindAuthenticationMD5Password:       StateMD5Requested,
	messages.KindAuthenticationSASL:              StateSASLRequested,
	messages.KindAuthenticationSASLContinue:      StateSASLFinalRequested,
	messages.KindAuthenticationSASLFinal:         StateSASLVerified,
	messages.KindParseComplete:                   StateParseComplete,
	messages.KindBindComplete:                    StateRows,
	messages.KindCloseComplete:                   StateCloseComplete,
	messages.KindParameterDescription:            StateParametersDescribed,
	messages.KindPortalSuspended:                 StatePortalSuspended,
	messages.KindCopyInResponse:                  StateCopyIn,
	messages.KindCopyOutResponse:                 StateCopyOut,
	messages.KindCopyBothResponse:                StateCopyBoth,
	messages.KindFunctionCallResponse:            StateFunctionResult,
}

func (p *Stepper) reply(t *Tracker, k messages.Kind, s *Step) {
	simple := s.Request == messages.KindQuery
	switch k {
	case messages.KindSSLResponse, messages.KindGSSENCResponse:
		p.state = StateStartup
		if s.After == messages.PhaseEncrypted {
			p.state = StateEncryptionAccepted
		}
	case messages.KindRowDescription, messages.KindNoData:
		if simple {
			p.state = StateQueryRows
		} else if p.state == StateParametersDescribed {
			p.state = StateStatementDescribed
		}
	case messages.KindCommandComplete, messages.KindEmptyQueryResponse:
		p.state = StateExecuteComplete
		if simple {
			p.state = StateQueryComplete
		}
	case messages.KindCopyDone:
		if p.state == StateCopyOut {
			p.state = StateCopyOutEnded
		}
	case messages.KindErrorResponse, messages.KindErrorResponseV2:
		p.state = StateRecoverableError
		if s.After == messages.PhaseFailed {
			p.state = StateUnrecoverableError
		}
	case messages.KindReadyForQuery:
		p.state = p.next(t)
	default:
		if next, ok := replyStates[k]; ok {
			p.state = next
		}
	}
}

// next is the state after a cycle: that of the request whose turn it is.
func (p *Stepper) next(t *Tracker) State {
	t.spread()
	if t.q.n == 0 {
		return StateReady
	}
	k := grammar.KindOf(t.q.at(0).request)
	if k == messages.KindSync {
		return StateSyncSent
	}
	if k == messages.KindDescribe {
		return StateParseSent
	}
	if k == messages.KindExecute {
		return StateBindSent
	}
	if next, ok := sentStates[k]; ok {
		return next
	}
	return StateReady
}
