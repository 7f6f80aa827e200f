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

// BenchmarkHostile shows the peak memory and the time of each scenario.
func BenchmarkHostile(b *testing.B) {
	for _, s := range hostile.Scenarios {
		b.Run(strings.ReplaceAll(s.Name, " ", "_"), func(b *testing.B) {
			for b.Loop() {
				peak, cpu, text := measure(b, s, s.N, "read --json --view messages,queries,connections -")
				b.ReportMetric(float64(peak)/1024, "peak-MiB")
				b.ReportMetric(cpu.Seconds(), "cpu-s")
				b.Log(text)
			}
		})
	}
}
