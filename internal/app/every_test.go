package app

import (
	"encoding/json"
	"strings"
	"testing"
)

// The periods of stats add up to the stats of all, with any number of workers and
// with and without a selection.
func TestEvery(t *testing.T) {
	type sums struct {
		Packets, Bytes, Connections, Queries, Errors uint64
		LostBytes                                    uint64 `json:"lost_bytes"`
		Messages                                     map[string]uint64
	}
	read := func(args ...string) (sum sums, n int, text string) {
		text, stderr, code := command(append([]string{"read", psqlSimple, "../../testdata/pcaps/copy.pcap", "--json", "--view", "stats"}, args...)...)
		if code != ExitOK {
			t.Fatal(stderr)
		}
		sum.Messages = map[string]uint64{}
		before := ""
		for line := range strings.Lines(text) {
			var s struct {
				sums
				TS, End string
			}
			if err := json.Unmarshal([]byte(line), &s); err != nil {
				t.Fatal(err)
			}
			if s.TS < before {
				t.Errorf("a period begins at %s, before the end of the last, %s", s.TS, before)
			}
			before = s.End
			n++
			sum.Packets += s.Packets
			sum.Bytes += s.Bytes
			sum.Connections += s.Connections
			sum.Queries += s.Queries
			sum.Errors += s.Errors
			sum.LostBytes += s.LostBytes
			for k, c := range s.Messages {
				sum.Messages[k] += c
			}
		}
		return sum, n, text
	}
	same := func(a, b sums) bool {
		x, _ := json.Marshal(a)
		y, _ := json.Marshal(b)
		return string(x) == string(y)
	}
	for _, selection := range [][]string{nil, {"--errors"}, {"--min-duration", "100us"}} {
		whole, _, _ := read(selection...)
		first := ""
		for _, workers := range []string{"1", "2", "3"} {
			got, n, text := read(append([]string{"--every", "5ms", "--workers", workers}, selection...)...)
			if !same(got, whole) || n < 3 {
				t.Errorf("%v, %s workers: %d periods, %+v; of all %+v", selection, workers, n, got, whole)
			}
			if first == "" {
				first = text
			}
			if text != first {
				t.Errorf("%v: another output with %s workers", selection, workers)
			}
		}
	}
}
