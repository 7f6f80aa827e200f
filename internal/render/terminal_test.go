package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// conversationOf is a connection with a text in every field that can hold one.
func conversationOf(v []byte) (list []struct {
	direction messages.Direction
	message   messages.Message
},
) {
	add := func(d messages.Direction, m ...messages.Message) {
		for _, m := range m {
			list = append(list, struct {
				direction messages.Direction
				message   messages.Message
			}{d, m})
		}
	}
	f, b := messages.Frontend, messages.Backend
	var fields messages.ErrorFields
	for t := byte(1); t < 128; t++ {
		fields.Fields = append(fields.Fields, messages.ErrorField{Type: t, Value: v})
	}
	failure, notice := &messages.ErrorResponse{ErrorFields: fields}, &messages.NoticeResponse{ErrorFields: fields}
	ready := &messages.ReadyForQuery{Status: 'I'}
	column := messages.ColumnDescription{Name: v, TypeOID: 25, TypeSize: -1, TypeModifier: -1}
	binary := messages.ColumnDescription{Name: v, TypeOID: 25, TypeSize: -1, TypeModifier: -1, Format: 1}
	var row messages.Values
	row.Add(v)
	row.Add(v)
	add(f, &messages.StartupMessage{Version: messages.Version30, Parameters: []messages.Pair{
		{Name: []byte("user"), Value: v}, {Name: []byte("database"), Value: v}, {Name: []byte("application_name"), Value: v}, {Name: v, Value: v},
	}})
	add(b, &messages.NegotiateProtocolVersion{Newest: 3 << 16, Unsupported: [][]byte{v}}, &messages.AuthenticationSASL{Mechanisms: [][]byte{v}})
	add(f, &messages.SASLInitialResponse{Mechanism: v, Data: v})
	add(b, &messages.AuthenticationOk{}, notice)
	for _, name := range []string{"server_version", "application_name", "TimeZone", "x"} {
		add(b, &messages.ParameterStatus{Name: []byte(name), Value: v})
	}
	add(b, &messages.ParameterStatus{Name: v, Value: v}, ready)
	add(f, &messages.Query{SQL: append([]byte("select "), v...)})
	add(b, &messages.RowDescription{Fields: []messages.ColumnDescription{column, binary}}, &messages.DataRow{Values: row}, &messages.CommandComplete{Tag: v}, ready)
	add(f, &messages.Query{SQL: v})
	add(b, failure, ready)
	add(f, &messages.Parse{Statement: v, SQL: v}, &messages.Bind{Portal: v, Statement: v, Parameters: row, ParameterFormats: []int16{0, 1}},
		&messages.Describe{Target: messages.TargetStatement, Name: v}, &messages.Execute{Portal: v}, &messages.Close{Target: messages.TargetPortal, Name: v}, &messages.Sync{})
	add(b, &messages.ParseComplete{}, failure, ready)
	add(f, &messages.FunctionCall{FunctionOID: 1, Arguments: row})
	add(b, &messages.FunctionCallResponse{Result: v}, ready, &messages.NotificationResponse{Channel: v, Payload: v})
	add(f, &messages.Query{SQL: []byte("copy t from stdin")})
	add(b, &messages.CopyInResponse{})
	add(f, &messages.CopyData{Data: v}, &messages.CopyFail{Message: v})
	add(b, failure, ready, &messages.Unknown{Tag: '~', Body: v})
	add(f, &messages.Query{SQL: []byte("begin")})
	fatal := &messages.ErrorResponse{}
	fatal.Fields = []messages.ErrorField{{Type: 'S', Value: []byte("FATAL")}, {Type: 'V', Value: []byte("FATAL")}, {Type: 'C', Value: v}, {Type: 'M', Value: v}}
	add(b, fatal)
	return list
}

// TestNothingSteersTheTerminal sends every character, and bytes that are none,
// through every field: what comes out has no control characters but line ends, none
// that reorder or hide text, and is UTF-8.
func TestNothingSteersTheTerminal(t *testing.T) {
	const block = 4096
	var texts [][]byte
	for start := rune(1); start <= unicode.MaxRune; start += block {
		if start > 0x3000 && start < 0xd000 || start > 0x20000 && start < 0xe0000 || start > 0xe1000 {
			continue // ideographs and what is not assigned: of a kind
		}
		var v []byte
		for r := start; r < start+block; r++ {
			if utf8.ValidRune(r) {
				v = utf8.AppendRune(v, r)
			}
		}
		texts = append(texts, v)
	}
	for c := range 256 {
		if c > 0 {
			texts = append(texts, []byte{'a', byte(c), 'b'}, []byte{byte(c)}, []byte{byte(c), '[', '2', 'J'})
		}
	}
	texts = append(texts, []byte("\x1b]0;owned\x07\x1b[2K"), []byte("\xc2\x9b2J"), []byte("\u202egnp.exe"), []byte("a\nforged line"), []byte("\xed\xa0\x80\xf4\x90\x80\x80"))
	for _, v := range texts {
		for name, show := range map[string]func(io.Writer) Writer{
			"pretty":  func(w io.Writer) Writer { return NewPretty(w, PrettyOptions{Flow: true}) },
			"wrapped": func(w io.Writer) Writer { return NewPretty(w, PrettyOptions{Flow: true, Width: 80}) },
			"queries": func(w io.Writer) Writer {
				return NewPretty(w, PrettyOptions{Width: 200, Options: Options{MaxValueBytes: 3}})
			},
			"json": func(w io.Writer) Writer { return NewJSON(w, Options{}) },
		} {
			var out bytes.Buffer
			converse(show(&out), v)
			check(t, fmt.Sprintf("%s of %.40q", name, v), out.Bytes(), name == "json")
		}
		if got := Visible(string(v)); got != "" {
			check(t, "Visible", []byte(got), false)
			if strings.Contains(got, "\n") {
				t.Errorf("Visible(%q) has several lines", v)
			}
		}
	}
}

// converse leads it through a session into a writer.
func converse(w Writer, v []byte) {
	sh := session.NewShared(session.Config{Messages: true, Exchanges: true}, exchange.Limits{}, w)
	s := sh.New(session.Opening{ID: 1, Client: "10.0.0.1:40001", Server: "10.0.0.2:5432", At: session.Stamp{Time: 1, Frame: 1}})
	at := session.Stamp{Time: 1700000000e9, Frame: 1}
	for _, m := range conversationOf(v) {
		at.Time, at.Frame = at.Time+1000, at.Frame+1
		s.Data(m.direction, m.message.Append(nil), at)
	}
	s.End(session.EndFIN, at, session.Traffic{})
	sh.Finish()
	_ = w.Flush()
}

func check(t *testing.T, what string, out []byte, lines bool) {
	t.Helper()
	if len(out) == 0 {
		t.Fatalf("%s: nothing", what)
	}
	if !utf8.Valid(out) {
		t.Errorf("%s: not UTF-8", what)
	}
	for i, r := range string(out) {
		const zwnj, zwj = 0x200c, 0x200d // parts of words
		if r != '\n' && r != zwnj && r != zwj && (r < 0x20 || r >= 0x80 && r < 0xa0 || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)) {
			t.Errorf("%s: %U in %q", what, r, out[max(i-40, 0):min(i+10, len(out))])
			return
		}
	}
	if lines {
		for line := range bytes.Lines(out) {
			if !json.Valid(line) {
				t.Errorf("%s: no JSON: %.200q", what, line)
				return
			}
		}
	}
}
