package app

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pgsniff/pgsniff/internal/render"
	"github.com/pgsniff/pgsniff/internal/stats"
)

// maxReport bounds a line with a report, in bytes: 10,000 queries with their texts and
// histograms are some 100 MB at worst.
const maxReport = 256 << 20

func newMerge(env *Env) *cobra.Command {
	var by, format string
	var top int
	cmd := &cobra.Command{
		Use:   "merge [flags] REPORT...",
		Short: "Join reports of --view stats --histograms -o json; - is standard input",
		Long: `merge joins reports of several captures, hosts or periods: the lines of
--view stats --histograms -o json. The result is what stats would say of all of them
together, percentiles among it, and can be merged again.

Slowest calls and errors have no conn and query in it, which each capture counts for
itself, and replication connections are only counted.`,
		Example: `  pgsniff read monday.pcap --view stats --histograms --json > monday.json
  pgsniff merge monday.json tuesday.json -o pretty`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError("merge needs a file with reports, or - for standard input")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			sort, err := stats.ParseSort(by)
			if err != nil {
				return oneOf("sort", by, stats.SortNames()...)
			}
			if err := oneOf("output", format, builtinFormats...); err != nil {
				return err
			}
			if top < 0 {
				return usageError("--top %d: must not be negative", top)
			}
			return runMerge(env, args, sort, top, format)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&format, "output", "o", "json", "print in this `FORMAT`: json, which can be merged again if --top is 0, or pretty")
	f.StringVar(&by, "sort", "total", "`ORDER` of the queries: "+strings.Join(stats.SortNames(), ", "))
	f.IntVar(&top, "top", 0, "list at most `N` queries; 0: all")
	return cmd
}

func runMerge(env *Env, paths []string, by stats.Sort, top int, format string) error {
	var sum *stats.Report
	for _, path := range paths {
		err := eachReport(env, path, func(r *stats.Report) {
			list := []*stats.Report{r}
			if sum != nil {
				list = append([]*stats.Report{sum}, list...)
			}
			sum = stats.Merge(list, by, 0) // one at a time: of periods there are many
		})
		if err != nil {
			return &exitError{ExitFailure, err}
		}
	}
	if sum == nil {
		return &exitError{ExitFailure, errors.New("no reports")}
	}
	sum = stats.Merge([]*stats.Report{sum}, by, top)
	var w render.Writer
	if format == "json" {
		w = render.NewJSON(env.Out, render.Options{})
	} else {
		w = render.NewPretty(env.Out, render.PrettyOptions{Width: env.Width(), Time: render.TimeAbs, Theme: render.NewTheme(false), Groups: top})
	}
	w.Record(sum)
	if err := w.Flush(); err != nil {
		if isClosedPipe(err) {
			return nil
		}
		return &exitError{ExitFailure, fmt.Errorf("writing the output: %w", err)}
	}
	if n := sum.OtherStreams; n > 0 {
		fmt.Fprintf(env.Err, "pgsniff: %s not listed\n", was(n, "replication connection"))
	}
	return nil
}

// eachReport calls a function for each report of a file. Lines that are other records
// are passed over.
func eachReport(env *Env, path string, f func(*stats.Report)) error {
	in := env.In
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		defer file.Close()
		in = file
	}
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 64<<10), maxReport)
	for n := 1; lines.Scan(); n++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 || !bytes.HasPrefix(line, []byte(`{"type":"stats"`)) && bytes.HasPrefix(line, []byte(`{"type":"`)) {
			continue
		}
		r, err := stats.Parse(line)
		if err != nil {
			return fmt.Errorf("%s:%d: %w", path, n, err)
		}
		f(r)
	}
	if err := lines.Err(); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
