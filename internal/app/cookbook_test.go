package app

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// recipe is a command of a page and the output that the page shows.
var recipe = regexp.MustCompile("(?s)```sh\n([^`]*?[^`\n])\n```\n\n```\n(.*?)```\n")

// TestPages runs the commands of the pages and compares what they print with
// what the pages show: a block of sh that a block without a language follows. The
// flag -update writes the pages anew.
func TestPages(t *testing.T) {
	if _, err := exec.LookPath("jq"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("jq is missing")
		}
		t.Skip("install jq to check the pages")
	}
	bin := t.TempDir()
	build := exec.Command("go", "build", "-o", bin, "../../cmd/pgsniff")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	least := map[string]int{"json.md": 5, "cli.md": 1, "cookbook.md": 12, "protocol.md": 9, "analytics.md": 4, "exports.md": 6, "report.md": 1, "findings.md": 30}
	for _, path := range pages(t) {
		name := filepath.Base(path)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			switch name {
			case "analytics.md", "exports.md", "fleet.md":
				needDuckDB(t, bin)
			}
			runPage(t, bin, path, least[name])
		})
	}
}

// pages lists what users read, in the repository.
func pages(t *testing.T) []string {
	t.Helper()
	list, err := filepath.Glob("../../docs/*.md")
	if err != nil || len(list) == 0 {
		t.Fatal(list, err)
	}
	return append(list, "../../README.md")
}

// needDuckDB puts a program duckdb into a directory of programs: a few lines of
// JavaScript that stand for its command line and run the SQL in DuckDB itself, of
// the npm package @duckdb/node-api.
func needDuckDB(t *testing.T, bin string) {
	t.Helper()
	modules := os.Getenv("PGSNIFF_NODE_MODULES")
	_, err := os.Stat(filepath.Join(modules, "@duckdb/node-api"))
	if err != nil || modules == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("DuckDB is missing")
		}
		t.Skip("to check the recipes for DuckDB: npm install @duckdb/node-api, and its node_modules in PGSNIFF_NODE_MODULES")
	}
	script, err := filepath.Abs("testdata/duckdb.cjs")
	if err != nil {
		t.Fatal(err)
	}
	text := "#!/bin/sh\nNODE_PATH='" + modules + "' exec node '" + script + "' \"$@\"\n"
	file := filepath.Join(t.TempDir(), "duckdb")
	if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file, filepath.Join(bin, "duckdb")); err != nil { // others may be running it
		t.Fatal(err)
	}
}

func runPage(t *testing.T, bin, path string, least int) {
	text := readPage(t, path)
	found := recipe.FindAllStringSubmatchIndex(text, -1)
	if len(found) < least {
		t.Errorf("%s has %d commands with output only", path, len(found))
	}
	var page strings.Builder
	end := 0
	for _, m := range found {
		command, want := text[m[2]:m[3]], text[m[4]:m[5]]
		got := runCommand(t, bin, command)
		if got != want && !*update {
			t.Errorf("%s:\n%s\nprints\n%s\nthe page shows\n%s", path, command, got, want)
		}
		page.WriteString(text[end:m[4]] + got)
		end = m[5]
	}
	if *update {
		page.WriteString(text[end:])
		if err := os.WriteFile(path, []byte(page.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// runCommand runs a command among the captures, as a reader of the page would.
func runCommand(t *testing.T, bin, command string) string {
	t.Helper()
	cmd := exec.Command("bash", "-c", "set -o pipefail\n"+command)
	cmd.Dir = pcaps
	cmd.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "TZ=UTC", "LC_ALL=C.UTF-8", "NO_COLOR=1", "TMPDIR="+t.TempDir())
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		t.Errorf("%s\n%v: %s", command, err, stderr.Bytes())
	}
	if out.Len() == 0 {
		t.Errorf("%s\nprints nothing: %s", command, stderr.Bytes())
	}
	return out.String()
}
