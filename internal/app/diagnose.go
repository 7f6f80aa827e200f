package app

import (
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// newDiagnose is read or live with the view findings.
func newDiagnose(env *Env) *cobra.Command {
	o, f := &Options{}, &liveFlags{}
	cmd := &cobra.Command{
		Use:   "diagnose [flags] FILE... | -i IFACE",
		Short: "Say what is wrong: with the client, the server, the network",
		Long: `diagnose looks for what is wrong in captures, or on an interface, and says what
it costs and what to change: the worst first, one finding for each illness.
It is read, or live, with --view findings; -v shows all of each finding, and
docs/findings.md explains them.`,
		Example: `  pgsniff diagnose day.pcap
  pgsniff diagnose day.pcap -v --app webshop --since 14:00
  sudo pgsniff diagnose -i any --duration 60s
  pgsniff diagnose day.pcap --json | jq -r .code`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 == (len(f.interfaces) == 0) {
				return usageError("diagnose needs a capture file, - for standard input, or -i with an interface")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				if span := o.selection.span; span.since != "" || span.until != "" {
					return usageError("--since and --until choose a part of a capture file; -i has -c and --duration")
				}
				return runLive(env, o, f)
			}
			return runRead(env, o, args)
		},
	}
	o.add(cmd)
	f.add(cmd)
	o.selection.span = new(span)
	o.selection.span.add(cmd)
	o.outputs.usual = "findings"
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if slices.Contains(notOfFindings, f.Name) || !hasHeading(f.Name) { // those are of one output
			f.Hidden = true // they are there, as for read
		}
	})
	return cmd
}

// notOfFindings are flags of read and live that change nothing of findings.
var notOfFindings = []string{
	"view", "to", "type", "sample", "every", "histograms", "sort", "top", "rows", "fields", "sql", "wal-out", "otlp", "metrics",
}
