package analyze

import (
	"encoding/binary"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/reassembly"
)

func stamped(value, echo uint32) []byte {
	b := []byte{1, 1, 8, 10}
	b = binary.BigEndian.AppendUint32(b, value)
	return binary.BigEndian.AppendUint32(b, echo)
}

// TestDuplicates wants copies to be known, and whatever differs in anything that a
// sender changes to be taken for another packet.
func TestDuplicates(t *testing.T) {
	const id = 1<<16 | 7
	base := func() *reassembly.Segment {
		s := &reassembly.Segment{Seq: 100, Ack: 200, Flags: reassembly.ACK, Window: 9, Payload: []byte("text"), Options: stamped(5, 6)}
		s.Src.Port, s.Dst.Port, s.At.Time = 40000, 5432, 1e18
		return s
	}
	for name, c := range map[string]struct {
		change func(s *reassembly.Segment)
		id     uint32
		copied bool
	}{
		"a copy":                       {func(*reassembly.Segment) {}, id, true},
		"a copy that took its time":    {func(s *reassembly.Segment) { s.At.Time += 9e8 }, id, true},
		"a copy that was moved before": {func(s *reassembly.Segment) { s.At.Time -= 1e6 }, id, true},
		"the same much later":          {func(s *reassembly.Segment) { s.At.Time += 2e9 }, id, false},
		"a repetition":                 {func(*reassembly.Segment) {}, id + 1, false},
		"its time":                     {func(s *reassembly.Segment) { s.Options = stamped(6, 6) }, id, false},
		"what it echoes":               {func(s *reassembly.Segment) { s.Options = stamped(5, 7) }, id, false},
		"no times":                     {func(s *reassembly.Segment) { s.Options = nil }, id, false},
		"sequence":                     {func(s *reassembly.Segment) { s.Seq++ }, id, false},
		"acknowledgment":               {func(s *reassembly.Segment) { s.Ack++ }, id, false},
		"window":                       {func(s *reassembly.Segment) { s.Window++ }, id, false},
		"flags":                        {func(s *reassembly.Segment) { s.Flags |= reassembly.PSH }, id, false},
		"text":                         {func(s *reassembly.Segment) { s.Payload = []byte("other text") }, id, false},
		"length":                       {func(s *reassembly.Segment) { s.Payload = s.Payload[1:] }, id, false},
		"port":                         {func(s *reassembly.Segment) { s.Src.Port++ }, id, false},
		"address":                      {func(s *reassembly.Segment) { s.Dst.Addr.Lo++ }, id, false},
		"the other way":                {func(s *reassembly.Segment) { s.Src, s.Dst = s.Dst, s.Src }, id, false},
	} {
		var l duplicates
		if l.has(base(), id) {
			t.Fatalf("%s: the first is a copy", name)
		}
		s := base()
		c.change(s)
		if got := l.has(s, c.id); got != c.copied {
			t.Errorf("%s: %t", name, got)
		}
	}
	var l duplicates
	s := base()
	s.Options = nil
	for range 2 {
		if l.has(s, 0) {
			t.Error("a copy, though nothing tells it from a repetition")
		}
	}
	if n := testing.AllocsPerRun(100, func() { l.has(s, id) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestTimestamps reads options that are whole, and none that are not.
func TestTimestamps(t *testing.T) {
	for options, want := range map[string]uint64{
		"\x01\x01\x08\x0a\x00\x00\x00\x01\x00\x00\x00\x02":         1<<32 | 2,
		"\x02\x04\x05\xb4\x08\x0a\x00\x00\x00\x03\x00\x00\x00\x00": 3 << 32,
		"\x08\x0a\x00\x00\x00\x01":                                 0,
		"\x00\x08\x0a\x00\x00\x00\x01\x00\x00\x00\x02":             0,
		"\x05\x00\x08\x0a\x00\x00\x00\x01\x00\x00\x00\x02":         0,
		"":     0,
		"\x08": 0,
	} {
		if got, ok := timestamps([]byte(options)); got != want || ok != (want != 0) {
			t.Errorf("%q: %x, %t", options, got, ok)
		}
	}
}
