package analyze_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/app"
	"github.com/pgsniff/pgsniff/internal/hostile"
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
	fmt.Fprintf(os.Stderr, "peak %d\n", peakMemory())
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

// measure runs a scenario in a process of its own.
func measure(tb testing.TB, s hostile.Scenario, n int, args string) (peakKiB int, cpu time.Duration, stderr string) {
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
	_, after, ok := strings.Cut(out.String(), "peak ")
	if !ok {
		tb.Fatalf("%s: no measurement: %.2000s", s.Name, out.String())
	}
	peakKiB, err = strconv.Atoi(strings.TrimSpace(after))
	if err != nil {
		tb.Fatal(err)
	}
	return peakKiB, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), out.String()
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
			peak, cpu, _ := measure(t, s, s.Enough, allRecords)
			t.Logf("%d: peak %d MiB, %v", s.Enough, peak>>10, cpu)
			if peak < 0 {
				t.Skip("this system does not tell a process's peak memory")
			}
			if peak > maxPeak {
				t.Errorf("size %d: peak of %d MiB, want at most %d", s.Enough, peak>>10, maxPeak>>10)
			}
		})
	}
}

// TestLinearTime compares the time of a capture with that of one four times as
// long: it may be ten times as long, for noise, and is sixteen times as long
// where something is quadratic.
func TestLinearTime(t *testing.T) {
	if testing.Short() {
		t.Skip("long: reads captures of many megabytes")
	}
	const grace = 300 * time.Millisecond
	for _, s := range hostile.Scenarios {
		t.Run(s.Name, func(t *testing.T) {
			_, short, _ := measure(t, s, s.Enough/8, allRecords)
			_, long, _ := measure(t, s, s.Enough/2, allRecords)
			t.Logf("%d: %v, %d: %v", s.Enough/8, short, s.Enough/2, long)
			if long > 10*short+grace {
				t.Errorf("size %d takes %v, size %d takes %v", s.Enough/8, short, s.Enough/2, long)
			}
		})
	}
}

// BenchmarkHostile shows the peak memory and the time of each scenario.
func BenchmarkHostile(b *testing.B) {
	for _, s := range hostile.Scenarios {
		b.Run(strings.ReplaceAll(s.Name, " ", "_"), func(b *testing.B) {
			for b.Loop() {
				peak, cpu, text := measure(b, s, s.N, allRecords)
				b.ReportMetric(float64(peak)/1024, "peak-MiB")
				b.ReportMetric(cpu.Seconds(), "cpu-s")
				b.Log(text)
			}
		})
	}
}
