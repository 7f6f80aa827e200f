package client

import "github.com/pgsniff/pgsniff/pkg/tracker"

// State is how far the conversation with the server has come. Its String is a
// name in snake case, which does not change. It is the tracker's: a captured
// connection can be followed in the same terms.
type State = tracker.State

// The states of a client. Those that end in Sent wait for the server, those that
// end in Requested for Outgoing.
const (
	StateStartup             = tracker.StateStartup             // nothing sent yet, or encryption negotiated
	StateEncryptionSent      = tracker.StateEncryptionSent      // SSLRequest sent
	StateEncryptionAccepted  = tracker.StateEncryptionAccepted  // waits for TLSEstablished
	StateStartupSent         = tracker.StateStartupSent         // StartupMessage sent
	StateCleartextRequested  = tracker.StateCleartextRequested  // the password is to be sent as it is
	StateCleartextSent       = tracker.StateCleartextSent       // it was sent
	StateMD5Requested        = tracker.StateMD5Requested        // the password is to be sent as an MD5 hash
	StateMD5Sent             = tracker.StateMD5Sent             // it was sent
	StateSASLRequested       = tracker.StateSASLRequested       // the first SASL message is to be sent
	StateSASLInitialSent     = tracker.StateSASLInitialSent     // it was sent
	StateSASLFinalRequested  = tracker.StateSASLFinalRequested  // challenged: the final SASL message is to be sent
	StateSASLFinalSent       = tracker.StateSASLFinalSent       // it was sent
	StateSASLVerified        = tracker.StateSASLVerified        // the server has proved that it knows the password
	StateAuthenticated       = tracker.StateAuthenticated       // AuthenticationOk received, the first ReadyForQuery is due
	StateQuerySent           = tracker.StateQuerySent           // simple query: Query sent
	StateQueryRows           = tracker.StateQueryRows           // simple query: RowDescription received
	StateQueryComplete       = tracker.StateQueryComplete       // simple query: a command complete, another or ReadyForQuery is due
	StateParseSent           = tracker.StateParseSent           // prepare: Parse and Describe sent
	StateParseComplete       = tracker.StateParseComplete       // prepare: ParseComplete received
	StateParametersDescribed = tracker.StateParametersDescribed // prepare: ParameterDescription received
	StateStatementDescribed  = tracker.StateStatementDescribed  // prepare: RowDescription or NoData received, ReadyForQuery is due
	StateBindSent            = tracker.StateBindSent            // execute: Bind and Execute sent
	StateRows                = tracker.StateRows                // execute: BindComplete received, or Execute sent for a suspended portal
	StatePortalSuspended     = tracker.StatePortalSuspended     // execute: the limit of rows was reached: DoContinue, DoSync or a Close
	StateExecuteComplete     = tracker.StateExecuteComplete     // execute: the command is complete, ReadyForQuery is due
	StateCloseSent           = tracker.StateCloseSent           // Close sent
	StateCloseComplete       = tracker.StateCloseComplete       // CloseComplete received, ReadyForQuery is due
	StateSyncSent            = tracker.StateSyncSent            // Sync sent alone
	StateCopyIn              = tracker.StateCopyIn              // CopyInResponse received: data may be sent
	StateCopyInEnded         = tracker.StateCopyInEnded         // CopyDone or CopyFail sent
	StateCopyOut             = tracker.StateCopyOut             // CopyOutResponse received
	StateCopyOutEnded        = tracker.StateCopyOutEnded        // the server's CopyDone received
	StateCopyBoth            = tracker.StateCopyBoth            // CopyBothResponse received: data goes both ways
	StateCopyBothEnded       = tracker.StateCopyBothEnded       // CopyBoth: CopyDone sent, the server may go on
	StateFunctionCallSent    = tracker.StateFunctionCallSent    // FunctionCall sent
	StateFunctionResult      = tracker.StateFunctionResult      // FunctionCallResponse received, ReadyForQuery is due
	StateReady               = tracker.StateReady               // a request may be sent
	StateRecoverableError    = tracker.StateRecoverableError    // ErrorResponse received, ReadyForQuery is due
	StateUnrecoverableError  = tracker.StateUnrecoverableError  // the connection is of no more use
	StateTerminated          = tracker.StateTerminated          // DoTerminate was called
)
