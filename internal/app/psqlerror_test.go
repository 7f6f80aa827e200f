package app

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// TestErrorsAsPsql compares what is shown of errors, the line with its caret among it,
// with what psql prints of the very same ones.
func TestErrorsAsPsql(t *testing.T) {
	psql, err := exec.LookPath("psql")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("psql is missing")
		}
		t.Skip("needs psql (postgresql-client)")
	}
	s := pgtest.Start(t)
	many := func(s string) string { return strings.Repeat(s, 60) }
	var w wire
	host, port, err := net.SplitHostPort(w.relay(t, net.JoinHostPort(s.Host, strconv.Itoa(s.Port))))
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, sql := range []string{
		"select * from nosuch",
		"selec 1",
		"select 1,\n\t\tnosuch\nfrom pg_class",
		"select 1,\r\n  nosuch\r\nfrom pg_class",
		"select '日本語日本語', nosuch from pg_class",
		"select nosuch, " + many("1 + ") + "1",
		"select " + many("1, ") + "nosuch, " + many("2, ") + "3",
		"select " + many("'日', ") + "nosuch",
		"select 1 from",
		"select\n1 from\n",
		"select length(1, 2, 3)",
		"do $$ begin execute 'select 1,\n nosuch'; end $$",
		"do $$ begin raise exception e'one\\ntwo' using detail = e'three\\nfour', hint = 'five'; end $$",
		`select '\', nosuch`,
		"insert into pg_temp.nosuch values (1)",
		"select 1; select 2 fro nosuch; select 3",
		"select * from pg_class where relname = 1/0 or nosuch(1)",
	} {
		cmd := exec.Command(psql, "-X", "-q", "-h", host, "-p", port, "-U", s.SuperUser, "-d", "postgres", "-c", sql)
		cmd.Env = append(os.Environ(), "PGCLIENTENCODING=UTF8", "LC_ALL=C.UTF-8", "PGSSLMODE=disable")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		if err := cmd.Run(); err == nil {
			t.Fatalf("%s: no error", sql)
		}
		want = append(want, trimmed(stderr.String()))
	}
	file := packets{}.file(t, &w)
	show := func(view string) string {
		var out, errs bytes.Buffer
		env := &Env{
			In: strings.NewReader(""), Out: &out, Err: &errs,
			Getenv: func(string) string { return "" }, Now: time.Now, Width: func() int { return 0 },
		}
		if code := Run(env, []string{"read", "--view", view, "--errors", "--max-value-bytes", "0", file}); code != ExitOK {
			t.Fatalf("exit status %d: %s", code, errs.Bytes())
		}
		return out.String()
	}
	queries := show("queries")
	var got []string
	for line := range strings.Lines(queries) {
		below, ok := strings.CutPrefix(line, strings.Repeat(" ", 16))
		switch {
		case !ok:
			got = append(got, "")
		case len(got) == 0:
			t.Fatalf("output begins with %q", line)
		default:
			got[len(got)-1] += below
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%d errors, want %d:\n%s", len(got), len(want), queries)
	}
	for i := range got {
		if got := trimmed(got[i]); got != want[i] {
			t.Errorf("shown is\n%s\npsql prints\n%s", got, want[i])
		}
	}
	if got, want := places(show("messages")), places(strings.Join(want, "")); got != want || want == "" {
		t.Errorf("below the messages is\n%s\npsql prints\n%s", got, want)
	}
}

// places are the lines that carets are below, and the carets.
func places(text string) string {
	var b strings.Builder
	before := "" // of a line
	for line := range strings.Lines(text) {
		if i := strings.Index(line, "LINE "); i >= 0 && strings.TrimSpace(line[:i]) == "" {
			before = line[:i]
		} else if strings.TrimSpace(line) != "^" {
			continue
		}
		b.WriteString(strings.TrimPrefix(line, before))
	}
	return trimmed(b.String())
}

// trimmed is a text without blanks at the ends of its lines.
func trimmed(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return b.String()
}
