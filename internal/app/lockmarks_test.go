package app

import (
	"bytes"
	"encoding/json"
	"testing"
)

// TestLockMarks wants as many marks of lock waits in a timeline as the finding counts,
// each at the end of the wait that it tells, within its query.
func TestLockMarks(t *testing.T) {
	const file = "../../testdata/illness/lock_wait_hot_row.pcap.xz"
	var finding struct {
		Code  string
		Count int
	}
	for line := range bytes.Lines(output(t, "diagnose", file, "--json", "-q")) {
		if json.Unmarshal(line, &finding) == nil && finding.Code == "lock_wait" {
			break
		}
	}
	var trace struct {
		TraceEvents []struct {
			Ph, Name string
			Ts, Dur  float64
			Tid      uint64
			Args     struct {
				Query  uint64
				Waited float64 `json:"waited_us"`
				Table  string
			}
		}
	}
	if err := json.Unmarshal(output(t, "read", file, "-o", "trace-events", "-q"), &trace); err != nil {
		t.Fatal(err)
	}
	type place struct{ tid, query uint64 }
	begun, took := make(map[place]float64), make(map[place]float64)
	for _, e := range trace.TraceEvents {
		if e.Ph == "X" && e.Args.Query != 0 {
			at := place{e.Tid, e.Args.Query}
			begun[at], took[at] = e.Ts, e.Dur
		}
	}
	marks := 0
	for _, e := range trace.TraceEvents {
		if e.Name != "lock wait" {
			continue
		}
		marks++
		at := place{e.Tid, e.Args.Query}
		if off := e.Ts - e.Args.Waited - begun[at]; took[at] < e.Args.Waited || off < -2 || off > 2 || e.Args.Table != "counters" {
			t.Errorf("%+v: its query began at %v and took %v", e, begun[at], took[at])
		}
	}
	if marks == 0 || marks != finding.Count {
		t.Errorf("%d marks, the finding counts %d", marks, finding.Count)
	}
}
