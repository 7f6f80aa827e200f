package app

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/pgsniff/pgsniff/internal/report"
)

// ofOtherOutputs are the flags of read that mean nothing to a page.
var ofOtherOutputs = []string{
	"json", "view", "to", "otlp", "metrics", "time", "time-stamp-precision", "color", "rows", "sql", "fields", "sort", "top", "max-value-bytes", "every", "slow", "type", "histograms", "wal-out",
	"csvlog-log", "csvlog-params", "pqtrace-regress", "pqtrace-no-timestamps", "explain", "otlp-parameters", "otlp-rows", "otlp-link",
	"otlp-unsampled", "otlp-classes", "metrics-classes", "parquet-size", "parquet-every", "parquet-host",
}

// newReport is read with the output html.
func newReport(env *Env) *cobra.Command {
	o := &Options{}
	cmd := &cobra.Command{
		Use:   "report [flags] FILE... -o FILE.html",
		Short: "Write a page about captures: what is wrong, load, queries, errors, connections",
		Long: `report writes one self-contained page of HTML about captures: findings, load and
latency over time, queries with their slowest executions, errors, connections. It
opens from disk in any browser and asks nothing of anybody. With --no-values it has
no parameters and constants, with --no-sql no SQL either, so that it may be passed on.`,
		Example: `  pgsniff report day.pcap -o day.html
  pgsniff report day.pcap -o day.html --no-values --since 14:00 --until 15:00`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError("report needs a capture file, or - for standard input")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			to := o.outputs.last.format
			if to == "" {
				return usageError("report needs -o FILE.html, which it writes the page to")
			}
			if !strings.HasSuffix(to, ".html") && !strings.HasSuffix(to, ".htm") && to != "-" {
				return usageError("-o %s: the page is HTML; its name must end in .html", to)
			}
			o.outputs.last = outputSpec{views: report.Views, format: report.Name, to: to, chosen: true, any: true, flag: "-o"}
			return runRead(env, o, args)
		},
	}
	o.add(cmd)
	o.selection.span = new(span)
	o.selection.span.add(cmd)
	f := cmd.Flags()
	f.Lookup("output").Usage, f.Lookup("output").DefValue = "write the page to `FILE`", ""
	withhold(cmd, ofOtherOutputs...)
	return cmd
}
