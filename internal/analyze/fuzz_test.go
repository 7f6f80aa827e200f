package analyze_test

import (
	"bytes"
	"os"
	"runtime"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/hostile"
)

// maxFuzz is the longest input that is tried: what is found in long ones is
// found in short ones, faster.
const maxFuzz = 64 << 10

// pipelineHolds leads one capture through the pipeline, in one of two ways.
func pipelineHolds(t *testing.T, capture []byte) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	w := way{}
	if len(capture)%2 == 1 {
		w = way{strict: true, onlyOn: true, max: 40}
	}
	mustHold(t, "capture", capture, w)
	runtime.ReadMemStats(&after)
	// Output repeats what a short message refers to, so it may be many times as
	// long as the input; that it has a bound at all is what this looks for.
	if n := after.TotalAlloc - before.TotalAlloc; n > 256<<20+uint64(len(capture))<<12 {
		t.Errorf("%d bytes were allocated for a capture of %d", n, len(capture))
	}
}

// smallCaptures are those that make good seeds.
func smallCaptures(f *testing.F) (list [][]byte) {
	f.Helper()
	for _, path := range captureFiles(f) {
		if b, err := os.ReadFile(path); err != nil {
			f.Fatal(err)
		} else if len(b) <= 12<<10 {
			list = append(list, b)
		}
	}
	return list
}

// FuzzPipeline takes any bytes for a capture file.
func FuzzPipeline(f *testing.F) {
	for _, b := range smallCaptures(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) <= maxFuzz {
			pipelineHolds(t, b)
		}
	})
}

// FuzzSegments takes any bytes for a list of TCP segments: see hostile.Script.
func FuzzSegments(f *testing.F) {
	for _, b := range smallCaptures(f) {
		if file, err := hostile.ParsePcap(b); err == nil {
			if s := hostile.ScriptOf(file); len(s) > 0 {
				f.Add(s)
			}
		}
	}
	login := hostile.AppendOp(nil, 0, hostile.Client, hostile.SYN, 0, nil)
	login = hostile.AppendOp(login, 0, hostile.Client, hostile.ACK, 0, hostile.Startup("user", "u"))
	login = hostile.AppendOp(login, 0, hostile.Server, hostile.ACK, 0, hostile.Authenticated(1))
	login = hostile.AppendOp(login, 0, hostile.Client, hostile.ACK, 7, hostile.Query("select 1"))
	f.Add(hostile.AppendOp(login, 0, hostile.Server, hostile.ACK, 0,
		bytes.Join([][]byte{hostile.Columns("a"), hostile.Row("1"), hostile.Complete("SELECT 1"), hostile.Ready()}, nil)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) <= maxFuzz {
			pipelineHolds(t, hostile.Script(b))
		}
	})
}

// TestScript holds the form of the fuzzer's input to what it is made from.
func TestScript(t *testing.T) {
	b := readCapture(t, "libpq_pipeline.pcap")
	file, err := hostile.ParsePcap(b)
	if err != nil {
		t.Fatal(err)
	}
	want, got := collect(t, b, way{}), collect(t, hostile.Script(hostile.ScriptOf(file)), way{})
	if len(got.messages) != len(want.messages) || len(got.messages) == 0 {
		t.Fatalf("%d messages, want %d", len(got.messages), len(want.messages))
	}
	for i := range want.messages {
		if w, g := want.messages[i], got.messages[i]; w.kind != g.kind || w.body != g.body {
			t.Errorf("message %d: %v, want %v", i, g.kind, w.kind)
		}
	}
}
