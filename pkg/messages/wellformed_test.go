package messages_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/samples"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// implausible are samples that the format allows and no real peer sends, or that
// cannot be told from chance.
var implausible = map[string]bool{
	"StartupMessage without parameters":          true, // a user is always sent
	"StartupMessage 4.0":                         true, // no server has it
	"AuthenticationSASL, no mechanism":           true,
	"PasswordMessage, empty":                     true,
	"SASLResponse, empty":                        true,
	"GSSResponse, empty":                         true,
	"ErrorResponse, unknown field and one twice": true,
	"ErrorResponse, no fields":                   true,
	"Unknown from frontend":                      true,
	"Unknown from backend, empty":                true,
	"Unknown authentication":                     true,
}

func TestWellFormedSamples(t *testing.T) {
	for _, s := range allSamples() {
		if got := messages.WellFormed(s.Kind, s.Body()); got == implausible[s.Name] {
			t.Errorf("%s: well formed: %t", s.Name, got)
		}
		min, max := s.Kind.BodyLen()
		if n := len(s.Body()); n < min || n > max {
			t.Errorf("%s: %d bytes are not within BodyLen, %d to %d", s.Name, n, min, max)
		}
	}
}

// Where the body states where it ends, no other length will do.
func TestWellFormedIsExact(t *testing.T) {
	for _, s := range samples.All() {
		if implausible[s.Name] {
			continue
		}
		from, open := openEnded(s.Kind)
		body := append(bytes.Clone(s.Body()), 0, 0)
		for n := range body {
			if n == len(s.Body()) || open && n >= from {
				continue
			}
			if messages.WellFormed(s.Kind, body[:n:n]) {
				t.Errorf("%s: well formed with %d bytes of %d", s.Name, n, len(s.Body()))
			}
		}
	}
}

func TestWellFormedRefuses(t *testing.T) {
	const goodError = "SERROR\x00VERROR\x00C42P01\x00Mno\x00"
	column := "a\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x19\xff\xff\xff\xff\xff\xff\x00"
	tests := []struct {
		name string
		kind messages.Kind
		body string
		good string // a body that differs in the fault alone
	}{
		{"minor version", messages.KindStartupMessage, "\x00\x03\x27\x10user\x00a\x00\x00", "\x00\x03\x27\x0fuser\x00a\x00\x00"},
		{"no user", messages.KindStartupMessage, "\x00\x03\x00\x00usex\x00a\x00\x00", "\x00\x03\x00\x00user\x00a\x00\x00"},
		{"empty user", messages.KindStartupMessage, "\x00\x03\x00\x00user\x00\x00\x00", "\x00\x03\x00\x00user\x00a\x00\x00"},
		{"parameter name", messages.KindStartupMessage, "\x00\x03\x00\x00user\x00a\x00=\x00b\x00\x00", "\x00\x03\x00\x00user\x00a\x00x\x00b\x00\x00"},
		{"another request's code", messages.KindSSLRequest, "\x04\xd2\x16\x30", "\x04\xd2\x16\x2f"},
		{"answer", messages.KindSSLResponse, "G", "S"},
		{"answer", messages.KindGSSENCResponse, "S", "G"},
		{"process 0", messages.KindBackendKeyData, "\x00\x00\x00\x00abcd", "\x00\x00\x00\x01abcd"},
		{"key of 257", messages.KindBackendKeyData, "\x00\x00\x00\x01" + strings.Repeat("k", 257), "\x00\x00\x00\x01" + strings.Repeat("k", 256)},
		{"key of 3", messages.KindCancelRequest, "\x04\xd2\x16\x2e\x00\x00\x00\x01abc", "\x04\xd2\x16\x2e\x00\x00\x00\x01abcd"},
		{"version", messages.KindNegotiateProtocolVersion, "\x00\x04\x00\x00\x00\x00\x00\x00", "\x00\x03\x00\x00\x00\x00\x00\x00"},
		{"option count", messages.KindNegotiateProtocolVersion, "\x00\x03\x00\x00\x00\x00\x00\x02a\x00", "\x00\x03\x00\x00\x00\x00\x00\x01a\x00"},
		{"option count, negative", messages.KindNegotiateProtocolVersion, "\x00\x03\x00\x00\xff\xff\xff\xffa\x00", "\x00\x03\x00\x00\x00\x00\x00\x01a\x00"},
		{"parameter name with space", messages.KindParameterStatus, "a b\x00on\x00", "a_b\x00on\x00"},
		{"parameter name with digit first", messages.KindParameterStatus, "1a\x00on\x00", "a1\x00on\x00"},
		{"no parameter name", messages.KindParameterStatus, "\x00on\x00", "a\x00on\x00"},
		{"mechanism", messages.KindAuthenticationSASL, "\x00\x00\x00\x0ascram\x00\x00", "\x00\x00\x00\x0aSCRAM\x00\x00"},
		{"challenge", messages.KindAuthenticationSASLContinue, "\x00\x00\x00\x0br=\x00", "\x00\x00\x00\x0br=a"},
		{"control character", messages.KindQuery, "SELECT\x02\x00", "SELECT\t\x00"},
		{"NUL inside", messages.KindQuery, "SEL\x00CT\x00", "SELECT\x00"},
		{"type 0", messages.KindRowDescription, "\x00\x01" + strings.Replace(column, "\x19", "\x00", 1) + "\x00", "\x00\x01" + column + "\x00"},
		{"format 2", messages.KindRowDescription, "\x00\x01" + column + "\x02", "\x00\x01" + column + "\x01"},
		{"1665 columns", messages.KindDataRow, "\x06\x81" + strings.Repeat("\xff", 4*1665), "\x06\x80" + strings.Repeat("\xff", 4*1664)},
		{"length -2", messages.KindDataRow, "\x00\x01\xff\xff\xff\xfe", "\x00\x01\xff\xff\xff\xff"},
		{"lengths beyond the end", messages.KindDataRow, "\x00\x01\x00\x00\x00\x02a", "\x00\x01\x00\x00\x00\x01a"},
		{"small letters", messages.KindCommandComplete, "select 1\x00", "SELECT 1\x00"},
		{"number first", messages.KindCommandComplete, "1 SELECT\x00", "SELECT 1\x00"},
		{"number in the word", messages.KindCommandComplete, "SEL3CT\x00", "SELECT 3\x00"},
		{"empty tag", messages.KindCommandComplete, "\x00", "OK\x00"},
		{"long tag", messages.KindCommandComplete, strings.Repeat("A", 64) + "\x00", strings.Repeat("A", 63) + "\x00"},
		{"status", messages.KindReadyForQuery, "i", "I"},
		{"parameter count", messages.KindParse, "\x00S\x00\x00\x02\x00\x00\x00\x17", "\x00S\x00\x00\x01\x00\x00\x00\x17"},
		{
			"two formats for three parameters", messages.KindBind,
			"\x00\x00\x00\x02\x00\x00\x00\x01\x00\x03" + strings.Repeat("\xff", 12) + "\x00\x00",
			"\x00\x00\x00\x02\x00\x00\x00\x01\x00\x02" + strings.Repeat("\xff", 8) + "\x00\x00",
		},
		{"parameter format 2", messages.KindBind, "\x00\x00\x00\x01\x00\x02\x00\x00\x00\x00", "\x00\x00\x00\x01\x00\x01\x00\x00\x00\x00"},
		{"result format -1", messages.KindBind, "\x00\x00\x00\x00\x00\x00\x00\x01\xff\xff", "\x00\x00\x00\x00\x00\x00\x00\x01\x00\x01"},
		{"target", messages.KindDescribe, "s\x00", "S\x00"},
		{"target", messages.KindClose, "Q\x00", "P\x00"},
		{"negative row limit", messages.KindExecute, "\x00\x80\x00\x00\x00", "\x00\x70\x00\x00\x00"},
		{"type 0", messages.KindParameterDescription, "\x00\x01\x00\x00\x00\x00", "\x00\x01\x00\x00\x00\x01"},
		{"format 2", messages.KindCopyInResponse, "\x02\x00\x00", "\x01\x00\x00"},
		{"binary column of a textual COPY", messages.KindCopyOutResponse, "\x00\x00\x01\x00\x01", "\x00\x00\x01\x00\x00"},
		{"function 0", messages.KindFunctionCall, strings.Repeat("\x00", 10), "\x00\x00\x00\x01" + strings.Repeat("\x00", 6)},
		{"result format 2", messages.KindFunctionCall, "\x00\x00\x00\x01\x00\x00\x00\x00\x00\x02", "\x00\x00\x00\x01\x00\x00\x00\x00\x00\x01"},
		{"length -2", messages.KindFunctionCallResponse, "\xff\xff\xff\xfe", "\xff\xff\xff\xff"},
		{"unknown field", messages.KindErrorResponse, goodError + "Zz\x00\x00", goodError + "Dz\x00\x00"},
		{"field twice", messages.KindErrorResponse, goodError + "Mno\x00\x00", goodError + "Dno\x00\x00"},
		{"severity", messages.KindErrorResponse, "VFEHLER\x00C42P01\x00Mno\x00\x00", "VERROR\x00C42P01\x00Mno\x00\x00"},
		{"no severity", messages.KindErrorResponse, "C42P01\x00Mno\x00\x00", "SERROR\x00C42P01\x00Mno\x00\x00"},
		{"SQLSTATE", messages.KindErrorResponse, "SERROR\x00C42p01\x00Mno\x00\x00", "SERROR\x00C42P01\x00Mno\x00\x00"},
		{"short SQLSTATE", messages.KindErrorResponse, "SERROR\x00C42P0\x00Mno\x00\x00", "SERROR\x00C42P01\x00Mno\x00\x00"},
		{"no SQLSTATE", messages.KindNoticeResponse, "SERROR\x00Mno\x00\x00", "SERROR\x00C42P01\x00Mno\x00\x00"},
		{"no message", messages.KindNoticeResponse, "SERROR\x00C42P01\x00\x00", "SERROR\x00C42P01\x00Mno\x00\x00"},
		{"line", messages.KindNoticeResponse, goodError + "Lx\x00\x00", goodError + "L1\x00\x00"},
		{"no end", messages.KindErrorResponse, goodError, goodError + "\x00"},
		{"no channel", messages.KindNotificationResponse, "\x00\x00\x00\x01\x00\x00", "\x00\x00\x00\x01c\x00\x00"},
		{"long payload", messages.KindNotificationResponse, "\x00\x00\x00\x01c\x00" + strings.Repeat("x", 8000) + "\x00", "\x00\x00\x00\x01c\x00" + strings.Repeat("x", 7999) + "\x00"},
		{"empty version-2 error", messages.KindErrorResponseV2, "\x00", "a\x00"},
		{"version-2 startup without user", messages.KindStartupMessageV2, "\x00\x02\x00\x00" + strings.Repeat("\x00", 288), "\x00\x02\x00\x00" + strings.Repeat("\x00", 64) + "u" + strings.Repeat("\x00", 223)},
	}
	for _, tt := range tests {
		if messages.WellFormed(tt.kind, []byte(tt.body)) {
			t.Errorf("%v, %s: %.60q is well formed", tt.kind, tt.name, tt.body)
		}
		if !messages.WellFormed(tt.kind, []byte(tt.good)) {
			t.Errorf("%v, %s: %.60q is not well formed", tt.kind, tt.name, tt.good)
		}
	}
}

// An invalid kind is Unknown for all that is asked of it.
func TestInvalidKind(t *testing.T) {
	k := messages.Kind(messages.NumKinds)
	if k.String() != "Unknown" || k.Tag() != 0 || k.New().Kind() != messages.KindUnknown || messages.WellFormed(k, nil) {
		t.Errorf("kind %d is %v, tag %d", uint8(k), k, k.Tag())
	}
}

func TestFixedLen(t *testing.T) {
	tests := map[messages.Kind]int{
		messages.KindSync: 0, messages.KindReadyForQuery: 1, messages.KindSSLRequest: 4,
		messages.KindAuthenticationMD5Password: 8, messages.KindStartupMessageV2: 292, messages.KindSSLResponse: 1,
		messages.KindQuery: -1, messages.KindBackendKeyData: -1, messages.KindUnknown: -1,
	}
	for k, want := range tests {
		n, ok := k.FixedLen()
		if ok != (want >= 0) || ok && n != want {
			t.Errorf("%v: %d, %t, want %d", k, n, ok, want)
		}
	}
}
