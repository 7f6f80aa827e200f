package export

import (
	"encoding/json"
	"testing"
)

type traceEvent struct {
	Phase string         `json:"ph"`
	Name  string         `json:"name"`
	Time  float64        `json:"ts"`
	Dur   float64        `json:"dur"`
	PID   int            `json:"pid"`
	TID   int            `json:"tid"`
	Args  map[string]any `json:"args"`
}

// TestTraceEvents holds what viewers need: whole JSON, a name for each track, events
// of a track that lie in one another or apart, and every timed query once.
func TestTraceEvents(t *testing.T) {
	for _, name := range []string{"base_mix", "libpq_extended", "libpq_pipeline", "terminate_57P01", "v_midstream"} {
		if !exists(pcaps + "/" + name + ".pcap") {
			continue
		}
		t.Run(name, func(t *testing.T) {
			var trace struct {
				TraceEvents []traceEvent `json:"traceEvents"`
			}
			if err := json.Unmarshal(read(t, name, "-o", "trace-events"), &trace); err != nil {
				t.Fatal(err)
			}
			named := make(map[int]bool)
			tracks := make(map[int][]traceEvent)
			queries := 0
			for _, e := range trace.TraceEvents {
				switch e.Phase {
				case "M":
					named[e.TID] = named[e.TID] || e.Name == "thread_name"
				case "X":
					tracks[e.TID] = append(tracks[e.TID], e)
					if _, ok := e.Args["query"]; ok {
						queries++
					}
				}
			}
			for id, track := range tracks {
				if !named[id] {
					t.Errorf("track %d has no name", id)
				}
				for i, a := range track {
					for _, b := range track[:i] {
						if from, to := max(a.Time, b.Time), min(a.Time+a.Dur, b.Time+b.Dur); from < to &&
							!(a.Time <= b.Time && a.Time+a.Dur >= b.Time+b.Dur) && !(b.Time <= a.Time && b.Time+b.Dur >= a.Time+a.Dur) {
							t.Errorf("%+v and %+v overlap", a, b)
						}
					}
				}
			}
			timed := 0
			for _, q := range records[struct {
				Duration *int64 `json:"duration_ns"`
			}](t, read(t, name, "--json", "--view", "queries")) {
				if q.Duration != nil {
					timed++
				}
			}
			if queries != timed || timed == 0 {
				t.Errorf("%d queries, want %d", queries, timed)
			}
		})
	}
}
