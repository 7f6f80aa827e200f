package client

// State is how far the conversation with the server has come. Its String is a
// name in snake case, which does not change.
type State uint8

// The states of a client. Those that end in Sent wait for the server, those that
// end in Requested for Outgoing.
const (
	StateStartup             State = iota // nothing sent yet, or encryption negotiated
	StateEncryptionSent                   // SSLRequest sent
	StateEncryptionAccepted               // waits for TLSEstablished
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
	StateStatementDescribed               // prepare: RowDescription or NoData received, ReadyForQuery is due
	StateBindSent                         // execute: Bind and Execute sent
	StateRows                             // execute: BindComplete received, or Execute sent for a suspended portal
	StatePortalSuspended                  // execute: the limit of rows was reached: DoContinue, DoSync or a Close
	StateExecuteComplete                  // execute: the command is complete, ReadyForQuery is due
	StateCloseSent                        // Close sent
	StateCloseComplete                    // CloseComplete received, ReadyForQuery is due
	StateSyncSent                         // Sync sent alone
	StateCopyIn                           // CopyInResponse received: data may be sent
	StateCopyInEnded                      // CopyDone or CopyFail sent
	StateCopyOut                          // CopyOutResponse received
	StateCopyOutEnded                     // the server's CopyDone received
	StateCopyBoth                         // CopyBothResponse received: data goes both ways
	StateCopyBothEnded                    // CopyBoth: CopyDone sent, the server may go on
	StateFunctionCallSent                 // FunctionCall sent
	StateFunctionResult                   // FunctionCallResponse received, ReadyForQuery is due
	StateReady                            // a request may be sent
	StateRecoverableError                 // ErrorResponse received, ReadyForQuery is due
	StateUnrecoverableError               // the connection is of no more use
	StateTerminated                       // DoTerminate was called
	numStates
)

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
