package app

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestMerge: reports of captures, joined in any way, are the report of all of them.
func TestMerge(t *testing.T) {
	files := []string{psqlSimple, "../../testdata/pcaps/libpq_extended.pcap", "../../testdata/pcaps/copy.pcap"}
	dir := t.TempDir()
	report := func(files ...string) string {
		out, stderr, code := command(append([]string{"read", "--view", "stats", "--histograms", "--json"}, files...)...)
		if code != ExitOK {
			t.Fatal(stderr)
		}
		return out
	}
	merge := func(paths ...string) string {
		out, stderr, code := command(append([]string{"merge"}, paths...)...)
		if code != ExitOK {
			t.Fatal(stderr)
		}
		return out
	}
	save := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	// Numbers within a capture, and what reports do not tell: how much of the time of
	// one's connections was that of another's.
	own := regexp.MustCompile(`"conn":\d+,("query":\d+,)?|,"conn":\d+(,"query":\d+)?|"active_max":\d+,`)
	want := own.ReplaceAllString(report(files...), "")
	var paths []string
	for i, f := range files {
		paths = append(paths, save(string(rune('a'+i)), report(f)))
	}
	if got := merge(paths...); got != want {
		t.Errorf("merged:\n%s\nall together:\n%s", got, want)
	}
	if got := merge(paths[2], save("ba", merge(paths[1], paths[0]))); got != want {
		t.Errorf("merged in another order:\n%s\nall together:\n%s", got, want)
	}
	out, stderr, code := command(append([]string{"read", "--view", "stats", "--histograms", "--json", "--every", "5ms"}, files...)...)
	if code != ExitOK || strings.Count(out, "\n") < 3 {
		t.Fatal(stderr)
	}
	queries := regexp.MustCompile(`"all":\{[^}]*\}[^}]*\}`)
	if got := merge(save("every", out)); queries.FindString(got) != queries.FindString(want) {
		t.Errorf("merged from periods:\n%s\nall together:\n%s", got, want)
	}
	if out, _, _ := command("merge", "-o", "pretty", paths[0]); !strings.Contains(out, "Queries by total") {
		t.Errorf("pretty:\n%s", out)
	}
	for _, bad := range []struct{ text, want string }{
		{strings.Replace(readPage(t, paths[0]), `"counts":[`, `"counts":[9,`, 1), ":1: a histogram that is not"},
		{`{"type":"stats","distinct_queries":3,"top":[]}`, "--top 0"},
		{`{"type":"query"}`, "no reports"},
		{"[", ":1: "},
	} {
		if _, stderr, code := command("merge", save("bad", bad.text)); code != ExitFailure || !strings.Contains(stderr, bad.want) {
			t.Errorf("exit %d, %s", code, stderr)
		}
	}
	out, _, _ = command("read", psqlSimple, "--view", "stats", "--json")
	if _, stderr, code := command("merge", save("plain", out)); code != ExitFailure {
		t.Errorf("exit %d, %s", code, stderr)
	}
}
