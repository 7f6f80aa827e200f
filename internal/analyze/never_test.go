package analyze_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/hostile"
)

// further names captures that are held to the rules as well, by hand:
//
//	go test ./internal/analyze -run TestNeverWrong -captures '/somewhere/*.pcap'
var further = flag.String("captures", "", "further captures to hold TestNeverWrong to, as a pattern of file names")

// queryRecord is what a query record says that must be true if it calls itself complete.
type queryRecord struct {
	Type    string
	Client  string
	ID      uint64
	SQL     *string
	Params  json.RawMessage
	Results []struct {
		Tag       *string `json:"command_tag"`
		Rows      *uint64
		Bytes     *uint64
		Suspended bool
	}
	Error *struct{ SQLState string }
	Copy  json.RawMessage

	Statement *string
	Skipped   bool
	Complete  bool
	Duration  *int64 `json:"duration_ns"`

	FirstReply *int64 `json:"first_reply_ns"`
	FirstRow   *int64 `json:"first_row_ns"`
	Prepare    *int64 `json:"prepare_ns"`
}

// facts are what makes two records the same.
func (r *queryRecord) facts() string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	_ = e.Encode([]any{r.Client, r.SQL, r.Params, r.Results, r.Error, r.Copy, r.Skipped})
	return b.String()
}

// times are what a record says of its durations, each by itself.
func (r *queryRecord) times() (list []string) {
	for _, t := range []struct {
		name string
		ns   *int64
	}{{"duration", r.Duration}, {"first_reply", r.FirstReply}, {"first_row", r.FirstRow}, {"prepare", r.Prepare}} {
		if t.ns != nil {
			list = append(list, fmt.Sprint(t.name, " ", *t.ns))
		}
	}
	return list
}

// queryRecords returns the query records of a capture.
func queryRecords(tb testing.TB, capture []byte, w way) (list []queryRecord) {
	tb.Helper()
	out, _, err := w.analyse(bytes.NewReader(capture))
	if err != nil {
		tb.Fatal(err)
	}
	return queryRecordsOf(tb, out)
}

func queryRecordsOf(tb testing.TB, out []byte) (list []queryRecord) {
	tb.Helper()
	for line := range bytes.Lines(out) {
		if !bytes.HasPrefix(line, []byte(`{"type":"query",`)) {
			continue
		}
		var r queryRecord
		if err := json.Unmarshal(line, &r); err != nil {
			tb.Fatalf("%v: %s", err, line)
		}
		list = append(list, r)
	}
	return list
}

// truth is what the whole capture says.
type truth struct {
	way      way
	file     *hostile.File
	known    map[string]map[string]bool // facts, with the times that they took
	complete int
	repeats  bool // data comes more than once: it is later where the first of it is lost
}

func truthOf(tb testing.TB, f *hostile.File, w way) *truth {
	tb.Helper()
	out, _, err := w.analyse(bytes.NewReader(f.Bytes()))
	if err != nil {
		tb.Fatal(err)
	}
	t := &truth{way: w, file: f, known: map[string]map[string]bool{}, repeats: repeated(out)}
	for _, r := range queryRecordsOf(tb, out) {
		k := r.facts()
		if t.known[k] == nil {
			t.known[k] = map[string]bool{}
		}
		for _, s := range r.times() {
			t.known[k][s] = true
		}
		if r.Complete {
			t.complete++
		}
	}
	return t
}

// hold compares a capture with less in it with the whole: facts, and the times that
// they took. It returns how many records are complete.
func (t *truth) hold(tb testing.TB, what string, capture []byte) (complete int) {
	tb.Helper()
	return t.compare(tb, what, capture, true)
}

// holdReordered is hold for a capture whose packets are in another order, or some of
// them later again: its clock runs backwards and forwards, so the times are others.
func (t *truth) holdReordered(tb testing.TB, what string, capture []byte) (complete int) {
	tb.Helper()
	return t.compare(tb, what, capture, false)
}

func (t *truth) compare(tb testing.TB, what string, capture []byte, times bool) (complete int) {
	tb.Helper()
	for _, r := range queryRecords(tb, capture, t.way) {
		switch {
		case r.Duration != nil && *r.Duration < 0:
			tb.Errorf("%s: query %d of %s has a negative duration", what, r.ID, r.Client)
		case !r.Complete:
		case r.SQL != nil && t.known[r.facts()] == nil:
			tb.Errorf("%s: query %d of %s calls itself complete and is none of the whole: %.300s", what, r.ID, r.Client, r.facts())
		default:
			complete++
			if times && !t.repeats && r.SQL != nil {
				t.holdTimes(tb, what, &r)
			}
		}
	}
	return complete
}

// holdTimes compares the times of a record with those of the same facts in the whole.
func (t *truth) holdTimes(tb testing.TB, what string, r *queryRecord) {
	tb.Helper()
	known := t.known[r.facts()]
	for _, s := range r.times() {
		if !known[s] {
			tb.Errorf("%s: query %d of %s calls itself complete with a time that is none of the whole: %s, not %v: %.300s",
				what, r.ID, r.Client, s, keysOf(known), r.facts())
		}
	}
}

// without returns the capture without n packets from number i on.
func without(f *hostile.File, i, n int) []byte {
	c := f.Clone()
	c.Records = append(c.Records[:i:i], c.Records[min(i+n, len(c.Records)):]...)
	return c.Bytes()
}

// wholeCaptures are the captures of the test data that can be taken apart, and
// those that the user named.
func wholeCaptures(tb testing.TB) []string {
	files := captureFiles(tb)
	if *further != "" {
		more, err := filepath.Glob(*further)
		if err != nil || len(more) == 0 {
			tb.Fatalf("no captures %s: %v", *further, err)
		}
		files = more
	}
	return files
}

// pgPorts are the ports of the servers in the test data.
var pgPorts = []uint16{5432, 15415, 16543, 6432, 21432, 22001, 25414}

// TestNeverWrong drops each packet, each two neighbours (of small captures any two),
// and all before each packet:
// what calls itself complete must be in the whole capture. Of large captures it takes
// a sample.
func TestNeverWrong(t *testing.T) {
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
			neverWrong(t, f)
		})
	}
}

// sampled is how many packets of a large capture are dropped, in bytes of captures
// read for it.
const sampled = 3 << 20

// sampleStep is how many packets of a capture are passed over for one that is dropped.
func sampleStep(f *hostile.File) int {
	n, sample := len(f.Records), sampled
	if *further != "" {
		sample *= 10
	}
	return max(1, n*(len(f.Bytes())+n*100)/sample)
}

// fewPackets is how many packets a capture has at most of which any two are dropped.
const fewPackets = 40

func neverWrong(t *testing.T, f *hostile.File) {
	n, step := len(f.Records), sampleStep(f)
	w := way{quiet: true, ports: pgPorts}
	whole := truthOf(t, f, w)
	worst, at, sum, runs := 0, 0, 0, 0
	r := hostile.Rand(1)
	for i := r.IntN(step); i < n; i += step {
		fewer := whole.complete - whole.hold(t, fmt.Sprintf("without packet %d", i+1), without(f, i, 1))
		sum, runs = sum+fewer, runs+1
		if fewer > worst {
			worst, at = fewer, i+1
		}
	}
	for i := r.IntN(step); i < n; i += step {
		whole.hold(t, fmt.Sprintf("without packets %d and %d", i+1, i+2), without(f, i, 2))
		whole.hold(t, fmt.Sprintf("from packet %d on", i+1), f.From(i).Bytes())
	}
	if n <= fewPackets {
		for i := range n {
			for k := i + 2; k < n; k++ {
				c := f.Clone()
				c.Records = append(append(c.Records[:i:i], c.Records[i+1:k]...), c.Records[k+1:]...)
				whole.hold(t, fmt.Sprintf("without packets %d and %d", i+1, k+1), c.Bytes())
			}
		}
	}
	t.Logf("%d complete; without one packet %.2f fewer, at worst %d (packet %d)", whole.complete, float64(sum)/float64(max(runs, 1)), worst, at)
}
