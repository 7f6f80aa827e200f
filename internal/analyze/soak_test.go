package analyze_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/app"
	"github.com/pgsniff/pgsniff/internal/test/hostile"
)

// soakSteps is how many damaged captures are tried where nobody asked for more. With
// PGSNIFF_SOAK set to a duration (2h) they are tried as long as that, from a seed of the
// time; PGSNIFF_SOAK_SEED is that of a run that failed.
const soakSteps = 200

// largestSoaked is the largest capture that is damaged, in bytes: many small ones find
// more than a few large ones.
const largestSoaked = 150 << 10

// damages are what happens to captures, in ways that leave what is left true: what
// calls itself complete then is complete in the whole capture.
var damages = []struct {
	name string
	do   func(r *rand.Rand, f *hostile.File)
	hold func(t *truth, tb testing.TB, what string, capture []byte) int
}{
	{"loss of 0.1 %", lose(1000), (*truth).hold},
	{"loss of 1 %", lose(100), (*truth).hold},
	{"loss of 5 %", lose(20), (*truth).hold},
	{"loss of 20 %", lose(5), (*truth).hold},
	{"loss of a run", func(r *rand.Rand, f *hostile.File) {
		at, n := r.IntN(len(f.Records)), 1+r.IntN(len(f.Records)/3+1)
		f.Records = append(f.Records[:at:at], f.Records[min(at+n, len(f.Records)):]...)
	}, (*truth).hold},
	{"joined in the middle", func(r *rand.Rand, f *hostile.File) { f.Records = f.Records[r.IntN(len(f.Records)):] }, (*truth).hold},
	{"ended early", func(r *rand.Rand, f *hostile.File) { f.Records = f.Records[:1+r.IntN(len(f.Records))] }, (*truth).hold},
	{"doubled", func(r *rand.Rand, f *hostile.File) {
		for i := len(f.Records) - 1; i >= 0; i-- {
			if r.IntN(20) == 0 {
				f.Records = append(f.Records[:i+1:i+1], append([]hostile.Record{f.Records[i]}, f.Records[i+1:]...)...)
			}
		}
	}, (*truth).holdReordered},
	{"swapped", func(r *rand.Rand, f *hostile.File) {
		for i := range len(f.Records) - 1 {
			if r.IntN(20) == 0 {
				f.Records[i], f.Records[i+1] = f.Records[i+1], f.Records[i]
			}
		}
	}, (*truth).holdReordered},
	{"cut packets", func(r *rand.Rand, f *hostile.File) {
		n := 60 + r.IntN(1400)
		for i := range f.Records {
			f.Records[i].Snap(n)
		}
	}, (*truth).hold},
	{"loss and swapped", func(r *rand.Rand, f *hostile.File) {
		lose(50)(r, f)
		for i := 0; i < len(f.Records)-1; i++ {
			if r.IntN(30) == 0 {
				f.Records[i], f.Records[i+1] = f.Records[i+1], f.Records[i]
			}
		}
	}, (*truth).holdReordered},
}

// lose drops one packet in n, and one in any case.
func lose(n int) func(r *rand.Rand, f *hostile.File) {
	return func(r *rand.Rand, f *hostile.File) {
		sure := r.IntN(len(f.Records))
		kept := f.Records[:0:0]
		for i, p := range f.Records {
			if i != sure && r.IntN(n) != 0 {
				kept = append(kept, p)
			}
		}
		f.Records = kept
	}
}

// recovery is what is left of the records of captures that were damaged in one way.
type recovery struct{ inputs, whole, left int }

// TestSoak damages captures at random. Where nothing in them lies, what is told of them
// as complete has to be told of the whole capture, too; where bytes were changed, all
// outputs have to stand it.
func TestSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	lasts, _ := time.ParseDuration(os.Getenv("PGSNIFF_SOAK"))
	seed := uint64(1)
	if lasts > 0 {
		seed = uint64(time.Now().UnixNano())
	}
	if s := os.Getenv("PGSNIFF_SOAK_SEED"); s != "" {
		fmt.Sscan(s, &seed)
	}
	files, outputs := soaked(t), allOutputs(t.TempDir())
	r := hostile.Rand(seed)
	found := map[string]*recovery{}
	started, last, n, peak := time.Now(), time.Now(), 0, 0
	for ; lasts > 0 && time.Since(started) < lasts || lasts == 0 && n < soakSteps; n++ {
		s := files[r.IntN(len(files))]
		what := fmt.Sprintf("%s, seed %d, input %d", s.name, seed, n)
		f := s.file.Clone()
		if r.IntN(3) == 0 {
			m := hostile.Mutations[r.IntN(len(hostile.Mutations))]
			m.Do(r, f)
			peak = max(peak, stands(t, what+", "+m.Name, f.Bytes(), outputs))
			count(found, "hostile: "+m.Name)
		} else {
			d := damages[r.IntN(len(damages))]
			if d.do(r, f); len(f.Records) == 0 {
				continue
			}
			k := count(found, d.name)
			k.whole += s.truth.complete
			k.left += d.hold(s.truth, t, what+", "+d.name, f.Bytes())
		}
		if t.Failed() && lasts == 0 {
			break
		}
		if time.Since(last) > 10*time.Minute {
			last = time.Now()
			fmt.Printf("soak: %d inputs after %v, peak %d MiB\n", n, time.Since(started).Round(time.Second), peak>>10)
		}
	}
	t.Logf("%d inputs of %d captures, seed %d, in %v; %d MiB at most in one run of the program", n, len(files), seed, time.Since(started).Round(time.Second), peak>>10)
	for _, d := range damages {
		if k := found[d.name]; k != nil && k.whole > 0 {
			t.Logf("%-22s %4d inputs, %5.1f %% of the complete records are left", d.name, k.inputs, 100*float64(k.left)/float64(k.whole))
		}
	}
	for _, m := range hostile.Mutations {
		if k := found["hostile: "+m.Name]; k != nil {
			t.Logf("%-22s %4d inputs through all outputs", m.Name, k.inputs)
		}
	}
}

// TestPairingDamaged damages the small conversations that are about who answers whom,
// each many times in each way: what calls itself complete then is complete in the whole.
func TestPairingDamaged(t *testing.T) {
	const rounds = 20
	for _, s := range soaked(t) {
		if s.dir != "pairing" {
			continue
		}
		r := hostile.Rand(uint64(len(s.name)))
		for n := range rounds {
			for _, d := range damages {
				f := s.file.Clone()
				if d.do(r, f); len(f.Records) > 0 {
					d.hold(s.truth, t, fmt.Sprintf("%s, round %d, %s", s.name, n, d.name), f.Bytes())
				}
			}
		}
	}
}

func count(found map[string]*recovery, name string) *recovery {
	if found[name] == nil {
		found[name] = new(recovery)
	}
	found[name].inputs++
	return found[name]
}

// soakedFile is a capture with what is true of it.
type soakedFile struct {
	dir   string // its name alone
	name  string
	file  *hostile.File
	truth *truth
}

func soaked(t *testing.T) (list []soakedFile) {
	t.Helper()
	for _, path := range wholeCaptures(t) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := hostile.ParsePcap(b)
		if err != nil || len(b) > largestSoaked || len(f.Records) < 2 {
			continue
		}
		list = append(list, soakedFile{filepath.Base(filepath.Dir(path)), filepath.Base(path), f, truthOf(t, f, way{quiet: true, ports: pgPorts})})
	}
	if len(list) < 10 {
		t.Fatalf("only %d captures", len(list))
	}
	return list
}

// allOutputs are the arguments of one run with every view and output.
func allOutputs(dir string) (args []string) {
	add := func(list ...string) {
		args = append(append(args, list...), "--to", filepath.Join(dir, fmt.Sprint("out", len(args))))
	}
	for _, view := range []string{"messages", "queries", "connections", "stats", "changes", "findings", "transactions"} {
		add("--view", view, "-o", "json")
		add("--view", view, "-o", "pretty")
	}
	for _, format := range []string{"csvlog", "pqtrace", "sql", "trace-events", "otlp", "html"} {
		add("-o", format)
	}
	return args
}

// stands leads a capture through all outputs in a process of its own, and holds the
// JSON to its rules and the process to its bound. It returns its peak, in KiB.
func stands(t *testing.T, what string, capture []byte, outputs []string) (peakKiB int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"read", "-", "--any-port", "--slow", "10ms", "-o", "json", "--view", "messages,queries,connections"}, outputs...)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), envArgs+"="+strings.Join(args, " "))
	cmd.Stdin = bytes.NewReader(capture)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // a file that is damaged is told by the exit code, too
	_, peak, ok := strings.Cut(errs.String(), "peak ")
	if !ok || cmd.ProcessState.ExitCode() == app.ExitUsage {
		t.Errorf("%s: it crashed, or refused to begin: %.3000s", what, errs.String())
		return 0
	}
	fmt.Sscan(peak, &peakKiB)
	if peakKiB > maxPeak {
		t.Errorf("%s: peak of %d MiB", what, peakKiB>>10)
	}
	if err := checkOutput(out.Bytes()); err != nil {
		t.Errorf("%s: %v", what, err)
	}
	if bytes.IndexByte(out.Bytes(), 0x1b) >= 0 {
		t.Errorf("%s: an escape sequence", what)
	}
	return peakKiB
}
