package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// TestWithheld: what means nothing to a command is not in its help, is refused on its
// command line, and is passed over in a file and the environment, which speak to all
// commands.
func TestWithheld(t *testing.T) {
	n := 0
	for name, c := range commands() {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if !isWithheld(f) {
				return
			}
			n++
			if !f.Hidden {
				t.Errorf("--%s is in the help of %s", f.Name, name)
			}
			value := f.DefValue
			if value == "[]" || value == "" {
				value = "x"
			}
			_, stderr, code := command(name, "--"+f.Name+"="+value, capturePath("psql_simple"))
			if want := name + " has no --" + f.Name; code != ExitUsage || !strings.Contains(stderr, want) {
				t.Errorf("%s --%s=%s: exit %d, %q; want %q", name, f.Name, value, code, stderr, want)
			}
		})
	}
	if n < 20 {
		t.Errorf("only %d flags are withheld", n)
	}
	file := filepath.Join(t.TempDir(), "pgsniff.toml")
	if err := os.WriteFile(file, []byte("histograms = true\nevery = \"1m\"\nport = 5432\nrows = 3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, stderr, code := command("check", "--config", file, capturePath("psql_simple"), "--max", "queries=1000"); code != ExitOK {
		t.Errorf("check with settings of all commands: exit %d: %s", code, stderr)
	}
}

// TestOutputsOfCommands: the formats in a command's help are those that it takes.
func TestOutputsOfCommands(t *testing.T) {
	for name, args := range map[string][]string{
		"check":   {"check", capturePath("psql_simple"), "--max", "queries=1000"},
		"compare": {"compare", capturePath("psql_simple"), capturePath("psql_simple")},
	} {
		usage := commands()[name].Flags().Lookup("output").Usage
		for _, format := range []string{"pretty", "json", "junit", "github", "csvlog", "html", "sql"} {
			_, stderr, code := command(append(args, "-o", format)...)
			if said := strings.Contains(usage, format); said != (code == ExitOK) {
				t.Errorf("%s -o %s: exit %d (%s), and its help says %q", name, format, code, stderr, usage)
			}
		}
	}
}
