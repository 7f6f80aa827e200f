package messages_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

func TestStartupKindOf(t *testing.T) {
	tests := []struct {
		body string
		want messages.Kind
	}{
		{"\x00\x03\x00\x00", messages.KindStartupMessage},
		{"\x00\x03\x00\x01user\x00", messages.KindStartupMessage},
		{"\x00\x04\x00\x00user\x00a\x00\x00", messages.KindStartupMessage},
		{"\x00\x04\x00\x00user\x00a\x00", messages.KindUnknown},
		{"\x00\x04\x00\x00user\x00a\x00\x00x", messages.KindUnknown},
		{"\x00\x64\x00\x00\x00", messages.KindStartupMessage},
		{"\x00\xff\x00\xff", messages.KindStartupMessage},
		{"\x00\xff\x00\xffx", messages.KindUnknown},
		{"\x00\x02\x00\x00", messages.KindStartupMessageV2},
		{"\x00\x01\x00\x00\x00", messages.KindStartupMessage},
		{"\x00\x00\x00\x00\x00", messages.KindStartupMessage},
		{"\x04\xd3\x00\x00", messages.KindUnknown},
		{"\x04\xd2\x16\x2e", messages.KindCancelRequest},
		{"\x04\xd2\x16\x2f", messages.KindSSLRequest},
		{"\x04\xd2\x16\x30", messages.KindGSSENCRequest},
		{"\x04\xd2\x16\x31", messages.KindUnknown},
		{"GET / HTTP/1.1\r\n\x00", messages.KindUnknown},
		{"\x00\x03\x00", messages.KindUnknown},
		{"", messages.KindUnknown},
	}
	for _, tt := range tests {
		if got := messages.StartupKindOf([]byte(tt.body)); got != tt.want {
			t.Errorf("%q: %v, want %v", tt.body, got, tt.want)
		}
	}
}

func TestKindOf(t *testing.T) {
	const (
		frontend = messages.Frontend
		backend  = messages.Backend
		ready    = messages.PhaseReady
	)
	tests := []struct {
		d     messages.Direction
		phase messages.Phase
		tag   byte
		body  string
		want  messages.Kind
	}{
		// One byte, two messages: the direction decides.
		{frontend, ready, 'S', "", messages.KindSync},
		{backend, ready, 'S', "", messages.KindParameterStatus},
		{frontend, ready, 'D', "", messages.KindDescribe},
		{backend, ready, 'D', "", messages.KindDataRow},
		{frontend, ready, 'C', "", messages.KindClose},
		{backend, ready, 'C', "", messages.KindCommandComplete},
		{frontend, ready, 'E', "", messages.KindExecute},
		{backend, ready, 'E', "", messages.KindErrorResponse},
		{frontend, ready, 'H', "", messages.KindFlush},
		{backend, ready, 'H', "", messages.KindCopyOutResponse},
		{frontend, ready, 'd', "", messages.KindCopyData},
		{backend, ready, 'd', "", messages.KindCopyData},
		// The phase decides.
		{frontend, messages.PhaseAuthenticating, 'p', "", messages.KindPasswordMessage},
		{frontend, messages.PhaseAuthenticatingGSS, 'p', "", messages.KindGSSResponse},
		{frontend, messages.PhaseSASLInitial, 'p', "", messages.KindSASLInitialResponse},
		{frontend, messages.PhaseSASLContinue, 'p', "", messages.KindSASLResponse},
		{frontend, messages.PhaseUnknown, 'p', "", messages.KindPasswordMessage},
		// Where it does not, the body does: the request that it answers may be lost.
		{frontend, messages.PhaseUnknown, 'p', "secret\x00", messages.KindPasswordMessage},
		{frontend, messages.PhaseAuthenticating, 'p', "md5", messages.KindPasswordMessage},
		{frontend, messages.PhaseAuthenticating, 'p', "c=biws,r=x\x00", messages.KindPasswordMessage},
		{frontend, messages.PhaseAuthenticating, 'p', "SCRAM-SHA-256\x00", messages.KindPasswordMessage},
		{frontend, messages.PhaseAuthenticating, 'p', "SCRAM-SHA-256\x00\x00\x00\x00\x05n,,n=", messages.KindSASLInitialResponse},
		{frontend, messages.PhaseAuthenticating, 'p', "OAUTHBEARER\x00\xff\xff\xff\xff", messages.KindSASLInitialResponse},
		{frontend, messages.PhaseAuthenticating, 'p', "OAUTHBEARER\x00\x00\x00\x00\x01xy", messages.KindPasswordMessage},
		{frontend, messages.PhaseUnknown, 'p', "c=biws,r=abc,p=v0X8", messages.KindSASLResponse},
		{frontend, messages.PhaseUnknown, 'p', "\x60\x06\x06\x04\x2b\x06\x01\x05", messages.KindGSSResponse},
		{frontend, messages.PhaseUnknown, 'p', "NTLMSSP\x00\x01\x00\x00\x00", messages.KindGSSResponse},
		// The first field decides.
		{backend, ready, 'R', "\x00\x00\x00\x00", messages.KindAuthenticationOk},
		{backend, ready, 'R', "\x00\x00\x00\x01", messages.KindUnknown},
		{backend, ready, 'R', "\x00\x00\x00\x04", messages.KindUnknown}, // crypt, long gone
		{backend, ready, 'R', "\x00\x00\x00\x06", messages.KindUnknown}, // SCM credentials, long gone
		{backend, ready, 'R', "\x00\x00\x00\x0c", messages.KindAuthenticationSASLFinal},
		{backend, ready, 'R', "\x00\x00\x00\x0d", messages.KindUnknown},
		{backend, ready, 'R', "\xff\xff\xff\xff", messages.KindUnknown},
		{backend, ready, 'R', "\x00\x00\x00", messages.KindUnknown},
		// Not defined in that direction.
		{frontend, ready, 'R', "\x00\x00\x00\x00", messages.KindUnknown},
		{backend, ready, 'p', "", messages.KindUnknown},
		{backend, ready, 'Q', "", messages.KindUnknown},
		{frontend, ready, 'Z', "I", messages.KindUnknown},
		{frontend, ready, 0, "", messages.KindUnknown},
		{backend, ready, 0, "", messages.KindUnknown},
		{backend, ready, 0xff, "", messages.KindUnknown},
	}
	for _, tt := range tests {
		if got := messages.KindOf(tt.d, tt.phase, tt.tag, []byte(tt.body)); got != tt.want {
			t.Errorf("%v %v %q %x: %v, want %v", tt.d, tt.phase, tt.tag, tt.body, got, tt.want)
		}
	}
}

// Names are what the JSON output and --type show: unique, and without blanks.
func TestNames(t *testing.T) {
	seen := make(map[string]bool)
	for k := range messages.Kind(messages.NumKinds) {
		name := k.String()
		if name == "" || seen[name] || strings.ContainsAny(name, " _") {
			t.Errorf("kind %d is called %q", k, name)
		}
		seen[name] = true
		if got := k.New().Kind(); got != k {
			t.Errorf("New of %v makes a %v", k, got)
		}
		if k.Sides() == 0 {
			t.Errorf("%v has no direction", k)
		}
	}
	for p := range messages.Phase(messages.NumPhases) {
		if p.String() == "" {
			t.Errorf("phase %d has no name", p)
		}
	}
	if messages.Phase(messages.NumPhases).String() != "unknown" {
		t.Error("an invalid phase is not unknown")
	}
	texts := map[fmt.Stringer]string{
		messages.Frontend: "frontend", messages.Backend: "backend",
		messages.TargetStatement: "statement", messages.TargetPortal: "portal", messages.Target('x'): "x",
		messages.ProtocolVersion(messages.Version30): "3.0", messages.ProtocolVersion(3<<16 | 9999): "3.9999",
		messages.PhaseAuthenticatingGSS: "authenticating", messages.PhaseSASLInitial: "authenticating_sasl_initial",
	}
	for v, want := range texts {
		if v.String() != want {
			t.Errorf("%T is %q, want %q", v, v, want)
		}
	}
	if messages.Frontend.Opposite() != messages.Backend || messages.Backend.Opposite() != messages.Frontend {
		t.Error("the directions are not opposite")
	}
}
