package analyze_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/app"
	"github.com/pgsniff/pgsniff/internal/test/hostile"
	"github.com/pgsniff/pgsniff/internal/test/steptest"
)

// envArgs makes this test binary the program with these arguments, so that its
// memory can be measured apart from that of the test.
const envArgs = "PGSNIFF_TEST_ARGS"

func TestMain(m *testing.M) {
	args := os.Getenv(envArgs)
	if args == "" {
		os.Exit(m.Run())
	}
	os.Args = append([]string{"pgsniff"}, strings.Fields(args)...)
	code := app.Main()
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	fmt.Fprintf(os.Stderr, "peak %d allocated %d\n", peakMemory(), mem.TotalAlloc)
	os.Exit(code)
}

// peakMemory returns the most memory that this process had, in KiB.
func peakMemory() int {
	b, _ := os.ReadFile("/proc/self/status")
	_, after, _ := bytes.Cut(b, []byte("VmHWM:"))
	f := strings.Fields(string(after))
	if len(f) == 0 {
		return -1
	}
	n, _ := strconv.Atoi(f[0])
	return n
}

// measured is what a run of the program took.
type measured struct {
	peakKiB   int // -1 where the system does not tell
	allocated uint64
	cpu       time.Duration
	stderr    string
}

// measure runs a scenario in a process of its own.
func measure(tb testing.TB, s hostile.Scenario, n int, args string) (m measured) {
	tb.Helper()
	self, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), envArgs+"="+args)
	cmd.Stdin = s.Make(n)
	var out bytes.Buffer
	cmd.Stderr = &out
	if err := cmd.Run(); err != nil {
		tb.Fatalf("%s: %v\n%.2000s", s.Name, err, out.String())
	}
	m.stderr, m.cpu = out.String(), cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()
	at := strings.LastIndex(m.stderr, "peak ")
	if at < 0 {
		tb.Fatalf("%s: no measurement: %.2000s", s.Name, m.stderr)
	}
	if _, err := fmt.Sscanf(m.stderr[at:], "peak %d allocated %d", &m.peakKiB, &m.allocated); err != nil {
		tb.Fatal(err)
	}
	return m
}

// maxPeak is what the program may take at default settings whatever the capture.
const maxPeak = 256 << 10 // KiB

const allRecords = "read --json --view messages,queries,connections,stats -"

// TestPeakMemory holds whole processes to the bound.
func TestPeakMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("long: reads captures of many megabytes")
	}
	for _, s := range hostile.Scenarios {
		t.Run(s.Name, func(t *testing.T) {
			m := measure(t, s, s.Enough, allRecords)
			peak := m.peakKiB
			t.Logf("%d: peak %d MiB, %v", s.Enough, peak>>10, m.cpu)
			if peak < 0 {
				t.Skip("this system does not tell a process's peak memory")
			}
			if peak > maxPeak {
				t.Errorf("size %d: peak of %d MiB, want at most %d", s.Enough, peak>>10, maxPeak>>10)
			}
		})
	}
}

// TestLinearTime counts the statements that run, and the memory that is allocated, for a
// capture and for one four times as long. Both are four times as many where each packet
// costs the same, a little more where a bound is reached, and sixteen times as many where
// something is quadratic. What is copied within memory that is there is not counted.
func TestLinearTime(t *testing.T) {
	if testing.Short() {
		t.Skip("long: reads captures of many megabytes")
	}
	const most = 8
	part := 8 // counting takes several times as long as running
	if soak {
		part = 2
	}
	program := steptest.Build(t, "../..")
	for _, s := range hostile.Scenarios {
		t.Run(s.Name, func(t *testing.T) {
			short, long := s.Enough/part/4, s.Enough/part
			for what, of := range map[string]func(n int) uint64{
				"statements": func(n int) uint64 { return program.Run(t, s.Make(n), strings.Fields(allRecords)...) },
				"bytes":      func(n int) uint64 { return measure(t, s, n, allRecords).allocated },
			} {
				few, many := of(short), of(long)
				t.Logf("%d: %d %s, %d: %d: %.1f times", short, few, what, long, many, float64(many)/float64(few))
				if many > most*few {
					t.Errorf("size %d takes %d %s, size %d takes %d", short, few, what, long, many)
				}
			}
		})
	}
}

// BenchmarkHostile shows the peak memory and the time of each scenario.
func BenchmarkHostile(b *testing.B) {
	for _, s := range hostile.Scenarios {
		b.Run(strings.ReplaceAll(s.Name, " ", "_"), func(b *testing.B) {
			for b.Loop() {
				m := measure(b, s, s.N, allRecords)
				b.ReportMetric(float64(m.peakKiB)/1024, "peak-MiB")
				b.ReportMetric(m.cpu.Seconds(), "cpu-s")
				b.Log(m.stderr)
			}
		})
	}
}
