package app

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var constants = regexp.MustCompile(`'((?:[^'\\]|'')*)'`)

// TestReportLeavesAllValuesOut holds, of all captures, that no parameter and no constant
// that a query has is on a page without values.
func TestReportLeavesAllValuesOut(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(pcaps, "*.pcap"))
	if err != nil || len(files) < 20 {
		t.Fatal(files, err)
	}
	searched := 0
	for _, path := range files {
		values := valuesOf(t, path)
		if searched += len(values); len(values) == 0 {
			continue
		}
		for _, flag := range []string{"--no-values", "--no-sql"} {
			page, _ := reportOf(t, path, flag)
			_, data, _ := bytes.Cut(page, []byte(`<script type="application/json" id="data">`))
			data, _, _ = bytes.Cut(data, []byte("</script>"))
			for v := range values {
				if as, _ := json.Marshal(v); bytes.Contains(data, as[1:len(as)-1]) {
					t.Errorf("%s: %q is on the page with %s", path, v, flag)
				}
			}
		}
	}
	if searched < 100 {
		t.Errorf("only %d values were looked for", searched)
	}
}

// valuesOf returns the values of a capture's queries that nothing else is likely to be
// called by.
func valuesOf(t *testing.T, path string) map[string]bool {
	t.Helper()
	values := map[string]bool{}
	add := func(v string) {
		if len(v) > 5 && len(v) < 400 && v != "<redacted>" && strings.ContainsFunc(v, isLetter) && strings.ContainsFunc(v, func(r rune) bool { return !isLetter(r) }) {
			values[v] = true
		}
	}
	var others strings.Builder
	for line := range bytes.Lines(output(t, "read", "--json", "--view", "queries", path)) {
		var q struct {
			SQL, Normalized, User, Database, Client string
			Application                             string `json:"application_name"`
			Params                                  []any
		}
		if err := json.Unmarshal(line, &q); err != nil {
			t.Fatal(err)
		}
		others.WriteString(q.Normalized + "\n" + q.User + "\n" + q.Database + "\n" + q.Application + "\n" + q.Client + "\n" + path + "\n")
		for _, m := range constants.FindAllStringSubmatch(q.SQL, -1) {
			add(m[1])
		}
		for _, p := range q.Params {
			if m, ok := p.(map[string]any); ok {
				p = m["value"]
			}
			if s, ok := p.(string); ok {
				add(s)
			}
		}
	}
	for v := range values {
		if strings.Contains(others.String(), v) {
			delete(values, v)
		}
	}
	return values
}

func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' }
