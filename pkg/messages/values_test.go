package messages_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

func TestValues(t *testing.T) {
	v := messages.MakeValues([]byte("a"), nil, []byte(""))
	v.Add([]byte("bcd"))
	if v.Len() != 4 || v.Bytes() != 4 {
		t.Errorf("%d values of %d bytes, want 4 of 4", v.Len(), v.Bytes())
	}
	m := messages.DataRow{Values: v}
	var again messages.DataRow
	if err := again.Decode(m.Append(nil)[5:]); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, b := range again.Values {
		got = append(got, value(b))
	}
	if want := `"a" NULL "" "bcd"`; strings.Join(got, " ") != want {
		t.Errorf("read again as %v, want %s", got, want)
	}
	v.Reset()
	if v.Len() != 0 || cap(v) < 4 {
		t.Errorf("after Reset %d values, room for %d", v.Len(), cap(v))
	}
}

// Adding to a list that was decoded must not write into the body.
func TestAddDetaches(t *testing.T) {
	body := []byte("\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01a\x00\x01\x00\x01")
	want := bytes.Clone(body)
	var m messages.Bind
	if err := m.Decode(body); err != nil {
		t.Fatal(err)
	}
	m.Parameters[0] = append(m.Parameters[0], "more"...)
	m.Parameters.Add([]byte("longer than what follows"))
	if !bytes.Equal(body, want) {
		t.Errorf("the body became %q", body)
	}
	if m.Parameters.Len() != 2 || m.Parameters.Bytes() != 29 {
		t.Errorf("%d values of %d bytes", m.Parameters.Len(), m.Parameters.Bytes())
	}
}

// A body that was cut shows the values that are there and what is there of the
// last one.
func TestCutValues(t *testing.T) {
	whole := (&messages.DataRow{Values: messages.MakeValues([]byte("a"), nil, []byte("bcd"))}).Append(nil)[5:]
	want := map[int]string{0: "", 1: "", 2: "", 6: "", 7: "a", 10: "a", 11: "a NULL", 15: "a NULL", 16: "a NULL b", 17: "a NULL bc"}
	var m messages.DataRow
	for n := range whole {
		if m.Decode(whole[:n]) == nil {
			t.Fatalf("%d bytes are no row", n)
		}
		var got []string
		for _, b := range m.Values {
			got = append(got, strings.Trim(value(b), `"`))
		}
		if w, ok := want[n]; ok && strings.Join(got, " ") != w {
			t.Errorf("of %d bytes: %q, want %q", n, got, w)
		}
	}
}

// A count alone takes no memory, and one long list does not stay for ever.
func TestValuesMemory(t *testing.T) {
	var m messages.DataRow
	_ = m.Decode([]byte("\xff\xff\x00\x00\x00\x01a"))
	if cap(m.Values) > 16 {
		t.Errorf("room for %d values was made for one that is there", cap(m.Values))
	}
	long := (&messages.DataRow{Values: make(messages.Values, 65535)}).Append(nil)[5:]
	short := (&messages.DataRow{Values: make(messages.Values, 3)}).Append(nil)[5:]
	for _, body := range [][]byte{long, short} {
		if err := m.Decode(body); err != nil {
			t.Fatal(err)
		}
	}
	if cap(m.Values) > 4096 {
		t.Errorf("room for %d values is kept for 3", cap(m.Values))
	}
}

func TestCommandCompleteRows(t *testing.T) {
	tests := []struct {
		tag  string
		want uint64
		ok   bool
	}{
		{"SELECT 5", 5, true},
		{"INSERT 0 17", 17, true},
		{"COPY 9999999999999999999", 9999999999999999999, true},
		{"COPY 99999999999999999999", 0, false},
		{"BEGIN", 0, false},
		{"SELECT", 0, false},
		{"SELECT ", 0, false},
		{"5", 0, false},
		{" 5", 0, false},
		{"", 0, false},
		{"SELECT5", 0, false},
	}
	for _, tt := range tests {
		m := messages.CommandComplete{Tag: []byte(tt.tag)}
		if n, ok := m.Rows(); n != tt.want || ok != tt.ok {
			t.Errorf("%q: %d, %t, want %d, %t", tt.tag, n, ok, tt.want, tt.ok)
		}
	}
}

func TestErrorFieldsAccessors(t *testing.T) {
	var m messages.NoticeResponse
	if err := m.Decode([]byte("SWARNUNG\x00C01000\x00Mm\x00Dd\x00Hh\x00Mn\x00\x00")); err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprintf("%s %s %s %s %s %s", m.Severity(), m.SQLState(), m.Message(), m.Detail(), m.Hint(), m.Get('X'))
	if want := "WARNUNG 01000 m d h "; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestStartupParameter(t *testing.T) {
	m := messages.StartupMessage{Parameters: []messages.Pair{{Name: []byte("user"), Value: []byte("a")}, {Name: []byte("user"), Value: []byte("b")}}}
	if string(m.Parameter("user")) != "a" || m.Parameter("database") != nil {
		t.Errorf("user %q, database %q", m.Parameter("user"), m.Parameter("database"))
	}
}
