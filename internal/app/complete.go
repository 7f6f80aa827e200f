package app

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/internal/check"
	"github.com/pgsniff/pgsniff/internal/findings"
	"github.com/pgsniff/pgsniff/internal/stats"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// completes reports whether a command line is a shell's question what could follow.
func completes(args []string) bool {
	return len(args) > 0 && strings.HasPrefix(args[0], cobra.ShellCompRequestCmd)
}

// addCompletion tells shells the values of a command's flags. What is not named here
// is completed with file names, which is right for files only.
func addCompletion(cmd *cobra.Command) {
	values := map[string]func() []string{
		"view":      viewNames,
		"output":    formatNames,
		"type":      messageNames,
		"interface": interfaceNames,
		"sort":      stats.SortNames,
		"color":     func() []string { return []string{"auto", "always", "never"} },
		"time":      func() []string { return []string{"abs", "utc", "rel", "delta", "epoch"} },
		"redact":    func() []string { return []string{"secrets", "all", "none"} },
		"sql":       func() []string { return []string{"fold", "lines"} },
		"fields":    func() []string { return []string{"state"} },
		"deny":      findings.Codes,
		"fail-on":   func() []string { return []string{"info", "warning", "critical"} },

		"csvlog-log":    func() []string { return []string{"durations", "statements"} },
		"csvlog-params": func() []string { return []string{"lower", "upper"} },
	}
	files := map[string]bool{"write": true, "to": true, "keylog": true, "bpf-file": true, "config": true, "budget": true}
	switch cmd.Name() {
	case "check":
		values["output"] = func() []string { return check.Formats }
	case "compare", "interfaces", "merge":
		values["output"] = func() []string { return builtinFormats }
	case "report":
		values["output"], files["output"] = nil, true
	}
	if f := cmd.Flags().Lookup("wal-out"); f != nil {
		_ = cmd.RegisterFlagCompletionFunc(f.Name, directories)
		files[f.Name] = true
	}
	for _, name := range allFlags(cmd) {
		if list := values[name]; list != nil {
			_ = cmd.RegisterFlagCompletionFunc(name, among(list)) // it fails only where there is one
		} else if !files[name] {
			_ = cmd.RegisterFlagCompletionFunc(name, cobra.NoFileCompletions)
		}
	}
}

// directories has shells complete names of directories alone.
func directories(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// filesToo has shells complete names of files beside those of commands: pgsniff FILE reads.
func filesToo(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return nil, cobra.ShellCompDirectiveDefault
}

// helped completes what there is help of: commands and topics.
func helped(cmd *cobra.Command, args []string, begun string) (list []string, _ cobra.ShellCompDirective) {
	for _, c := range cmd.Root().Commands() {
		if len(args) == 0 && strings.HasPrefix(c.Name(), begun) && (c.IsAvailableCommand() || c.IsAdditionalHelpTopicCommand()) {
			list = append(list, cobra.CompletionWithDesc(c.Name(), c.Short))
		}
	}
	return list, cobra.ShellCompDirectiveNoFileComp
}

// among completes the last of a list with commas.
func among(list func() []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
		before := begun[:strings.LastIndexByte(begun, ',')+1]
		var found []string
		for _, v := range list() {
			if strings.HasPrefix(strings.ToLower(v), strings.ToLower(begun[len(before):])) {
				found = append(found, before+v)
			}
		}
		return found, cobra.ShellCompDirectiveNoFileComp
	}
}

func messageNames() (names []string) {
	for k := range messages.NumKinds {
		names = append(names, messages.Kind(k).String())
	}
	return names
}

func interfaceNames() (names []string) {
	list, err := capture.ListInterfaces()
	if err != nil {
		return nil
	}
	for i := range list {
		names = append(names, list[i].Name)
	}
	return append(names, capture.AnyInterface)
}

// allFlags are the names of a command's flags.
func allFlags(cmd *cobra.Command) (names []string) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return names
}
