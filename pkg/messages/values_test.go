package messages_test

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

func TestValues(t *testing.T) {
	v := messages.MakeValues([]byte("a"), nil, []byte(""), []byte("bcd"))
	if v.Len() != 4 || v.Bytes() != 4 {
		t.Errorf("%d values of %d bytes, want 4 of 4", v.Len(), v.Bytes())
	}
	var got []string
	for it := v.Iter(); it.Next(); {
		got = append(got, fmt.Sprintf("%s:%d", value(it.Value()), it.Size()))
	}
	if want := `"a":1 NULL:-1 "":0 "bcd":3`; strings.Join(got, " ") != want {
		t.Errorf("iterated %v, want %s", got, want)
	}
	for i := range v.All() { // stops when told to
		if i == 1 {
			break
		}
	}
	var zero messages.Values
	if it := zero.Iter(); zero.Len() != 0 || zero.Bytes() != 0 || it.Next() {
		t.Error("the zero Values is not empty")
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
	m.Parameters.Add([]byte("longer than what follows"))
	if !bytes.Equal(body, want) {
		t.Errorf("the body became %q", body)
	}
	if m.Parameters.Len() != 2 || m.Parameters.Bytes() != 25 {
		t.Errorf("%d values of %d bytes", m.Parameters.Len(), m.Parameters.Bytes())
	}
}

func TestCutValueKnowsItsSize(t *testing.T) {
	var m messages.DataRow
	if m.Decode([]byte("\x00\x02\x00\x00\x00\x01a\x00\x01\x00\x00bcd")) == nil {
		t.Fatal("no error")
	}
	it := m.Values.Iter()
	it.Next()
	if !it.Next() || string(it.Value()) != "bcd" || it.Size() != 65536 || it.Next() {
		t.Errorf("the last value is %q of %d", it.Value(), it.Size())
	}
}

// A list grows as append lets it: 60000 values allocate a few times what they
// take, not once each, and not all of it again for each.
func TestAddIsLinear(t *testing.T) {
	const n = 60000
	var v messages.Values
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range n {
		v.Add([]byte("0123456789"))
	}
	runtime.ReadMemStats(&after)
	if v.Len() != n || v.Bytes() != 10*n {
		t.Errorf("%d values of %d bytes", v.Len(), v.Bytes())
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 10*14*n {
		t.Errorf("%d bytes were allocated for %d values", got, n)
	}
	if got := after.Mallocs - before.Mallocs; got > n/10 {
		t.Errorf("%d allocations for %d values", got, n)
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
