package value_test

import (
	"bytes"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pgsniff/pgsniff/internal/value"
)

// maxText is the bound that the package documents for its output.
func maxText(b []byte) int { return 2<<20 + 32*len(b) }

// FuzzAppend: no bytes of any type may panic, take long, grow without bound or
// touch what is in dst.
func FuzzAppend(f *testing.F) {
	for i, r := range recordedValues(f) {
		if i%3 == 0 {
			f.Add(r.oid, r.wire)
		}
	}
	session := &value.Session{TimeZone: time.FixedZone("", -9*3600-1800)}
	f.Fuzz(func(t *testing.T, oid uint32, b []byte) {
		kept := bytes.Clone(b)
		out, ok := value.Append(nil, oid, b, session)
		again, okAgain := value.Append([]byte("before"), oid, b, session)
		if ok != okAgain || !bytes.Equal(again, append([]byte("before"), out...)) {
			t.Fatalf("%q, %v, and after other text %q, %v", out, ok, again, okAgain)
		}
		if !bytes.Equal(b, kept) {
			t.Fatal("the value was changed")
		}
		if len(out) > maxText(b) {
			t.Fatalf("%d bytes of %d", len(out), len(b))
		}
	})
}

func FuzzAppendUnknown(f *testing.F) {
	for i, r := range recordedValues(f) {
		if i%5 == 0 {
			f.Add(r.wire)
		}
	}
	f.Add(wire(1, []byte("k"), []byte("v")))
	f.Fuzz(func(t *testing.T, b []byte) {
		out, ok := value.AppendUnknown(nil, b, nil)
		if !ok && len(out) != 0 {
			t.Fatalf("refused, and %q", out)
		}
		if utf8.Valid(b) && bytes.IndexFunc(b, unicode.IsControl) < 0 && !(ok && bytes.Equal(out, b)) {
			t.Fatalf("text %q became %q", b, out)
		}
		if len(out) > maxText(b) {
			t.Fatalf("%d bytes of %d", len(out), len(b))
		}
	})
}
