package app

import (
	"bufio"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	comparison "github.com/pgsniff/pgsniff/internal/compare"
	"github.com/pgsniff/pgsniff/internal/sink"
)

func newCompare(env *Env) *cobra.Command {
	o := &Options{}
	cmd := &cobra.Command{
		Use:   "compare [flags] BEFORE AFTER",
		Short: "Set two captures side by side, query by query",
		Long: `compare sets two captures side by side by normalised query: calls, rows, mean and
percentiles, whether the change can be chance (by the test of Mann and Whitney),
new and vanished queries, new errors, and findings that came or went.

BEFORE and AFTER are captures, or JSON that was made of them earlier with
pgsniff read --json --view queries,findings.`,
		Example: `  pgsniff compare monday.pcap tuesday.pcap
  pgsniff compare old.jsonl new.pcap -o json | jq -r 'select(.significant) | .normalized'`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usageError("compare needs two captures, or two files of JSON: BEFORE and AFTER")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return runCompare(env, o, args) },
	}
	o.add(cmd)
	o.selection.span = new(span)
	o.selection.span.add(cmd)
	f := cmd.Flags()
	f.Lookup("output").Usage = "print in this `FORMAT`: pretty or json"
	f.Lookup("top").Usage = "list at most `N` queries, those that changed most; 0: all"
	withhold(cmd, slices.Concat(ofText, ofKeeping, ofOutputs(cmd))...)
	return cmd
}

func runCompare(env *Env, o *Options, paths []string) error {
	format := o.outputs.last.format
	if format == "" {
		format = "pretty"
	}
	if err := oneOf("output", format, "pretty", "json"); err != nil {
		return err
	}
	if o.outputs.last.chosen || len(o.outputs.specs) > 0 {
		return usageError("compare has no --view and --to")
	}
	var sides [2]*comparison.Side
	for i, path := range paths {
		side, err := readSide(env, o, path)
		if err != nil {
			return err
		}
		sides[i] = side
	}
	c := comparison.Compare(sides[0], sides[1])
	write := func() error { return c.WriteText(env.Out, o.Top) }
	if format == "json" {
		write = func() error { return c.WriteJSON(env.Out) }
	}
	if err := write(); err != nil {
		if isClosedPipe(err) {
			return nil
		}
		return &exitError{ExitFailure, fmt.Errorf("writing the output: %w", err)}
	}
	return nil
}

// readSide reads a capture, or JSON that was made of one.
func readSide(env *Env, o *Options, path string) (*comparison.Side, error) {
	if f, err := os.Open(path); err == nil {
		defer f.Close()
		b := bufio.NewReader(f)
		if first, err := b.Peek(1); err == nil && first[0] == '{' {
			side, err := comparison.ReadJSON(b)
			if err != nil {
				return nil, &exitError{ExitFailure, fmt.Errorf("%s: %w", path, err)}
			}
			return side, nil
		}
	}
	c := comparison.NewCollector(&sink.Env{Now: env.Now})
	one := *o
	one.only = c
	if err := runRead(env, &one, []string{path}); err != nil {
		return nil, err
	}
	return c.Side, nil
}
