package app

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// TestFlagGroups wants every heading's flags to be flags, and those of the program
// itself to be under one.
func TestFlagGroups(t *testing.T) {
	known, named := map[string]bool{"version": true}, map[string]bool{}
	for _, c := range commands() {
		c.Flags().VisitAll(func(f *pflag.Flag) { known[f.Name] = true })
	}
	for _, g := range flagGroups {
		for _, name := range g.flags {
			if named[name] {
				t.Errorf("--%s is under two headings", name)
			}
			named[name] = true
		}
	}
	// Flags of further outputs stand with Output without being named.
	own := regexp.MustCompile(`^[a-z-]+: `)
	for name, c := range commands() {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if !named[f.Name] && !own.MatchString(f.Usage) {
				t.Errorf("--%s of %s has no heading", f.Name, name)
			}
		})
	}
}

// TestEveryCommandHasExamples: but for those that explain themselves.
func TestEveryCommandHasExamples(t *testing.T) {
	for name, c := range commands() {
		if n := strings.Count(c.Example, "pgsniff"); n < 2 && !slices.Contains([]string{"version", "completion", "help"}, name) && c.Runnable() {
			t.Errorf("%s has %d examples", name, n)
		}
	}
}

// TestExamples runs the examples of --help on a capture; those that capture are only
// understood.
func TestExamples(t *testing.T) {
	bin := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", bin, "../../cmd/pgsniff").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	dir := t.TempDir()
	capture, err := os.ReadFile(capturePath("psql_simple"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "day.pcap"), capture, 0o600); err != nil {
		t.Fatal(err)
	}
	jq, _ := exec.LookPath("jq")
	n := 0
	examples := map[string]string{"README.md": readmeCommands(t)}
	for name, c := range commands() {
		examples[name] = c.Example
	}
	for name, text := range examples {
		for _, line := range strings.Split(text, "\n") {
			line = strings.TrimSpace(line)
			switch {
			case line == "" || strings.Contains(line, "jq") && jq == "":
				continue
			case strings.HasPrefix(line, "pgsniff top"), strings.HasPrefix(line, "pgsniff browse"):
				line += " --help" // they need a terminal
			case strings.HasPrefix(line, "sudo "):
				line = strings.TrimPrefix(line, "sudo ") + " --help"
			case name != "read" && name != "README.md" && strings.HasPrefix(line, "pgsniff "):
				// Its files are others, and its exit status may say what is in them.
				line, _, _ = strings.Cut(line, " >")
				line, _, _ = strings.Cut(line, " |")
				line += " --help"
			case strings.HasPrefix(line, "tcpdump "):
				line = "cat day.pcap | " + line[strings.Index(line, "pgsniff"):]
			}
			n++
			cmd := exec.Command("bash", "-c", "set -o pipefail; "+line)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if out, err := cmd.Output(); err != nil || len(out) == 0 && !strings.Contains(line, "min-duration") && !strings.Contains(line, " -o ") {
				t.Errorf("%s: %s: %v\n%s%s", name, line, err, out, stderr.Bytes())
			}
		}
	}
	if n < 7 {
		t.Errorf("only %d examples", n)
	}
}

// readmeCommands are the commands that README.md begins with, without the remarks.
func readmeCommands(t *testing.T) string {
	t.Helper()
	block := regexp.MustCompile("(?s)```\n(sudo pgsniff.*?)```").FindStringSubmatch(readPage(t, "../../README.md"))
	if block == nil {
		t.Fatal("README.md has no commands")
	}
	return regexp.MustCompile(" +#[^\n]*").ReplaceAllString(block[1], "")
}

// TestShellCompletion completes in real shells what a user has typed.
func TestShellCompletion(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("install bash")
	}
	bin := t.TempDir()
	if out, err := exec.Command("go", "build", "-o", bin, "../../cmd/pgsniff").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	script := `source <(pgsniff completion bash)
_get_comp_words_by_ref() { cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words=("${COMP_WORDS[@]}") cword=$COMP_CWORD; }
_init_completion() { _get_comp_words_by_ref; }
__ltrim_colon_completions() { :; }
compopt() { :; }
COMP_WORDS=(pgsniff read --sort me) COMP_CWORD=3 COMP_LINE="pgsniff read --sort me" COMP_POINT=22
__start_pgsniff
echo "${COMPREPLY[@]}"`
	cmd := exec.Command(bash, "-c", script)
	cmd.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	if out, err := cmd.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "mean" {
		t.Errorf("bash completes %q, %v", out, err)
	}
	for _, shell := range []string{"zsh", "fish"} {
		path, err := exec.LookPath(shell)
		if err != nil {
			if os.Getenv("CI") == "true" {
				t.Errorf("%s is missing", shell)
			}
			continue
		}
		text := output(t, "completion", shell)
		check := exec.Command(path, "-n")
		check.Stdin = bytes.NewReader(text)
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("%s does not understand its script: %v\n%s", shell, err, out)
		}
		if shell != "fish" {
			continue
		}
		cmd := exec.Command(path, "-c", `pgsniff completion fish | source; complete -C "pgsniff read --sort me"; complete -C "pgsniff help tl"`)
		cmd.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "HOME="+t.TempDir())
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != "mean\ntls\tLooking inside TLS\n" {
			t.Errorf("fish completes %q, %v", out, err)
		}
	}
}

// TestCompletedValues asks as shells do. What ends with :0 is completed with names of files,
// with :16 with those of directories, with :4 with nothing else.
func TestCompletedValues(t *testing.T) {
	for line, want := range map[string]string{
		"re":                      "read report :0",
		"/srv/x":                  ":0",
		"help t":                  "tls top :4",
		"help read ":              ":4",
		"read --view queries,st":  "queries,stats :4",
		"read --type Query,CopyB": "Query,CopyBothResponse :4",
		"read --keylog x":         ":0",
		"read --config x":         ":0",
		"read --wal-out x":        ":16",
		"read --port 5":           ":4",
		"read --csvlog-log s":     "statements :4",
		"check --deny n_p":        "n_plus_one :4",
		"check --fail-on w":       "warning :4",
		"check -o j":              "json junit :4",
		"check --budget x":        ":0",
		"compare -o ":             "pretty json :4",
		"report -o x":             ":0",
		"read -o trace":           "trace-events :4",
		"live -i an":              "any :4",
		"read x.pcap y":           ":0",
		"diagnose --redact s":     "secrets :4",
		"merge --sort m":          "mean max :4",
	} {
		out, _, code := command(append([]string{"__complete"}, strings.Split(line, " ")...)...)
		var got []string
		for _, l := range strings.Split(strings.TrimSpace(out), "\n") {
			name, _, _ := strings.Cut(l, "\t")
			got = append(got, name)
		}
		if s := strings.Join(got, " "); code != ExitOK || s != want {
			t.Errorf("%s: completes %s, want %s", line, s, want)
		}
	}
}
