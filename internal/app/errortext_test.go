package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/attach"
	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/internal/filter"
)

// TestErrorTexts: what is wrong is said in lines where it has some, and a name of others
// makes none.
func TestErrorTexts(t *testing.T) {
	evil := filepath.Join(t.TempDir(), "a\npgsniff: b\x1b[31m.pcap")
	if err := os.WriteFile(evil, []byte("hello, this is text"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args  []string
		code  int
		lines []string // what each of them holds
	}{
		{[]string{"read", "-f", "tcp prot 5", psqlSimple}, ExitUsage, []string{"pgsniff: -f: filter: 'prot'", "  tcp prot 5", "      ^"}},
		{[]string{"read", evil}, ExitFailure, []string{`a\npgsniff: b\x1b[31m.pcap: not a capture file`}},
		{[]string{"read", evil + "x"}, ExitFailure, []string{`\x1b[31m.pcapx: no such file`}},
		{[]string{"read", "-f", "port 9", psqlSimple}, ExitOK, []string{"pgsniff: the filter matched none of "}},
		{[]string{"raed", psqlSimple, "--view", "stats"}, ExitUsage, []string{`unknown command "raed"; did you mean read?`}},
		{[]string{"lvie"}, ExitUsage, []string{`unknown command "lvie"; did you mean live?`}},
		{[]string{"read", "--min-duration", "3", psqlSimple}, ExitUsage, []string{"--min-duration 3: must be a duration such as 250ms"}},
		{[]string{"read", "--rows", "five", psqlSimple}, ExitUsage, []string{"--rows five: must be a whole number"}},
		{[]string{"read", "--json=perhaps", psqlSimple}, ExitUsage, []string{"--json perhaps: must be true or false"}},
	} {
		_, stderr, code := command(c.args...)
		lines := strings.Split(strings.TrimSuffix(stderr, "\n"), "\n")
		if code != c.code || len(lines) != len(c.lines) {
			t.Errorf("%q: exit status %d:\n%s", c.args, code, stderr)
			continue
		}
		for i, want := range c.lines {
			if !strings.Contains(lines[i], want) {
				t.Errorf("%q: line %d is %q, want %q", c.args, i+1, lines[i], want)
			}
		}
	}
	for _, err := range []error{
		&filter.SyntaxError{Expr: "tcp\x1b", Pos: 1, Msg: "a"}, &capture.PermissionError{Interface: "lo\x1b[2J", Cause: errors.New("a")},
		&attach.Error{What: "a\x1b", Help: "b\nc"},
	} {
		if s := visible(fmt.Errorf("x: %w", err)); strings.Contains(s, `\n`) || strings.Contains(s, "\x1b") || s == "" {
			t.Errorf("%T: %q", err, s)
		}
	}
}
