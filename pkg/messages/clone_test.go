package messages_test

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// A clone is the same message, of every kind and of those that were cut, and stays
// so when the memory of the body and the message's own are used again.
func TestClone(t *testing.T) {
	if m := messages.Clone(nil); m != nil { // as it stands beside a final error
		t.Errorf("of nothing it makes %v", m)
	}
	for _, s := range allSamples() {
		for _, n := range []int{len(s.Body()), len(s.Body()) / 2} {
			body := bytes.Clone(s.Body()[:n])
			m := newFor(s)
			_ = m.Decode(body)
			clone := messages.Clone(m)
			if !reflect.DeepEqual(m, clone) {
				t.Errorf("%s, %d bytes: %#v became %#v", s.Name, n, m, clone)
				continue
			}
			want := newFor(s)
			_ = want.Decode(s.Body()[:n])
			for i := range body {
				body[i] ^= 0xa5
			}
			_ = m.Decode(body) // writes into the lists of m
			if !reflect.DeepEqual(want, clone) {
				t.Errorf("%s, %d bytes: the clone changed with the message: %#v, want %#v", s.Name, n, clone, want)
			}
		}
	}
}
