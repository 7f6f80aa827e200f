package analyze_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/hostile"
)

// mustHold leads a capture through the pipeline with one and with two workers and
// without messages, and holds the output to its rules. It returns it.
func mustHold(tb testing.TB, what string, capture []byte, w way) []byte {
	tb.Helper()
	w.workers = 1
	one, _, err1 := w.analyse(bytes.NewReader(capture))
	w.workers = 2
	w.strict = !w.strict // which changes no record, but only without it cycles are taken at once
	two, _, err2 := w.analyse(bytes.NewReader(capture))
	if (err1 == nil) != (err2 == nil) {
		tb.Errorf("%s: one worker ends with %v, two with %v", what, err1, err2)
	}
	if !bytes.Equal(one, two) {
		tb.Errorf("%s: two workers write something else than one", what)
	}
	w.quiet, w.strict = true, !w.strict
	quiet, _, _ := w.analyse(bytes.NewReader(capture))
	if !bytes.Equal(quiet, withoutMessages(one)) {
		tb.Errorf("%s: without messages, the other records are not the same", what)
	}
	if err := checkOutput(one); err != nil {
		tb.Errorf("%s: %v", what, err)
	}
	return one
}

// withoutMessages drops the message records of an output.
func withoutMessages(out []byte) (rest []byte) {
	for line := range bytes.Lines(out) {
		if !bytes.HasPrefix(line, []byte(`{"type":"message",`)) {
			rest = append(rest, line...)
		}
	}
	return rest
}

// captureFiles lists the captures of the test data.
func captureFiles(tb testing.TB) []string {
	tb.Helper()
	var files []string
	for _, pattern := range []string{"*.pcap", "*.pcapng", "*/*.pcap"} {
		found, err := filepath.Glob(filepath.Join(pcaps, pattern))
		if err != nil {
			tb.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) < 20 {
		tb.Fatalf("only %d captures found in %s", len(files), pcaps)
	}
	slices.Sort(files)
	return files
}

func TestMutatedCaptures(t *testing.T) {
	for _, path := range captureFiles(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			seeds := 1
			if len(b) < 40<<10 && !testing.Short() {
				seeds = 4
			}
			mutateBytes(t, b, seeds)
			if f, err := hostile.ParsePcap(b); err == nil {
				mutateRecords(t, f, seeds)
			}
		})
	}
}

// mutateBytes damages the file, whatever its format.
func mutateBytes(t *testing.T, b []byte, seeds int) {
	mustHold(t, "as it is", b, way{})
	for seed := range uint64(seeds) {
		r := hostile.Rand(seed)
		for _, from := range []int{0, 24} {
			flipped := hostile.FlipBytes(r, b, from, 1+r.IntN(20))
			mustHold(t, "bytes flipped", flipped, way{strict: seed%2 == 0})
		}
		mustHold(t, "cut", b[:r.IntN(len(b))], way{})
	}
}

// mutateRecords damages the packets.
func mutateRecords(t *testing.T, f *hostile.File, seeds int) {
	for i, m := range hostile.Mutations {
		for seed := range uint64(seeds) {
			r := hostile.Rand(seed<<8 + uint64(i))
			c := f.Clone()
			m.Do(r, c)
			if seed%3 == 2 { // two kinds of damage at once
				hostile.Mutations[r.IntN(len(hostile.Mutations))].Do(r, c)
			}
			what := m.Name
			mustHold(t, what, c.Bytes(), way{onlyOn: seed%2 == 1, max: int(seed%2) * 100})
			if t.Failed() {
				t.Fatalf("%s, seed %d", what, seed)
			}
		}
	}
}
