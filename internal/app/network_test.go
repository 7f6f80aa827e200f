package app

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"
)

// TestNetworkTime wants network_ns where an emulated network lost requests, and as much
// of it as the client and the server were seen to have lost, and nowhere else: not for
// slow servers, locks, slow readers, or acknowledgments that come late.
func TestNetworkTime(t *testing.T) {
	// What the client measured, in nanoseconds; the server was done within 5 ms.
	measured := []int64{215_300_000, 208_900_000, 210_500_000, 209_600_000, 210_500_000}
	const lossy, work = "retransmit_request_lost", 5_000_000
	files, err := filepath.Glob("../../testdata/illness/*.pcap.xz")
	if err != nil || len(files) < 50 {
		t.Fatal(len(files), err)
	}
	for _, file := range files {
		var got []int64
		for _, line := range bytes.Split(output(t, "read", file, "--view", "queries", "--json", "-q"), []byte("\n")) {
			var q struct {
				Duration int64 `json:"duration_ns"`
				Network  int64 `json:"network_ns"`
			}
			if len(line) > 0 && json.Unmarshal(line, &q) != nil {
				t.Fatalf("%s: %s", file, line)
			}
			if q.Network == 0 {
				continue
			}
			got = append(got, q.Network)
			if q.Network < 0 || q.Network > q.Duration {
				t.Errorf("%s: %d of %d ns", file, q.Network, q.Duration)
			}
		}
		if filepath.Base(file) != lossy+".pcap.xz" {
			if got != nil {
				t.Errorf("%s: lost %v", file, got)
			}
			continue
		}
		if !slices.EqualFunc(got, measured, func(got, all int64) bool { return got <= all && got >= all-work }) {
			t.Errorf("%s: lost %v of %v", file, got, measured)
		}
	}
}
