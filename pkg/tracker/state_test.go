package tracker

import (
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// TestStepper walks through conversations and looks at the state after each message.
func TestStepper(t *testing.T) {
	type say struct {
		kind messages.Kind
		body string
		want State
	}
	const f, b = messages.Frontend, messages.Backend
	ready := say{messages.KindReadyForQuery, "I", StateReady}
	login := []say{
		{messages.KindSSLRequest, "", StateEncryptionSent},
		{messages.KindSSLResponse, "N", StateStartup},
		{messages.KindStartupMessage, "\x00\x03\x00\x00", StateStartupSent},
		{messages.KindAuthenticationSASL, "", StateSASLRequested},
		{messages.KindSASLInitialResponse, "", StateSASLInitialSent},
		{messages.KindAuthenticationSASLContinue, "", StateSASLFinalRequested},
		{messages.KindSASLResponse, "", StateSASLFinalSent},
		{messages.KindAuthenticationSASLFinal, "", StateSASLVerified},
		{messages.KindAuthenticationOk, "", StateAuthenticated},
		{messages.KindParameterStatus, "", StateAuthenticated},
		ready,
	}
	tests := map[string][]say{
		"simple": {
			{messages.KindQuery, "", StateQuerySent},
			{messages.KindRowDescription, "", StateQueryRows},
			{messages.KindDataRow, "", StateQueryRows},
			{messages.KindCommandComplete, "", StateQueryComplete},
			ready,
		},
		"prepare": {
			{messages.KindParse, "", StateParseSent},
			{messages.KindDescribe, "S", StateParseSent},
			{messages.KindSync, "", StateParseSent},
			{messages.KindParseComplete, "", StateParseComplete},
			{messages.KindParameterDescription, "", StateParametersDescribed},
			{messages.KindNoData, "", StateStatementDescribed},
			ready,
		},
		"execute with a limit": {
			{messages.KindBind, "", StateBindSent},
			{messages.KindExecute, "", StateBindSent},
			{messages.KindBindComplete, "", StateRows},
			{messages.KindDataRow, "", StateRows},
			{messages.KindPortalSuspended, "", StatePortalSuspended},
			{messages.KindExecute, "", StateRows},
			{messages.KindCommandComplete, "", StateExecuteComplete},
			{messages.KindSync, "", StateExecuteComplete},
			ready,
		},
		"pipelined": {
			{messages.KindParse, "", StateParseSent},
			{messages.KindSync, "", StateParseSent},
			{messages.KindParseComplete, "", StateParseComplete},
			{messages.KindQuery, "", StateParseComplete}, // has its turn later
			{messages.KindReadyForQuery, "I", StateQuerySent},
			{messages.KindCommandComplete, "", StateQueryComplete},
			ready,
		},
		"copy in": {
			{messages.KindQuery, "", StateQuerySent},
			{messages.KindCopyInResponse, "", StateCopyIn},
			{messages.KindCopyDone, "", StateCopyInEnded},
			{messages.KindCommandComplete, "", StateQueryComplete},
			ready,
		},
		"errors": {
			{messages.KindQuery, "", StateQuerySent},
			{messages.KindErrorResponse, "SERROR\x00VERROR\x00C22012\x00Mx\x00\x00", StateRecoverableError},
			ready,
			{messages.KindFunctionCall, "", StateFunctionCallSent},
			{messages.KindErrorResponse, "SFATAL\x00VFATAL\x00C57P01\x00Mx\x00\x00", StateUnrecoverableError},
			{messages.KindTerminate, "", StateTerminated},
		},
	}
	for name, script := range tests {
		t.Run(name, func(t *testing.T) {
			var tr Tracker
			var st Stepper
			for i, s := range append(append([]say(nil), login...), script...) {
				d := f
				if !s.kind.Sides().Has(f) || s.kind == messages.KindCopyDone && tr.Phase(b) == messages.PhaseCopyOut {
					d = b
				}
				step := tr.Observe(d, s.kind, []byte(s.body))
				if step.Anomaly != nil {
					t.Fatalf("message %d, %v: %v", i, s.kind, step.Anomaly)
				}
				if got := st.Observe(&tr, d, s.kind, &step); got != s.want {
					t.Fatalf("message %d, after %v: %v, want %v", i, s.kind, got, s.want)
				}
			}
		})
	}
}

// TestStateNames holds every state to a name of its own.
func TestStateNames(t *testing.T) {
	seen := make(map[string]bool)
	for s := range State(NumStates) {
		if name := s.String(); name == "" || seen[name] {
			t.Errorf("state %d: name %q", s, name)
		} else {
			seen[name] = true
		}
	}
}
