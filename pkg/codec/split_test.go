package codec

import (
	"testing"

	"github.com/pgsniff/pgsniff/internal/friend"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// splitAlike holds split to what Feed and Next make of the same bytes. It reports
// whether the bytes could be split.
func splitAlike(t *testing.T, d messages.Direction, b []byte) bool {
	t.Helper()
	var parts [friend.MaxParts]friend.Part
	split, fed := NewStream(d, StreamOptions{}), NewStream(d, StreamOptions{})
	n, shape := StreamOptions{}.split(d, b, parts[:])
	if n == 0 {
		if shape != 0 {
			t.Fatalf("%q was not split but has a shape", b)
		}
		return false
	}
	kinds := shape.Kinds()
	for i, p := range parts[:n] {
		if len(kinds) != n || kinds[i] != p.Kind {
			t.Fatalf("%q: shape %v of %+v", b, kinds, parts[:n])
		}
	}
	if !split.divided(len(b)) {
		t.Fatal("a new stream is not at a boundary")
	}
	fed.Feed(b)
	at := int32(0)
	for _, p := range parts[:n] {
		if p.N < 1 || p.To <= at || p.End < p.To || p.N > 1 && p.Kind != messages.KindDataRow {
			t.Fatalf("%q: part %+v at %d", b, p, at)
		}
		size, from := 0, at
		for i := range p.N {
			if fed.Next(messages.PhaseReady) != FrameReady {
				t.Fatalf("%q has fewer messages than %+v", b, parts[:n])
			}
			f := fed.Frame()
			size += f.Len
			if f.Kind != p.Kind || f.Truncated || f.Tag != b[from] {
				t.Fatalf("%q: part %+v is %+v", b, p, f)
			}
			if i == 0 && (f.Len != int(p.To-from) || string(f.Body) != string(b[from+standardHead:p.To])) {
				t.Fatalf("%q: part %+v begins with %+v", b, p, f)
			}
		}
		if at += int32(size); at != p.End {
			t.Fatalf("%q: part %+v ends at %d", b, p, at)
		}
	}
	if r := fed.Next(messages.PhaseReady); r != NeedMore || fed.Pending() != 0 {
		t.Fatalf("%q: %v after all parts, %d bytes pending", b, r, fed.Pending())
	}
	if split.chunk != fed.chunk || split.largest != fed.largest || split.Pending() != 0 || !split.Synced() {
		t.Fatalf("%q: the streams differ: %+v, %+v", b, split, fed)
	}
	return true
}

func TestSplit(t *testing.T) {
	row := []byte("D\x00\x00\x00\x07\x00\x01\xff")
	complete := []byte("C\x00\x00\x00\x0dSELECT 1\x00")
	ready := []byte("Z\x00\x00\x00\x05I")
	join := func(list ...[]byte) (b []byte) {
		for _, p := range list {
			b = append(b, p...)
		}
		return b
	}
	tests := []struct {
		name string
		b    []byte
		ok   bool
	}{
		{"a reply", join(row, complete, ready), true},
		{"rows", join(row, row, row, complete, row, row, ready), true},
		{"cut in the body", join(row, complete)[:15], false},
		{"cut in a head", join(row, complete)[:10], false},
		{"cut in a run", join(row, row)[:14], false},
		{"an undefined type", join(row, []byte("y\x00\x00\x00\x04")), false},
		{"an impossible length", []byte("Z\x00\x00\x00\x06II"), false},
		{"authentication, which its body tells", []byte("R\x00\x00\x00\x08\x00\x00\x00\x00"), false},
		{"more than there is room for", join(complete, row, complete, row, complete, row, complete, row, complete, row, ready), false},
		{"nothing", nil, false},
	}
	for _, test := range tests {
		if ok := splitAlike(t, messages.Backend, test.b); ok != test.ok {
			t.Errorf("%s: split is %v, want %v", test.name, ok, test.ok)
		}
	}
}

// A Stream that is not at a message boundary is left alone.
func TestDividedInside(t *testing.T) {
	ready := []byte("Z\x00\x00\x00\x05I")
	for n := 1; n < len(ready); n++ {
		s := NewStream(messages.Backend, StreamOptions{})
		s.Feed(ready[:n])
		if r := s.Next(messages.PhaseReady); r != NeedMore {
			t.Fatal(r)
		}
		if s.divided(len(ready)) {
			t.Errorf("taken after %d bytes of a message", n)
		}
	}
	s := NewStream(messages.Backend, StreamOptions{})
	s.MidStream()
	if s.divided(len(ready)) {
		t.Error("taken where no boundary is known")
	}
}

func TestSplitSamples(t *testing.T) {
	n := 0
	for _, s := range sampleStreams() {
		if splitAlike(t, s.dir, s.wire) {
			n++
		}
	}
	if n == 0 {
		t.Error("no sample could be split")
	}
}

// What is split is what would have been fed.
func FuzzSplit(f *testing.F) {
	for _, s := range sampleStreams() {
		f.Add(s.wire, uint8(s.dir))
	}
	f.Fuzz(func(t *testing.T, b []byte, d uint8) { splitAlike(t, messages.Direction(d&1), b) })
}
