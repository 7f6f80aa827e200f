package app

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// TestMinDurationOfAll tells of each capture what --min-duration leaves, and demands that it
// is what the whole output has of the queries that took so long: the messages of each
// together, in the order in which the queries ended, byte for byte.
func TestMinDurationOfAll(t *testing.T) {
	var shown, left int
	for _, name := range []string{"base_mix", "copy", "libpq_pipeline", "portal_suspend", "notify_params", "cancel_pg18_proto32", "recvlogical_test_decoding"} {
		capture := pcaps + "/" + name + ".pcap"
		whole := output(t, "read", capture, "--json", "--view", "messages,queries")
		for d, ns := range map[string]int64{"1ns": 1, "300us": 300e3, "20ms": 20e6} {
			var want []string
			of := map[[2]uint64][]string{}
			for line := range strings.Lines(string(whole)) {
				var r struct {
					Type            string
					Conn, Query, ID uint64
					Duration        *int64 `json:"duration_ns"`
				}
				if err := json.Unmarshal([]byte(line), &r); err != nil {
					t.Fatal(err)
				}
				switch query := [2]uint64{r.Conn, r.Query}; {
				case r.Type == "message" && r.Query != 0:
					of[query] = append(of[query], line)
				case r.Type == "query" && r.Duration != nil && *r.Duration >= ns:
					want = append(want, of[[2]uint64{r.Conn, r.ID}]...)
				}
			}
			got := slices.Collect(strings.Lines(string(output(t, "read", capture, "--json", "--min-duration", d))))
			if !slices.Equal(got, want) {
				t.Errorf("%s, --min-duration %s: %d lines, want %d", name, d, len(got), len(want))
			}
			shown, left = shown+len(got), left+strings.Count(string(whole), `"type":"message"`)-len(got)
		}
	}
	if shown < 100 || left < 100 {
		t.Errorf("%d messages are shown, and %d are not", shown, left)
	}
}
