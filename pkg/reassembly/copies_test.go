package reassembly

import (
	"encoding/binary"
	"testing"
)

func stamped(value, echo uint32) []byte {
	b := []byte{1, 1, 8, 10}
	b = binary.BigEndian.AppendUint32(b, value)
	return binary.BigEndian.AppendUint32(b, echo)
}

// TestCopies wants copies to be known, whether their original was the next text or was
// not, and whatever differs in anything that a sender changes to be taken for another
// packet.
func TestCopies(t *testing.T) {
	const id = 1<<16 | 7
	base := func() *Segment {
		s := &Segment{Seq: 100, Ack: 200, Flags: ACK, Window: 9, Payload: []byte("text of it"), Options: stamped(5, 6), ID: id}
		s.Src, s.Dst = Endpoint{AddrFrom(testA), 40000}, Endpoint{AddrFrom(testB), 5432}
		s.At.Time = 1e18
		return s
	}
	for name, c := range map[string]struct {
		change func(s *Segment)
		copied bool
	}{
		"a copy":                       {func(*Segment) {}, true},
		"a copy that took its time":    {func(s *Segment) { s.At.Time += 9e8 }, true},
		"a copy that was moved before": {func(s *Segment) { s.At.Time -= 1e6 }, true},
		"a repetition":                 {func(s *Segment) { s.ID++ }, false},
		"its time":                     {func(s *Segment) { s.Options = stamped(6, 6) }, false},
		"what it echoes":               {func(s *Segment) { s.Options = stamped(5, 7) }, false},
		"no times":                     {func(s *Segment) { s.Options = nil }, false},
		"sequence":                     {func(s *Segment) { s.Seq++ }, false},
		"text":                         {func(s *Segment) { s.Payload = []byte("other text") }, false},
		"length":                       {func(s *Segment) { s.Payload = s.Payload[1:] }, false},
		"port":                         {func(s *Segment) { s.Src.Port++ }, false},
		"address":                      {func(s *Segment) { s.Dst.Addr.Lo++ }, false},
	} {
		for _, inOrder := range []bool{false, true} {
			a := New(&counter{}, Config{})
			if inOrder { // both sides are known, and the text is what comes next
				back := &Segment{Src: base().Dst, Dst: base().Src, Seq: 200, Ack: 90, Flags: ACK, Payload: []byte("x")}
				a.Segment(back)
				before := base()
				before.Seq, before.ID, before.Ack = 90, id-1, 201
				a.Segment(before)
			}
			a.Segment(base())
			if a.Copies() != 0 {
				t.Fatalf("%s: the first is a copy", name)
			}
			s := base()
			c.change(s)
			a.Segment(s)
			if got := a.Copies() == 1; got != c.copied {
				t.Errorf("%s, in order %t: %t", name, inOrder, got)
			}
		}
	}
}

// TestCopiesWithoutText is TestCopies for acknowledgments, of which more counts.
func TestCopiesWithoutText(t *testing.T) {
	base := func() *Segment {
		s := &Segment{Seq: 100, Ack: 200, Flags: ACK, Window: 9, Options: stamped(5, 6), ID: 1<<16 | 7}
		s.Src, s.Dst = Endpoint{AddrFrom(testA), 40000}, Endpoint{AddrFrom(testB), 5432}
		s.At.Time = 1e18
		return s
	}
	for name, c := range map[string]struct {
		change func(s *Segment)
		copied bool
	}{
		"a copy":              {func(*Segment) {}, true},
		"the same much later": {func(s *Segment) { s.At.Time += 2e9 }, false},
		"acknowledgment":      {func(s *Segment) { s.Ack++ }, false},
		"window":              {func(s *Segment) { s.Window++ }, false},
		"flags":               {func(s *Segment) { s.Flags |= PSH }, false},
		"the other way":       {func(s *Segment) { s.Src, s.Dst = s.Dst, s.Src }, false},
	} {
		a := New(&counter{}, Config{})
		a.Segment(base())
		s := base()
		c.change(s)
		a.Segment(s)
		if got := a.Copies() == 1; got != c.copied {
			t.Errorf("%s: %t", name, got)
		}
	}
	a := New(&counter{}, Config{})
	s := base()
	s.Options, s.ID = nil, 0
	for range 3 {
		a.Segment(s)
	}
	if a.Copies() != 0 {
		t.Error("a copy, though nothing tells it from a repetition")
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
