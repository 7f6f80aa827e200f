package app

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/pgsniff/pgsniff/internal/stats"
)

// commands returns all commands by name.
func commands() map[string]*cobra.Command {
	root := newRoot(&Env{In: strings.NewReader(""), Getenv: func(string) string { return "" }, Now: time.Now})
	m := map[string]*cobra.Command{}
	for _, c := range root.Commands() {
		c.InitDefaultHelpFlag()
		m[c.Name()] = c
	}
	return m
}

// TestCLIPage wants docs/cli.md to have all commands, flags, values and exit
// codes.
func TestCLIPage(t *testing.T) {
	page := readPage(t, "../../docs/cli.md")
	for name, c := range commands() {
		if !strings.Contains(page, "`"+name+"`") {
			t.Errorf("docs/cli.md does not mention the command %s", name)
		}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			cell := "`--" + f.Name
			if f.Shorthand != "" {
				cell = "`-" + f.Shorthand + "`, `--" + f.Name
			}
			if metavar, _ := pflag.UnquoteUsage(f); f.Value.Type() != "bool" {
				cell += " " + metavar
			}
			if !strings.Contains(page, cell+"`") {
				t.Errorf("docs/cli.md does not explain %s` of %s", cell, name)
			}
		})
	}
	for _, word := range append(stats.SortNames(), "messages", "queries", "connections", "stats", "abs", "utc", "rel", "delta", "epoch") {
		if !strings.Contains(page, "`"+word+"`") {
			t.Errorf("docs/cli.md does not mention `%s`", word)
		}
	}
	for _, code := range []int{ExitOK, ExitFailure, ExitUsage, ExitViolation, ExitCheck} {
		if !strings.Contains(page, fmt.Sprintf("\n| %d | ", code)) {
			t.Errorf("docs/cli.md does not explain the exit status %d", code)
		}
	}
}

// TestPagesKnowFlags wants the pages to name no flag that there is not.
func TestPagesKnowFlags(t *testing.T) {
	known := map[string]bool{}
	for _, c := range commands() {
		c.Flags().VisitAll(func(f *pflag.Flag) { known["--"+f.Name] = true })
	}
	word := regexp.MustCompile("[ `(](--[a-z][a-z-]*)")
	for _, name := range []string{"docs/cli.md", "docs/json.md", "docs/cookbook.md", "README.md"} {
		for _, m := range word.FindAllStringSubmatch(readPage(t, "../../"+name), -1) {
			if !known[m[1]] && !ofOthers[m[1]] {
				t.Errorf("%s names %s, which is no flag", name, m[1])
			}
		}
	}
}

// ofOthers are flags of programs that the pages use.
var ofOthers = map[string]bool{"--arg": true, "--argjson": true, "--slurpfile": true, "--unbuffered": true, "--line-buffered": true}
