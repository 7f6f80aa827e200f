// Command benchfiles times whole runs of pgsniff on large captures against
// tcpdump -r FILE -w /dev/null, which reads the same file and decodes nothing.
// It makes the captures with benchcap where they are missing.
//
// Usage: go run ./scripts/benchfiles [-dir DIR] [-mb N] [-runs N] [-tshark=false] [CAPTURE...]
//
// Each run of pgsniff is paired with one of tcpdump just before it, and the
// ratio of the two is what counts: the machine's speed may drift. Printed is
// the median ratio of the wall times, with the median times and the largest
// memory. tshark is timed, too, once, where it is installed; -tshark=false leaves it out.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/pgsniff/pgsniff/scripts/captures"
)

// runs are the ways to run pgsniff, with the ratio that each is to stay below.
var runs = []struct {
	name  string
	args  []string
	limit float64
}{
	{"read --view stats", []string{"--view", "stats"}, 1.5},
	{"read --view queries --json", []string{"--view", "queries", "--json"}, 2.5},
	{"read --json", []string{"--json"}, 5},
	{"read", nil, 6},
}

func main() {
	dir := flag.String("dir", ".bench", "directory of the captures")
	megabytes := flag.Int("mb", 120, "size of a capture that is made, in megabytes")
	times := flag.Int("runs", 5, "counted runs of each command")
	tshark := flag.Bool("tshark", true, "time tshark -Y pgsql, too, once, where it is installed")
	flag.Parse()
	if err := bench(*dir, *megabytes, *times, *tshark, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "benchfiles:", err)
		os.Exit(1)
	}
}

func bench(dir string, megabytes, times int, tshark bool, files []string) error {
	tcpdump, err := exec.LookPath("tcpdump")
	if err != nil {
		return fmt.Errorf("the yardstick is missing: install tcpdump")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	pgsniff := filepath.Join(dir, "pgsniff")
	if err := captures.Build(pgsniff, "./cmd/pgsniff"); err != nil {
		return err
	}
	if len(files) == 0 {
		if files, err = captures.Make(dir, megabytes); err != nil {
			return err
		}
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "capture\trun\twall/tcpdump\tat most\twall\ttcpdump\tpeak memory")
	for _, f := range files {
		yardstick := []string{tcpdump, "-r", f, "-w", os.DevNull}
		for _, r := range runs {
			command := append([]string{pgsniff, "read", "-q", f}, r.args...)
			m, err := measure(command, yardstick, times)
			if err != nil {
				return err
			}
			fmt.Fprintf(w, "%s\t%s\t%.2f\t%.1f\t%v\t%v\t%d MB\n", filepath.Base(f), r.name, m.ratio, r.limit,
				m.wall.Round(time.Millisecond), m.yardstick.Round(time.Millisecond), m.peak>>20)
		}
		if path, err := exec.LookPath("tshark"); tshark && err == nil {
			m, err := measure([]string{path, "-r", f, "-Y", "pgsql"}, yardstick, 1)
			if err != nil {
				return err
			}
			fmt.Fprintf(w, "%s\ttshark -Y pgsql\t%.0f\t\t%v\t%v\t%d MB\n", filepath.Base(f), m.ratio,
				m.wall.Round(time.Millisecond), m.yardstick.Round(time.Millisecond), m.peak>>20)
		}
		w.Flush()
	}
	return nil
}

type result struct {
	ratio           float64
	wall, yardstick time.Duration
	peak            int64 // bytes
}

// measure runs the two commands in turn, after a warm-up of each.
func measure(command, yardstick []string, times int) (r result, err error) {
	var ratios []float64
	var walls, yards []time.Duration
	for i := range times + 1 {
		y, _, err := once(yardstick)
		if err != nil {
			return r, err
		}
		wall, peak, err := once(command)
		if err != nil {
			return r, err
		}
		r.peak = max(r.peak, peak)
		if i == 0 && times > 1 {
			continue
		}
		ratios = append(ratios, float64(wall)/float64(y))
		walls, yards = append(walls, wall), append(yards, y)
	}
	slices.Sort(ratios)
	slices.Sort(walls)
	slices.Sort(yards)
	n := len(ratios) / 2
	r.ratio, r.wall, r.yardstick = ratios[n], walls[n], yards[n]
	return r, nil
}

func once(command []string) (wall time.Duration, peak int64, err error) {
	cmd := exec.Command(command[0], command[1:]...) // output goes to the null device
	start := time.Now()
	err = cmd.Run()
	wall = time.Since(start)
	if err != nil {
		return 0, 0, fmt.Errorf("%v: %w", command, err)
	}
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		peak = usage.Maxrss << 10 // Linux counts kilobytes
	}
	return wall, peak, nil
}
