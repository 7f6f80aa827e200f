package analyze_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/hostile"
)

// stateRecord is what messages and queries say of the state of their connection.
type stateRecord struct {
	Type, Client, TS, Dir, Msg string
	Len                        int
	Phase, Tx                  string
	PauseNS                    *int64 `json:"pause_ns"`
	Paused                     bool   `json:"paused_in_transaction"`
}

// key names a message, or the pauses of a connection, in any version of a capture.
func (r *stateRecord) key() string {
	if r.Type == "query" {
		return r.Client
	}
	return fmt.Sprint(r.Client, r.TS, r.Dir, r.Msg, r.Len)
}

// claims is what a record says, each by itself.
func (r *stateRecord) claims() (list []string) {
	if r.Type == "query" {
		if r.PauseNS != nil {
			list = append(list, fmt.Sprintf("paused for %d ns", *r.PauseNS))
			if r.Paused {
				list = append(list, fmt.Sprintf("paused for %d ns in a transaction", *r.PauseNS))
			}
		}
		return list
	}
	if r.Phase != "" && r.Phase != "unknown" {
		list = append(list, "phase "+r.Phase)
	}
	if r.Tx != "" {
		list = append(list, "tx "+r.Tx)
	}
	return list
}

// states maps each key to what is said of it.
func states(tb testing.TB, capture []byte, each func(r *stateRecord)) {
	tb.Helper()
	out, _, err := (way{ports: pgPorts, max: 20}).analyse(bytes.NewReader(capture))
	if err != nil {
		tb.Fatal(err)
	}
	for line := range bytes.Lines(out) {
		if !bytes.HasPrefix(line, []byte(`{"type":"query",`)) && !bytes.HasPrefix(line, []byte(`{"type":"message",`)) {
			continue
		}
		r := new(stateRecord)
		if err := json.Unmarshal(line, r); err != nil {
			tb.Fatalf("%v: %s", err, line)
		}
		each(r)
	}
}

// lacksSomething reports whether a capture tells itself that packets are missing.
func lacksSomething(capture []byte) bool {
	out, _, _ := (way{quiet: true, ports: pgPorts}).analyse(bytes.NewReader(capture))
	return bytes.Contains(out, []byte(`"code":"lost"`))
}

// stateTruth is what a whole capture says of states, by the keys of its records.
type stateTruth map[string]map[string]bool

func stateOf(tb testing.TB, capture []byte) stateTruth {
	tb.Helper()
	whole := stateTruth{}
	states(tb, capture, func(r *stateRecord) {
		k := r.key()
		if whole[k] == nil {
			whole[k] = map[string]bool{}
		}
		for _, c := range r.claims() {
			whole[k][c] = true
		}
	})
	return whole
}

// hold compares what a capture with less in it says of states with the whole.
func (whole stateTruth) hold(tb testing.TB, what string, capture []byte) {
	tb.Helper()
	states(tb, capture, func(r *stateRecord) {
		known := whole[r.key()]
		if known == nil {
			return // a message that was not whole
		}
		for _, c := range r.claims() {
			if !known[c] {
				tb.Errorf("%s: %s %s at %s of %s: %s; the whole says %v", what, r.Type, r.Msg, r.TS, r.Client, c, keysOf(known))
			}
		}
	})
}

// TestStateAfterLoss: after a loss, or a join, phase, transaction status and pauses are
// those of the whole capture, or left out.
func TestStateAfterLoss(t *testing.T) {
	for _, path := range wholeCaptures(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			f, err := hostile.ParsePcap(b)
			if err != nil {
				t.Skip("it is a file to be taken apart no further")
			}
			if lacksSomething(b) {
				t.Skip("it lacks something itself")
			}
			whole := stateOf(t, b)
			hold := func(what string, capture []byte) { whole.hold(t, what, capture) }
			step := 2 * sampleStep(f)
			r := hostile.Rand(3)
			for i := r.IntN(step) / 2; i < len(f.Records); i += step {
				hold(fmt.Sprintf("without packet %d", i+1), without(f, i, 1))
				hold(fmt.Sprintf("without packets %d and %d", i+1, i+2), without(f, i, 2))
				hold(fmt.Sprintf("from packet %d on", i+1), f.From(i).Bytes())
			}
		})
	}
}

// keysOf lists a few keys of a set.
func keysOf(set map[string]bool) (list []string) {
	for k := range set {
		if list = append(list, k); len(list) == 4 {
			break
		}
	}
	return list
}
