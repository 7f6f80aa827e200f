package analyze_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/app"
	"github.com/pgsniff/pgsniff/internal/hostile"
)

// The program runs in a process of its own where its peak memory is measured:
// this test binary, told by these variables what to be.
const (
	envScenario = "PGSNIFF_TEST_SCENARIO"
	envSize     = "PGSNIFF_TEST_SIZE"
	envArgs     = "PGSNIFF_TEST_ARGS"
)

func TestMain(m *testing.M) {
	if name := os.Getenv(envScenario); name != "" {
		os.Exit(runScenario(name))
	}
	os.Exit(m.Run())
}

// runScenario is the program reading a scenario, at default settings.
func runScenario(name string) int {
	for _, s := range hostile.Scenarios {
		if s.Name != name {
			continue
		}
		n, err := strconv.Atoi(os.Getenv(envSize))
		if err != nil {
			return 9
		}
		r, w, err := os.Pipe()
		if err != nil {
			return 9
		}
		go func() {
			_, _ = io.Copy(w, s.Make(n))
			_ = w.Close()
		}()
		os.Stdin = r
		os.Args = append([]string{"pgsniff"}, strings.Fields(os.Getenv(envArgs))...)
		code := app.Main()
		fmt.Fprintf(os.Stderr, "peak %d\n", peakMemory())
		return code
	}
	return 9
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
	cmd.Env = append(os.Environ(), envScenario+"="+s.Name, envSize+"="+strconv.Itoa(n), envArgs+"="+args)
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
