package messages

// Direction tells which side of the protocol sent a message.
type Direction uint8

// The two sides of the protocol, in the manual's terms.
const (
	Frontend Direction = iota // client to server
	Backend                   // server to client
)

// Opposite returns the other side.
func (d Direction) Opposite() Direction { return d ^ 1 }

func (d Direction) String() string {
	if d == Frontend {
		return "frontend"
	}
	return "backend"
}

// Phase is the state of a connection that decides how its bytes are framed and
// which messages are in order. Its String is the name that the JSON output uses.
type Phase uint8

// The phases of a connection (manual: "Message Flow").
const (
	PhaseUnknown           Phase = iota // joined in the middle, not yet concluded
	PhaseStartup                        // before StartupMessage; also between encryption negotiations
	PhaseSSLNegotiation                 // SSLRequest sent, its one-byte answer is due
	PhaseGSSNegotiation                 // GSSENCRequest sent, its one-byte answer is due
	PhaseAuthenticating                 // from StartupMessage to AuthenticationOk, where no finer phase applies
	PhaseAuthenticatingGSS              // AuthenticationGSS or SSPI seen: 'p' is GSSResponse; printed "authenticating"
	PhaseSASLInitial                    // AuthenticationSASL seen: 'p' is SASLInitialResponse
	PhaseSASLContinue                   // SASLInitialResponse seen: 'p' is SASLResponse
	PhaseInitialization                 // from AuthenticationOk to the first ReadyForQuery
	PhaseReady                          // idle: no request outstanding
	PhaseSimpleQuery                    // a Query is being answered
	PhaseExtendedQuery                  // Parse, Bind, … until the ReadyForQuery of the Sync
	PhaseCopyIn                         // CopyInResponse seen
	PhaseCopyOut                        // CopyOutResponse seen
	PhaseCopyBoth                       // CopyBothResponse seen (streaming replication)
	PhaseFunctionCall                   // a FunctionCall is being answered
	PhaseTerminated                     // Terminate or CancelRequest sent, or the connection closed
	PhaseFailed                         // a FATAL error or a broken handshake ended the connection
	PhaseEncrypted                      // TLS or GSS ciphertext follows; nothing can be decoded
	numPhases
)

// NumPhases is the number of phases; valid phases are below it.
const NumPhases = int(numPhases)

var phaseNames = [numPhases]string{
	PhaseUnknown:           "unknown",
	PhaseStartup:           "startup",
	PhaseSSLNegotiation:    "ssl_negotiation",
	PhaseGSSNegotiation:    "gss_negotiation",
	PhaseAuthenticating:    "authenticating",
	PhaseAuthenticatingGSS: "authenticating",
	PhaseSASLInitial:       "authenticating_sasl_initial",
	PhaseSASLContinue:      "authenticating_sasl_continue",
	PhaseInitialization:    "initialization",
	PhaseReady:             "ready",
	PhaseSimpleQuery:       "simple_query",
	PhaseExtendedQuery:     "extended_query",
	PhaseCopyIn:            "copy_in",
	PhaseCopyOut:           "copy_out",
	PhaseCopyBoth:          "copy_both",
	PhaseFunctionCall:      "function_call",
	PhaseTerminated:        "terminated",
	PhaseFailed:            "failed",
	PhaseEncrypted:         "encrypted",
}

func (p Phase) String() string {
	if p >= numPhases {
		return "unknown"
	}
	return phaseNames[p]
}
