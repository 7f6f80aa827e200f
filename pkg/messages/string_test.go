package messages_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

func TestString(t *testing.T) {
	tests := []struct {
		m    messages.Message
		want string
	}{
		{&messages.Query{SQL: []byte("SELECT 'é'\n")}, `Query query="SELECT 'é'\n"`},
		{&messages.Sync{}, `Sync`},
		{&messages.DataRow{Values: messages.MakeValues([]byte("a"), nil, []byte(""))}, `DataRow values=["a" NULL ""]`},
		{&messages.ReadyForQuery{Status: 'I'}, `ReadyForQuery status="I"`},
		{&messages.Execute{MaxRows: 5}, `Execute portal="" max_rows=5`},
		{&messages.PasswordMessage{Password: []byte("pencil")}, `PasswordMessage password=<redacted>`},
		{
			&messages.Parse{SQL: []byte(strings.Repeat("x", 500)), ParameterOIDs: []uint32{23}},
			`Parse statement="" query="` + strings.Repeat("x", 128) + `"… of 500 bytes parameter_oids=[23]`,
		},
		{
			&messages.StartupMessage{Version: messages.Version30, Parameters: []messages.Pair{{Name: []byte("user"), Value: []byte("al\x1b[31m")}}},
			`StartupMessage protocol_version="3.0" parameters=["user"="al\x1b[31m"]`,
		},
	}
	for _, tt := range tests {
		if got := fmt.Sprint(tt.m); got != tt.want {
			t.Errorf("%s\nwant %s", got, tt.want)
		}
	}
}

// Whatever a message holds, its line can be printed on a terminal and is not long.
func TestStringIsPrintable(t *testing.T) {
	for _, s := range allSamples() {
		line := fmt.Sprint(s.Message)
		if !strings.HasPrefix(line, s.Kind.String()) || !utf8.ValidString(line) || len(line) > 1<<17 {
			t.Errorf("%s: %.200q", s.Name, line)
		}
		for _, r := range line {
			if !unicode.IsPrint(r) {
				t.Errorf("%s: holds %q: %.200q", s.Name, r, line)
				break
			}
		}
	}
}
