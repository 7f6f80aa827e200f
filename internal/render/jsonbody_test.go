package render

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// TestCopyDataBody holds that COPY data which is written without being decoded and visited
// is what it would have been, and that the rest is left to that.
func TestCopyDataBody(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 1))
	pieces := []string{"a", "1234567", "\t", "\n", `\`, `"`, "é", "\u202e", "\x00", "\x1b", "\xff", strings.Repeat("x", 40)}
	taken := 0
	for range 3000 {
		var data []byte
		for range r.IntN(9) {
			data = append(data, pieces[r.IntN(len(pieces))]...)
		}
		long := body{max: r.IntN(2) * r.IntN(60)}
		short := long
		long.begin()
		(&messages.CopyData{Data: data}).Visit(&long)
		long.end()
		before := []byte("before")
		got, ok := short.copyData(before, data)
		want := "before"
		if ok {
			want += string(long.buf)
			taken++
		}
		if text := utf8.Valid(data) && len(long.cuts) == 0; ok != text || string(got) != want {
			t.Fatalf("%q, %d at most: %v %s, want %v %s", data, long.max, ok, got, text, want)
		}
	}
	if taken < 1000 {
		t.Errorf("only %d were taken", taken)
	}
}
