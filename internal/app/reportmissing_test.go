package app

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestReportTellsWhatIsMissing makes pages of files that are cut short or damaged: they
// say so, whether or not it was said elsewhere, and show what came before.
func TestReportTellsWhatIsMissing(t *testing.T) {
	whole, err := os.ReadFile(capturePath("base_mix"))
	if err != nil {
		t.Fatal(err)
	}
	half := whole[:len(whole)/2]
	for name, c := range map[string]struct {
		capture []byte
		says    string
		code    int
	}{
		"cut":     {half, "cut off after packet", ExitOK},
		"damaged": {append(bytes.Clone(whole), bytes.Repeat([]byte{0xff}, 64)...), "corrupt after packet 427", ExitFailure},
	} {
		dir := t.TempDir()
		capture, path := filepath.Join(dir, "x.pcap"), filepath.Join(dir, "page.html")
		if err := os.WriteFile(capture, c.capture, 0o600); err != nil {
			t.Fatal(err)
		}
		env := &Env{In: strings.NewReader(""), Out: &bytes.Buffer{}, Err: &bytes.Buffer{}, Now: time.Now, Getenv: func(string) string { return "" }, Width: func() int { return 0 }}
		if code := Run(env, []string{"report", "-q", capture, "-o", path}); code != c.code {
			t.Errorf("%s: exit status %d", name, code)
		}
		page, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		d := pageData(t, page)
		if len(d.Meta.Warnings) != 1 || !strings.Contains(d.Meta.Warnings[0], c.says) || d.Meta.Queries == 0 {
			t.Errorf("%s: %d queries, warnings %q", name, d.Meta.Queries, d.Meta.Warnings)
		}
	}
}

// TestReportLadder holds that the ladder of an execution has its rows.
func TestReportLadder(t *testing.T) {
	_, d := reportOf(t, capturePath("base_mix"))
	compared := 0
	for _, c := range d.Classes {
		if len(c.Slowest) == 0 || !strings.HasPrefix(c.SQL, "select") {
			continue
		}
		rows := uint64(0)
		for _, s := range c.Slowest[0].Steps {
			if s.Name == "DataRow" {
				rows += max(s.Count, 1)
			}
		}
		if rows != c.Slowest[0].Rows {
			t.Errorf("%s: %d rows in the ladder, not %d", c.SQL, rows, c.Slowest[0].Rows)
		}
		if rows > 1 {
			compared++
		}
	}
	if compared < 2 {
		t.Errorf("only %d executions have rows", compared)
	}
}

// TestReportOfAPart holds that all figures are of what was asked for.
func TestReportOfAPart(t *testing.T) {
	_, all := reportOf(t, capturePath("base_mix"))
	_, first := reportOf(t, capturePath("base_mix"), "--until", "2026-11-21T00:23:34.18Z")
	_, rest := reportOf(t, capturePath("base_mix"), "--since", "2026-11-21T00:23:34.18Z")
	a, b, c := &first.Meta, &rest.Meta, &all.Meta
	if a.Packets+b.Packets != c.Packets || a.Bytes+b.Bytes != c.Bytes || a.Messages+b.Messages != c.Messages || a.Queries+b.Queries != c.Queries ||
		a.Errors+b.Errors != c.Errors || a.Queries == 0 || b.Queries == 0 {
		t.Errorf("%+v and %+v are not %+v", *a, *b, *c)
	}
	_, one := reportOf(t, capturePath("base_mix"), "--conn", "2")
	if m := &one.Meta; m.Connections != 1 || m.Messages >= c.Messages || m.Queries >= c.Queries {
		t.Errorf("of one connection: %+v", *m)
	}
}

// TestReportHidesSearch holds that what was searched for is not on a page without values,
// whichever way they were left out.
func TestReportHidesSearch(t *testing.T) {
	for _, flags := range [][]string{{"--no-values"}, {"--no-sql"}, {"--redact", "all"}, {"--redact=all"}} {
		page, d := reportOf(t, append([]string{capturePath("base_mix"), "--grep", "divis[i]on"}, flags...)...)
		if bytes.Contains(page, []byte("divis[i]on")) || !strings.Contains(d.Meta.Command, "--grep …") {
			t.Errorf("%s: %s", flags, d.Meta.Command)
		}
	}
}
