package csvlog

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// TestOrder holds that lines come in the order in which their statements began, each
// once, whatever the order of the ends.
func TestOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		var got []string
		o := newOrder(func(line []byte) { got = append(got, string(line)) })
		var open []int
		begun, n := 0, 20+r.IntN(50)
		for begun < n || len(open) > 0 {
			if begun < n && (len(open) == 0 || r.IntN(2) == 0) {
				o.begin(queryID{1, uint64(begun)})
				open = append(open, begun)
				begun++
				continue
			}
			i := r.IntN(len(open))
			o.end(queryID{1, uint64(open[i])}, []byte(strconv.Itoa(open[i])))
			open = append(open[:i], open[i+1:]...)
		}
		o.finish()
		if len(got) != n || o.bytes != 0 || len(o.open) != 0 {
			t.Fatalf("%d of %d lines, %d bytes, %d open", len(got), n, o.bytes, len(o.open))
		}
		for i, line := range got {
			if line != strconv.Itoa(i) {
				t.Fatalf("line %d is %s", i, line)
			}
		}
	}
}

// TestOrderIsBounded holds that a statement that never ends holds back a bounded number
// of lines.
func TestOrderIsBounded(t *testing.T) {
	lines := 0
	o := newOrder(func([]byte) { lines++ })
	o.begin(queryID{1, 1})
	line := []byte(strings.Repeat("x", 100))
	for i := range 3 * maxWaiting {
		o.now(line)
		if len(o.waiting) > maxWaiting || o.bytes > maxWaitingBytes {
			t.Fatalf("%d lines, %d bytes wait after %d", len(o.waiting), o.bytes, i)
		}
	}
	o.end(queryID{1, 1}, line)
	o.finish()
	if lines != 3*maxWaiting+1 || o.late != 1 {
		t.Errorf("%d lines, %d late", lines, o.late)
	}
}
