package app

import (
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// withheld marks a flag that a command has with the others of read, and that means
// nothing to it.
const withheld = "withheld"

// withhold keeps flags of read that mean nothing to a command out of its help and its
// settings: a file may say them of all commands. Who gives one of them to the command
// itself is told. Those that describe outputs are only hidden: what is wrong with them is
// told where outputs are.
func withhold(cmd *cobra.Command, names ...string) {
	hideFlags(cmd, names)
	for _, name := range names {
		if f := cmd.Flags().Lookup(name); f != nil && !isOutputFlag(name) {
			f.Annotations = map[string][]string{withheld: nil}
		}
	}
	args := cmd.Args
	cmd.Args = func(cmd *cobra.Command, given []string) error {
		var err error
		cmd.Flags().Visit(func(f *pflag.Flag) {
			if err == nil && isWithheld(f) {
				err = usageError("%s has no --%s", cmd.Name(), f.Name)
			}
		})
		if err != nil || args == nil {
			return err
		}
		return args(cmd, given)
	}
}

func isWithheld(f *pflag.Flag) bool {
	_, ok := f.Annotations[withheld]
	return f.Annotations != nil && ok
}

// meant leaves out the settings of flags that mean nothing to a command.
func meant(cmd *cobra.Command, list []setting) []setting {
	return slices.DeleteFunc(list, func(s setting) bool {
		f := cmd.Flags().Lookup(s.flag)
		return f != nil && isWithheld(f)
	})
}

func hideFlags(cmd *cobra.Command, names []string) {
	for _, name := range names {
		if cmd.Flags().Lookup(name) != nil {
			_ = cmd.Flags().MarkHidden(name) // it is there
		}
	}
}

// ofOutputs are the flags of single outputs: those under no heading of the help.
func ofOutputs(cmd *cobra.Command) (names []string) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !hasHeading(f.Name) && !f.Hidden {
			names = append(names, f.Name)
		}
	})
	return names
}

// ofText are the flags of read that mean nothing where the output is neither its records
// nor its totals.
var ofText = []string{
	"view", "to", "type", "every", "slow", "histograms", "wal-out", "otlp", "metrics", "time", "time-stamp-precision", "color",
	"max-value-bytes", "rows", "sql", "fields", "sort",
}

// ofKeeping are those that keep packets in files.
var ofKeeping = []string{"write", "only-matching", "rotate-size", "rotate-time", "rotate-files", "embed-keys"}
