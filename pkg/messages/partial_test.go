package messages_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/samples"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Whatever prefix of a body is decoded: the fields visited are a prefix of the
// true ones, and all but the last have their true value.
func TestVisitDecodedOfEveryPrefix(t *testing.T) {
	for _, s := range samples.All() {
		var whole dump
		s.Message.Visit(&whole)
		for n := range len(s.Body()) {
			m := newFor(s)
			err := m.Decode(s.Body()[:n:n])
			var part dump
			messages.VisitDecoded(m, err, &part)
			if len(part.names) == 0 {
				continue
			}
			last := part.names[len(part.names)-1]
			got := part.String()
			if isError(s.Kind) {
				checkErrorPrefix(t, s, n, part.names, whole.names)
				continue
			}
			if !slices.Equal(part.names, whole.names[:len(part.names)]) {
				t.Errorf("%s: %d bytes: fields %q of %q", s.Name, n, part.names, whole.names)
				continue
			}
			before := got[:strings.LastIndex(got, last+"=")]
			if !strings.HasPrefix(whole.String(), before) {
				t.Errorf("%s: %d bytes:\n%s\nof\n%s", s.Name, n, got, whole.String())
			}
		}
	}
}

func isError(k messages.Kind) bool {
	return k == messages.KindErrorResponse || k == messages.KindNoticeResponse
}

// The severity is visited first wherever it stands, and before V was read it is
// taken from S: so only the set of fields can be compared.
func checkErrorPrefix(t *testing.T, s samples.Sample, n int, part, whole []string) {
	t.Helper()
	for _, name := range part {
		if !slices.Contains(whole, name) && name != "severity_localized" {
			t.Errorf("%s: %d bytes: field %q of %q", s.Name, n, name, whole)
		}
	}
}

func TestVisitDecoded(t *testing.T) {
	tests := []struct {
		name string
		kind messages.Kind
		body string
		want string
	}{
		{"nothing of a number", messages.KindExecute, "c1\x00\x00\x00\x00", `portal="c1"`},
		{"a number shown as text", messages.KindNegotiateProtocolVersion, "\x00\x03\x00", ``},
		{"a salt of four bytes", messages.KindAuthenticationMD5Password, "\x00\x00\x00\x05\x01\x02", ``},
		{"a string cut", messages.KindQuery, "SELECT long", `query="SELECT long"`},
		{"a string cut before its first byte", messages.KindParse, "s\x00", `statement="s"`},
		{"a list cut", messages.KindParse, "\x00S\x00\x00\x02\x00\x00\x00\x17\x00", `statement=""; query="S"; parameter_oids=oids [23]`},
		{"a list cut in its count", messages.KindParse, "\x00S\x00\x00", `statement=""; query="S"`},
		{"a value cut", messages.KindDataRow, "\x00\x03\x00\x00\x00\x01a\x00\x00\x00\x05bc", `values=("a" "bc")`},
		{"a value's length cut", messages.KindDataRow, "\x00\x03\x00\x00\x00\x01a\x00\x00\x00", `values=("a")`},
		{"a value cut before its first byte", messages.KindDataRow, "\x00\x03\xff\xff\xff\xff\x00\x00\x00\x05", `values=(NULL)`},
		{"no value", messages.KindDataRow, "\x00\x03", ``},
		{
			"a column cut", messages.KindRowDescription,
			"\x00\x02a\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x19\xff\xff\xff\xff\xff\xff\x00\x00b\x00\x00",
			`fields=["a" 0.0 type 25 size -1 mod -1 format 0]`,
		},
		{"a parameter's value cut", messages.KindStartupMessage, "\x00\x03\x00\x00user\x00al", `protocol_version="3.0"; parameters={"user":"al"}`},
		{"a parameter's name cut", messages.KindStartupMessage, "\x00\x03\x00\x00user\x00al\x00data", `protocol_version="3.0"; parameters={"user":"al"}`},
		{"an error's field cut", messages.KindErrorResponse, "SERROR\x00C42P01\x00Mrelat", `severity="ERROR"; sqlstate="42P01"; message="relat"`},
		{"a function's result cut", messages.KindFunctionCallResponse, "\x00\x00\x00\x04ab", `result="ab"`},
		{"SASL data cut", messages.KindSASLInitialResponse, "OAUTHBEARER\x00\x00\x00\x00\x10n,,", `mechanism="OAUTHBEARER"; data=secret "n,,"`},
		{"another message's code", messages.KindAuthenticationMD5Password, "\x00\x00\x00\x00\x01\x02\x03\x04", ``},
		{"bytes left over", messages.KindQuery, "a\x00b", `query="a"`},
		{"a status that is none", messages.KindReadyForQuery, "X", `status="X"`},
		{"a target that is none", messages.KindDescribe, "Xname\x00", `kind="X"`},
		{"a key too long", messages.KindBackendKeyData, "\x00\x00\x00\x01abc", `process_id=1; secret_key=secret hex "abc"`},
	}
	for _, tt := range tests {
		m := tt.kind.New()
		err := m.Decode([]byte(tt.body))
		if err == nil {
			t.Errorf("%s: no error", tt.name)
			continue
		}
		var d dump
		messages.VisitDecoded(m, err, &d)
		if d.String() != tt.want {
			t.Errorf("%s: visited %s, want %s (%v)", tt.name, d.String(), tt.want, err)
		}
	}
}
