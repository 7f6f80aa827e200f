package messages_test

import (
	"bytes"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/samples"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// FuzzDecodeAppend holds for any body of any kind: what Decode accepts is
// appended as the same bytes, from a new struct as from a used one; what it
// refuses can still be visited; what is well formed is accepted.
func FuzzDecodeAppend(f *testing.F) {
	all := samples.All()
	used := make(map[messages.Kind]messages.Message)
	header := make(map[messages.Kind]int)
	for _, s := range all {
		f.Add(uint8(s.Kind), s.Body())
		f.Add(uint8(s.Kind), s.Body()[:len(s.Body())*2/3])
		used[s.Kind] = s.Kind.New()
		header[s.Kind] = s.HeaderLen()
	}
	f.Fuzz(func(t *testing.T, kind uint8, body []byte) {
		k := messages.Kind(kind % uint8(messages.NumKinds))
		whole := bytes.Clone(body)
		m := k.New()
		err := m.Decode(body)
		reusedErr := used[k].Decode(body)
		if (err == nil) != (reusedErr == nil) {
			t.Fatalf("%v: a new struct gives %v, a used one %v", k, err, reusedErr)
		}
		var d, reused dump
		messages.VisitDecoded(m, err, &d)
		messages.VisitDecoded(used[k], reusedErr, &reused)
		if d.String() != reused.String() {
			t.Fatalf("%v: a new struct holds %s, a used one %s", k, d.String(), reused.String())
		}
		if messages.WellFormed(k, body) && err != nil {
			t.Fatalf("%v: well formed, but %v", k, err)
		}
		if err == nil {
			for _, m := range []messages.Message{m, used[k]} {
				wire := m.Append(nil)
				h := header[k]
				if u, ok := m.(*messages.Unknown); ok && u.Tag == 0 {
					h = 4
				}
				if !bytes.Equal(wire[h:], body) {
					t.Fatalf("%v: %x became %x", k, body, wire[h:])
				}
			}
			if err := messages.Encodable(m); err != nil {
				t.Fatalf("decoded, but %v", err)
			}
		}
		if !bytes.Equal(body, whole) {
			t.Fatalf("%v: the body was changed", k)
		}
	})
}
