package app

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"
)

// TestFindingsFitAScreen: on a terminal findings take no more than its 24 lines, whatever
// there is to tell, and -v tells all.
func TestFindingsFitAScreen(t *testing.T) {
	all := illnesses(t)
	diagnose := func(width int, args ...string) []string {
		var out, stderr bytes.Buffer
		env := &Env{
			In: strings.NewReader(""), Out: &out, Err: &stderr,
			Getenv: func(string) string { return "" }, Now: time.Now, Width: func() int { return width },
		}
		if code := Run(env, append([]string{"diagnose", "-q", "--color", "never"}, args...)); code != ExitOK {
			t.Fatalf("status %d: %s", code, stderr.Bytes())
		}
		return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	}
	const mixed = "../../testdata/illness/mixed_three.pcap.xz"
	many := []string{"../../testdata/illness/deadlock_psycopg2.pcap.xz", mixed}
	for _, name := range []string{
		"aborted_transaction_perl", "cancel_storm_jdbc", "cleartext_password_psycopg2", "connection_churn_php", "md5_auth_psycopg2",
		"n_plus_one_django", "refused_psql", "reparse_churn_perl", "retry_storm_psql", "ssl_fallback_encrypted", "statement_leak_node",
		"tiny_fetch_size_jdbc", "too_many_connections_pools", "weak_tls11_libpq", "wide_result_activerecord", "unbounded_result_psycopg2",
	} {
		many = append(many, "../../testdata/illness/"+name+".pcap.xz")
	}
	for _, width := range []int{80, 132} {
		for _, files := range [][]string{all[:1], {mixed}, many} {
			lines := diagnose(width, files...)
			if len(lines) > 23 {
				t.Errorf("%d lines of %d columns for %d captures:\n%s", len(lines), width, len(files), strings.Join(lines, "\n"))
			}
			for _, line := range lines {
				if runewidth.StringWidth(line) > width {
					t.Errorf("wider than %d: %s", width, line)
				}
			}
		}
	}
	lines := diagnose(80, mixed)
	for _, start := range []string{"    see ", "  → "} {
		n := 0
		for _, line := range lines {
			if strings.HasPrefix(line, start) {
				n++
			}
		}
		if n != 4 {
			t.Errorf("%d lines that begin with %q, want one for each of 4 findings:\n%s", n, start, strings.Join(lines, "\n"))
		}
	}
	short, whole := strings.Join(diagnose(80, many...), "\n"), strings.Join(diagnose(80, append(many, "-v")...), "\n")
	if !strings.Contains(short, " more than a screen holds") || strings.Contains(whole, "screen holds") || strings.Count(whole, "  → ") < 20 {
		t.Errorf("%s\n\nwith -v:\n%s", short, whole)
	}
}
