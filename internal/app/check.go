package app

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pgsniff/pgsniff/internal/check"
	"github.com/pgsniff/pgsniff/internal/sink"
)

// checkFlags are those of check alone.
type checkFlags struct {
	budget string
	max    []string
	failOn string
	deny   []string
}

func newCheck(env *Env) *cobra.Command {
	o, f := &Options{}, &checkFlags{}
	cmd := &cobra.Command{
		Use:   "check [flags] FILE...",
		Short: "Fail where a capture exceeds budgets or has findings that are denied",
		Long: `check compares captures with budgets, for continuous integration: its exit
status is 4 where one is exceeded, or where there is a finding that is denied.

A budget limits queries, round_trips, rows, bytes, errors or duration of the whole
capture, or of each connection, transaction, application or section. A section is
what follows a statement that is a comment and nothing else, -- test: NAME or
/* section: NAME */, on its connection, and every statement with such a comment.`,
		Example: `  pgsniff check test.pcap --max queries=20 --deny n_plus_one
  pgsniff check test.pcap --budget budget.toml --fail-on warning -o junit > report.xml`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError("check needs a capture file, or - for standard input")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return runCheck(env, o, f, args) },
	}
	o.add(cmd)
	o.selection.span = new(span)
	o.selection.span.add(cmd)
	s := cmd.Flags()
	s.StringVar(&f.budget, "budget", "", "the budgets are in this `FILE`, in TOML")
	s.StringArrayVar(&f.max, "max", nil, "a budget, `NAME=N`: queries=20, connection.rows=1000, section.duration=50ms; may be repeated")
	s.StringVar(&f.failOn, "fail-on", "", "fail with findings of this `SEVERITY` or worse: info, warning or critical")
	s.StringSliceVar(&f.deny, "deny", nil, "fail with findings of these `CODES`")
	s.Lookup("output").Usage = "print in this `FORMAT`: " + strings.Join(check.Formats, ", ")
	withhold(cmd, slices.Concat(ofText, []string{"top"}, ofOutputs(cmd))...)
	return cmd
}

// rules reads what is forbidden.
func (f *checkFlags) rules() (*check.Rules, error) {
	rules := &check.Rules{}
	if f.budget != "" {
		file, err := os.Open(f.budget)
		if err != nil {
			return nil, &exitError{ExitFailure, err}
		}
		defer file.Close()
		if rules, err = check.Read(file); err != nil {
			return nil, usageError("--budget %s: %v", f.budget, err)
		}
	}
	for _, m := range f.max {
		if err := rules.Max(m); err != nil {
			return nil, usageError("--max %s: %v", m, err)
		}
	}
	if f.failOn != "" {
		rules.FailOn = f.failOn
	}
	rules.Deny = append(rules.Deny, f.deny...)
	if err := rules.Valid(); err != nil {
		return nil, usageError("%v", err)
	}
	if len(rules.Budgets)+len(rules.Deny) == 0 && rules.FailOn == "" {
		return nil, usageError("check needs something to check: --budget, --max, --fail-on or --deny")
	}
	return rules, nil
}

func runCheck(env *Env, o *Options, f *checkFlags, paths []string) error {
	rules, err := f.rules()
	if err != nil {
		return err
	}
	format := o.outputs.last.format
	if format == "" {
		format = "pretty"
	}
	if err := oneOf("output", format, check.Formats...); err != nil {
		return err
	}
	if o.outputs.last.chosen || len(o.outputs.specs) > 0 {
		return usageError("check has no --view and --to")
	}
	c := check.New(&sink.Env{Now: env.Now}, rules)
	o.only = c
	failed := runRead(env, o, paths)
	if !c.Ended {
		return failed
	}
	r := c.Result() // also of what comes before a damaged place
	if err := check.Write(env.Out, r, format); err != nil {
		if isClosedPipe(err) {
			return nil
		}
		return &exitError{ExitFailure, fmt.Errorf("writing the output: %w", err)}
	}
	if failed != nil {
		return failed
	}
	if r.Failed() {
		return &exitError{ExitCheck, errors.New("the check failed: " + strings.Join(failures(r), ", "))}
	}
	return nil
}

func failures(r *check.Result) (list []string) {
	if n := len(r.Broken); n > 0 {
		list = append(list, plural(uint64(n), "limit")+" exceeded")
	}
	if n := len(r.Denied); n > 0 {
		list = append(list, plural(uint64(n), "finding")+" denied")
	}
	return list
}
