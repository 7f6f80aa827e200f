package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagGroups are the headings of --help, in their order, and the flags under each.
// A flag that is not named here is one of an output's own and stands with Output.
var flagGroups = []flagGroup{
	{"What to read", []string{"port", "any-port", "filter", "bpf-file", "since", "until", "count", "duration"}},
	{"What to show", []string{"view", "type", "user", "database", "app", "client", "conn", "min-duration", "errors", "grep", "sample", "slow", "every", "histograms"}},
	{outputGroup, []string{"output", "json", "to", "wal-out", "otlp", "metrics", "time", "time-stamp-precision", "color", "max-value-bytes", "rows", "sql", "fields", "sort", "top", "redact", "show-secrets", "quiet", "verbose"}},
	{"Capture", []string{"interface", "promisc", "snaplen", "buffer-size", "attach", "attach-only", "attach-times", "user-drop"}},
	{"Keeping packets", []string{"write", "only-matching", "rotate-size", "rotate-time", "rotate-files", "embed-keys"}},
	{"TLS", []string{"keylog"}},
	{"What is forbidden", []string{"budget", "max", "fail-on", "deny"}},
	{"Others", []string{"config", "max-cpu", "max-memory", "strict", "workers", "help", "version"}},
}

const outputGroup = "Output"

type flagGroup struct {
	title string
	flags []string
}

// hasHeading tells whether a flag is in one of the groups: the others are of single outputs.
func hasHeading(name string) bool {
	return slices.ContainsFunc(flagGroups, func(g flagGroup) bool { return slices.Contains(g.flags, name) })
}

// grouped returns a command's own flags under their headings.
func grouped(cmd *cobra.Command) string {
	where := make(map[string]string)
	for _, g := range flagGroups {
		for _, name := range g.flags {
			where[name] = g.title
		}
	}
	sets := make(map[string]*pflag.FlagSet)
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		title, ok := where[f.Name]
		if !ok {
			title = outputGroup
		}
		if sets[title] == nil {
			sets[title] = pflag.NewFlagSet(title, pflag.ContinueOnError)
			sets[title].SortFlags = false
		}
		if !ok {
			sets[title].AddFlag(f)
		}
	})
	var b strings.Builder
	for _, g := range flagGroups {
		set := sets[g.title]
		if set == nil {
			continue
		}
		sorted := pflag.NewFlagSet(g.title, pflag.ContinueOnError)
		sorted.SortFlags = false
		for _, name := range g.flags { // the most used first
			if f := cmd.LocalFlags().Lookup(name); f != nil {
				sorted.AddFlag(f)
			}
		}
		sorted.AddFlagSet(set)
		fmt.Fprintf(&b, "\n%s:\n%s", g.title, defaultList.ReplaceAllString(sorted.FlagUsagesWrapped(helpWidth), "(default $1)"))
	}
	return b.String()
}

// defaultList is how the flags' library writes the default of a list: not as one types it.
var defaultList = regexp.MustCompile(`\(default \[([^\]\n]*)\]\)`)

// helpWidth is the columns that --help keeps within.
const helpWidth = 100

// usage writes how a command is called. It is code and no template: a program with
// text/template in it keeps every method of every type, some megabytes of them.
func usage(cmd *cobra.Command) error {
	var b strings.Builder
	b.WriteString("Usage:")
	if cmd.Runnable() {
		b.WriteString("\n  " + cmd.UseLine())
	}
	if cmd.HasAvailableSubCommands() {
		b.WriteString("\n  " + cmd.CommandPath() + " COMMAND")
	}
	if cmd.HasExample() {
		b.WriteString("\n\nExamples:\n" + cmd.Example)
	}
	if cmd.HasAvailableSubCommands() {
		b.WriteString("\n\nCommands:")
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				fmt.Fprintf(&b, "\n  %-*s %s", c.NamePadding(), c.Name(), c.Short)
			}
		}
	}
	b.WriteString("\n")
	if cmd.HasAvailableLocalFlags() {
		b.WriteString(grouped(cmd))
	}
	if cmd.HasHelpSubCommands() {
		b.WriteString("\nTopics:")
		for _, c := range cmd.Commands() {
			if c.IsAdditionalHelpTopicCommand() {
				fmt.Fprintf(&b, "\n  %-*s %s", c.CommandPathPadding(), c.CommandPath(), c.Short)
			}
		}
		b.WriteString("\n")
	}
	if cmd.HasAvailableSubCommands() && !cmd.HasParent() {
		fmt.Fprintf(&b, "\n%s help COMMAND explains a command, %[1]s help TOPIC a topic.\n", cmd.CommandPath())
	}
	_, err := io.WriteString(cmd.OutOrStderr(), b.String())
	return err
}

// addHelp gives the commands their help, topics and words for what is mistyped.
func addHelp(root *cobra.Command) {
	root.SetUsageFunc(usage)
	root.Flags().BoolP("version", "v", false, "print the version")
	root.SuggestionsMinimumDistance = 2
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		var unknown *pflag.NotExistError
		if errors.As(err, &unknown) {
			if s := nearestFlag(cmd, unknown.GetSpecifiedName()); s != "" {
				return usageError("%v; did you mean --%s?", err, s)
			}
		}
		return &exitError{ExitUsage, valueError(err)}
	})
	for _, t := range topics {
		root.AddCommand(&cobra.Command{Use: t.name, Short: t.short, Long: t.text()})
	}
}

// valueError says of a value that a flag does not take what it could be, as our own
// errors of flags do.
func valueError(err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	name, value := invalid.GetFlag().Name, invalid.GetValue()
	switch kind := invalid.GetFlag().Value.Type(); kind {
	case "duration":
		return fmt.Errorf("--%s %s: must be a duration such as 250ms, 10s or 1h30m", name, value)
	case "int", "int64", "uint", "uint64", "uint16":
		return fmt.Errorf("--%s %s: must be a whole number in its range", name, value)
	case "bool":
		return fmt.Errorf("--%s %s: must be true or false", name, value)
	}
	return err
}

// nearestFlag returns the flag that was most likely meant, or "".
func nearestFlag(cmd *cobra.Command, name string) (best string) {
	least := 3 // further away it is another word
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		d := distance(name, f.Name)
		if strings.HasPrefix(f.Name, name) && len(name) > 2 {
			d = 1
		}
		if d < least {
			best, least = f.Name, d
		}
	})
	return best
}

// distance is how many letters have to be changed, added, taken away or swapped with
// their neighbour to make a of b.
func distance(a, b string) int {
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := range len(a) {
		before, last, now := rows[0], rows[1], rows[2]
		now[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			now[j+1] = min(last[j+1]+1, now[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				now[j+1] = min(now[j+1], before[j-1]+1)
			}
		}
		rows = [3][]int{last, now, before}
	}
	return rows[1][len(b)]
}

// implied puts the command read before arguments that name files and no command:
// pgsniff FILE is pgsniff read FILE.
func implied(root *cobra.Command, args []string) []string {
	if len(args) == 0 || strings.HasPrefix(args[0], "__") { // what shells ask for
		return args
	}
	if isCommand(root, args[0]) || !slices.ContainsFunc(args, namesFile) || slices.ContainsFunc(args[:1], isHelpFlag) {
		return args
	}
	return append([]string{"read"}, args...)
}

func isCommand(root *cobra.Command, s string) bool {
	return slices.ContainsFunc(root.Commands(), func(c *cobra.Command) bool { return c.Name() == s || c.HasAlias(s) })
}

func isHelpFlag(s string) bool { return s == "-h" || s == "--help" || s == "--version" }

// namesFile reports whether an argument is a file, or could be meant to be one.
func namesFile(s string) bool {
	if s == "-" {
		return true
	}
	if strings.HasPrefix(s, "-") {
		return false
	}
	if info, err := os.Stat(s); err == nil && !info.IsDir() {
		return true
	}
	switch filepath.Ext(s) {
	case ".pcap", ".pcapng", ".cap", ".gz", ".zst", ".lz4", ".xz":
		return true
	}
	return strings.ContainsRune(s, filepath.Separator)
}
