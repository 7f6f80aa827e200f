package messages_test

import (
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/samples"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// discard is a Visitor that does nothing.
type discard struct{}

func (discard) Int(string, int64)                            {}
func (discard) Bool(string, bool)                            {}
func (discard) Text(string, []byte)                          {}
func (discard) Data(string, []byte)                          {}
func (discard) Hex(string, []byte)                           {}
func (discard) SecretText(string, []byte)                    {}
func (discard) SecretHex(string, []byte)                     {}
func (discard) Texts(string, [][]byte)                       {}
func (discard) Pairs(string, []messages.Pair)                {}
func (discard) OIDs(string, []uint32)                        {}
func (discard) Formats(string, []int16)                      {}
func (discard) Values(string, messages.Values, []int16)      {}
func (discard) Value(string, []byte)                         {}
func (discard) Columns(string, []messages.ColumnDescription) {}

// Names that take an allocation to visit: what is never seen in healthy traffic.
var visitAllocates = map[string]bool{
	"StartupMessage 3.9999, replication":         true, // a version without ready-made text
	"StartupMessage 4.0":                         true,
	"StartupMessageV2":                           true,
	"ErrorResponse, unknown field and one twice": true,
}

func TestNothingIsAllocated(t *testing.T) {
	for _, s := range allSamples() {
		m, body := newFor(s), s.Body()
		dst := make([]byte, 0, len(s.Wire))
		var v messages.Visitor = discard{}
		run := func(name string, f func()) {
			t.Helper()
			f() // lists get their capacity
			if n := testing.AllocsPerRun(20, f); n != 0 {
				t.Errorf("%s: %s allocates %v times", s.Name, name, n)
			}
		}
		run("Decode", func() {
			if m.Decode(body) != nil {
				t.Fatal(s.Name)
			}
		})
		run("Append", func() { dst = m.Append(dst[:0]) })
		run("WellFormed", func() { messages.WellFormed(s.Kind, body) })
		run("WellFormed of a prefix", func() { messages.WellFormed(s.Kind, body[:len(body)/2]) })
		if !visitAllocates[s.Name] {
			run("Visit", func() { m.Visit(v) })
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	names := map[string]bool{
		"DataRow": true, "DataRow, 1664 columns": true, "Bind": true, "RowDescription": true,
		"CommandComplete SELECT 5": true, "Parse": true, "ErrorResponse": true,
	}
	for _, s := range allSamples() {
		if !names[s.Name] {
			continue
		}
		b.Run(s.Name, func(b *testing.B) {
			m, body := newFor(s), s.Body()
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if err := m.Decode(body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkWellFormed(b *testing.B) {
	names := map[string]bool{"DataRow": true, "RowDescription": true, "Query": true, "ErrorResponse": true}
	for _, s := range samples.All() {
		if !names[s.Name] {
			continue
		}
		b.Run(s.Name, func(b *testing.B) {
			body := s.Body()
			b.ReportAllocs()
			for b.Loop() {
				if !messages.WellFormed(s.Kind, body) {
					b.Fatal(s.Name)
				}
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	names := map[string]bool{"DataRow": true, "Bind": true}
	for _, s := range samples.All() {
		if !names[s.Name] {
			continue
		}
		b.Run(s.Name, func(b *testing.B) {
			dst := make([]byte, 0, len(s.Wire))
			b.ReportAllocs()
			for b.Loop() {
				dst = s.Message.Append(dst[:0])
			}
		})
	}
}
