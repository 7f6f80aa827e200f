package app

import "github.com/spf13/cobra"

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
	return cmd
}
