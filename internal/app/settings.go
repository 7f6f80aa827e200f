package app

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pgsniff/pgsniff/internal/render"
)

// setting is what a file or the environment says a flag is, where the command line
// says nothing.
type setting struct {
	flag, value string
	from        string // "environment PGSNIFF_PORT", "file /etc/pgsniff/pgsniff.toml:3"
}

// outputGroupFlags describe outputs one after the other: who names one of them
// describes all outputs.
var outputGroupFlags = []string{"view", "output", "json", "to"}

func isOutputFlag(name string) bool {
	for _, f := range outputGroupFlags {
		if f == name {
			return true
		}
	}
	return false
}

// notSettings are flags that belong to one call of the program.
var notSettings = map[string]bool{"config": true, "help": true, "version": true}

type optionsKey struct{}

// keepOptions has optionsOf find the options of a command.
func keepOptions(cmd *cobra.Command, o *Options) {
	cmd.SetContext(context.WithValue(context.Background(), optionsKey{}, o))
}

func optionsOf(cmd *cobra.Command) *Options {
	if cmd.Context() == nil {
		return nil
	}
	o, _ := cmd.Context().Value(optionsKey{}).(*Options)
	return o
}

// parsed is a command line with what stands in its place in a file and the environment.
type parsed struct {
	command  *cobra.Command // of a tree of its own, with all flags set
	args     []string       // the command line with the settings in it
	settings []setting      // those that count
	file     string         // the configuration file, empty for none
}

// maySet reports whether there may be settings for a command line of root: parse takes
// two more trees of commands to find out what they are.
func maySet(env *Env, root *cobra.Command, args []string) bool {
	for _, a := range args {
		if strings.HasPrefix(a, "--config") {
			return true
		}
	}
	if env.Getenv(variable("config")) != "" {
		return true
	}
	cmd, _, err := root.Find(args)
	return err == nil && cmd != root && len(environment(env, cmd)) > 0
}

// parse reads a command line, the environment and the configuration file. It returns nil
// for commands that have no settings, and for command lines that are wrong: running
// them tells what is.
func parse(env *Env, args []string) (*parsed, error) {
	command := func(args []string) (*cobra.Command, []string) {
		probe := newRoot(&Env{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard, Getenv: env.Getenv, Now: env.Now, Width: func() int { return 0 }})
		cmd, rest, err := probe.Find(args)
		if err != nil || cmd == probe || optionsOf(cmd) == nil {
			return nil, nil
		}
		cmd.InitDefaultHelpFlag()
		return cmd, rest
	}
	cmd, rest := command(args)
	if cmd == nil || cmd.ParseFlags(rest) != nil {
		return nil, nil
	}
	given := make(map[string]bool)
	cmd.Flags().Visit(func(f *pflag.Flag) { given[f.Name] = true })
	if given["help"] {
		return nil, nil
	}
	p := &parsed{file: optionsOf(cmd).Config}
	if p.file == "" && !given["config"] {
		p.file = env.Getenv(variable("config"))
	}
	var file []setting
	if p.file != "" {
		var err error
		if file, err = readSettings(p.file, cmd); err != nil {
			return nil, err
		}
	}
	p.choose(given, meant(cmd, environment(env, cmd)), meant(cmd, file))
	whole, _ := command(args)
	for _, s := range p.settings {
		if err := whole.Flags().Set(s.flag, s.value); err != nil {
			return nil, usageError("%s: %v", strings.TrimPrefix(s.from, "file "), err)
		}
	}
	if err := whole.ParseFlags(rest); err != nil {
		return nil, &exitError{ExitUsage, err}
	}
	p.command, p.args = whole, []string{cmd.Name()}
	if p.file != "" {
		p.args = append(p.args, "--config="+p.file)
	}
	for _, s := range p.settings {
		p.args = append(p.args, "--"+s.flag+"="+s.value)
	}
	p.args = append(p.args, rest...)
	return p, nil
}

// choose takes what counts of lists of settings, of which the first comes first: what is
// given on the command line counts before all.
func (p *parsed) choose(given map[string]bool, lists ...[]setting) {
	outputs := false
	for _, name := range outputGroupFlags {
		outputs = outputs || given[name]
	}
	var chosen [][]setting
	for _, list := range lists {
		var of []setting
		here, some := make(map[string]bool), false
		for _, s := range list {
			switch {
			case isOutputFlag(s.flag):
				if outputs {
					continue
				}
				some = true
			case given[s.flag]:
				continue
			}
			here[s.flag] = true
			of = append(of, s)
		}
		for name := range here {
			given[name] = true
		}
		outputs = outputs || some
		chosen = append(chosen, of)
	}
	for i := len(chosen) - 1; i >= 0; i-- {
		p.settings = append(p.settings, chosen[i]...)
	}
}

// variable is the name of the environment's variable for a flag.
func variable(flag string) string {
	return "PGSNIFF_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// environment returns what the environment says of a command's flags. An empty variable
// is one that is not there.
func environment(env *Env, cmd *cobra.Command) (list []setting) {
	look := func(f *pflag.Flag) {
		if notSettings[f.Name] {
			return
		}
		if v := env.Getenv(variable(f.Name)); v != "" {
			list = append(list, setting{f.Name, v, "environment " + variable(f.Name)})
		}
	}
	describes := describesOutputs(cmd)
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !isOutputFlag(f.Name) {
			look(f)
		}
	})
	for _, name := range outputGroupFlags { // --to ends an output
		if f := cmd.Flags().Lookup(name); f != nil && describes {
			look(f)
		}
	}
	return list
}

// describesOutputs reports whether a command's --output is that of outputs.
func describesOutputs(cmd *cobra.Command) bool {
	f := cmd.Flags().Lookup("output")
	if f == nil {
		return false
	}
	_, ok := f.Value.(*formatFlag)
	return ok
}

// newConfig is the command that shows settings.
func newConfig(env *Env) *cobra.Command {
	return &cobra.Command{
		Use:   "config [COMMAND] [flags]",
		Short: "Show what each flag of a command would be, and where that comes from",
		Long: `config shows each flag of a command (live, if none is named) with its value and
where that comes from: the command line, the environment (PGSNIFF_MIN_DURATION for
--min-duration), the configuration file (--config FILE or PGSNIFF_CONFIG), or the
program's default. It fails where the command would for what the file says.`,
		Example: `  pgsniff config --config /etc/pgsniff/pgsniff.toml
  PGSNIFF_PORT=6432 pgsniff config read`,
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 && isHelpFlag(args[0]) {
				return cmd.Help()
			}
			if len(args) == 0 || strings.HasPrefix(args[0], "-") {
				args = append([]string{"live"}, args...)
			}
			p, err := parse(env, args)
			if err != nil {
				return err
			}
			if p == nil {
				return configRefused(cmd.Root(), args)
			}
			return p.show(env.Out)
		},
	}
}

// configRefused says why a command line has no settings.
func configRefused(root *cobra.Command, args []string) error {
	target, rest, err := root.Find(args)
	if err != nil || target == root {
		return usageError("config %s: no such command", args[0])
	}
	if optionsOf(target) == nil {
		return usageError("config %s: it has no flags that can be set elsewhere", args[0])
	}
	if err := target.ParseFlags(rest); err != nil {
		return &exitError{ExitUsage, err}
	}
	return target.Help()
}

// show writes the flags, in the order of --help.
func (p *parsed) show(w io.Writer) error {
	from := make(map[string]string)
	for _, s := range p.settings {
		from[s.flag] = s.from
	}
	var rows [][3]string
	row := func(f *pflag.Flag) {
		if f == nil || f.Hidden || notSettings[f.Name] || isOutputFlag(f.Name) && describesOutputs(p.command) {
			return
		}
		source := "default"
		switch {
		case from[f.Name] != "":
			source = from[f.Name]
		case f.Changed:
			source = "command line"
		}
		rows = append(rows, [3]string{f.Name, f.Value.String(), source})
	}
	seen := make(map[string]bool)
	for _, g := range flagGroups {
		for _, name := range g.flags {
			row(p.command.Flags().Lookup(name))
			seen[name] = true
		}
	}
	p.command.Flags().VisitAll(func(f *pflag.Flag) {
		if !seen[f.Name] {
			row(f)
		}
	})
	rows = append(rows, p.outputRows()...)
	var name, value int
	for i := range rows {
		rows[i][1], rows[i][2] = render.Visible(rows[i][1]), render.Visible(rows[i][2])
		name, value = max(name, len(rows[i][0])), max(value, min(len(rows[i][1]), 40))
	}
	var b strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&b, "%-*s  %-*s  %s\n", name, r[0], value, r[1], r[2])
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// outputRows tells what was said of outputs, one flag after the other.
func (p *parsed) outputRows() (rows [][3]string) {
	if !describesOutputs(p.command) {
		return nil
	}
	for _, s := range p.settings {
		if isOutputFlag(s.flag) {
			rows = append(rows, [3]string{s.flag, s.value, s.from})
		}
	}
	if rows != nil {
		return rows
	}
	o := optionsOf(p.command)
	list := o.outputs.specs
	if o.outputs.last.any {
		list = append(list[:len(list):len(list)], o.outputs.last)
	}
	for _, spec := range list {
		for _, v := range [...][2]string{{"view", strings.Join(spec.views, ",")}, {"output", spec.format}, {"to", spec.to}} {
			if v[1] != "" {
				rows = append(rows, [3]string{v[0], v[1], "command line"})
			}
		}
	}
	if list == nil && o.outputs.otlp == "" && o.outputs.metrics == "" {
		rows = append(rows, [3]string{"view", "messages", "default"}, [3]string{"output", "pretty", "default"})
	}
	return rows
}

// listValue writes a list as flags take it.
func listValue(list []string) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write(list) // to memory
	w.Flush()
	return strings.TrimSuffix(b.String(), "\n")
}
