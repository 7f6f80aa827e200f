package check

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/findings"
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sink"
)

func TestRead(t *testing.T) {
	rules, err := Read(strings.NewReader(`
fail_on = "warning"
deny = ["n_plus_one"]
[[budget]]
scope = "section"
match = "checkout*"
queries = 20
duration = "250ms"
`))
	if err != nil {
		t.Fatal(err)
	}
	b := &rules.Budgets[0]
	if n, ok := b.limit("queries"); !ok || n != 20 {
		t.Error("queries", n, ok)
	}
	if n, ok := b.limit("duration"); !ok || n != 250e6 {
		t.Error("duration", n, ok)
	}
	if _, ok := b.limit("rows"); ok || !b.fits("checkout page") || b.fits("cart") {
		t.Error("limits what it does not name, or the wrong section")
	}
}

func TestReadRefuses(t *testing.T) {
	for _, text := range []string{
		"[[budget]]\nquery = 20", "[[budget]]\nscope = \"page\"\nqueries = 1", "[[budget]]\nname = \"x\"", "[[budget]]\nqueries = -1",
		"deny = [\"n_plus_two\"]", "fail_on = \"error\"", "[[budget]]\nqueries = 1\nmatch = \"[\"", "queries = 20", "[[budget]]\nduration = \"5\"", "\x00",
	} {
		if _, err := Read(strings.NewReader(text)); err == nil {
			t.Errorf("passes: %q", text)
		}
	}
	for _, max := range []string{"queries", "queries=x", "query=1", "page.queries=1", "duration=5", "rows=-1"} {
		if new(Rules).Max(max) == nil {
			t.Errorf("passes: %q", max)
		}
	}
}

func TestMark(t *testing.T) {
	for _, c := range []struct {
		sql, name string
		alone     bool
	}{
		{"-- test: checkout", "checkout", true},
		{"/* section: two words */;", "two words", true},
		{"-- test:", "", true},
		{"select 1 /* test: a */", "a", false},
		{"/* x */ select 1 -- test: b\nfrom t", "b", false},
		{"select '/*' || a - b / c", "", false},
		{"/* test: never ends", "", false},
		{"", "", false},
	} {
		if name, alone := mark([]byte(c.sql)); name != c.name || alone != c.alone {
			t.Errorf("%q: %q, %v", c.sql, name, alone)
		}
	}
}

// play counts queries, given by connection, application, SQL and transaction status
// after them, each of 10 ms with 5 rows.
func play(rules *Rules, list [][4]string) *Result {
	c := New(&sink.Env{}, rules)
	conns := map[string]*record.Conn{}
	at := int64(1e18)
	for i, q := range list {
		k := conns[q[0]]
		if k == nil {
			k = &record.Conn{ID: uint64(len(conns) + 1), Client: "192.0.2.1:4000" + q[0], Server: "192.0.2.9:5432"}
			conns[q[0]] = k
		}
		r := &record.Query{
			Conn: k, Who: &record.Who{Application: q[1]}, ID: uint64(i + 1), SQL: []byte(q[2]), Rows: 5, Bytes: 100, Tx: q[3][0],
			Start: record.Stamp{Time: at, Frame: 1}, FirstReply: record.Stamp{Time: at + 10e6, Frame: 2}, End: record.Stamp{Time: at + 10e6, Frame: 2}, Duration: 10e6,
		}
		at += 20e6
		c.Record(r)
	}
	_ = c.End(nil)
	return c.Result()
}

func TestScopes(t *testing.T) {
	list := [][4]string{
		{"1", "shop", "begin", "T"},
		{"1", "shop", "select 1", "T"},
		{"1", "shop", "commit", "I"},
		{"2", "shop", "-- test: cart", "I"},
		{"2", "shop", "select 2", "I"},
		{"2", "shop", "select 3", "I"},
		{"1", "mail", "select 4 /* test: cart */", "I"},
	}
	for _, c := range []struct {
		max  string
		name string // of what breaks it; empty: nothing does
		got  int64
	}{
		{"queries=7", "", 0},
		{"queries=6", "the capture", 7},
		{"rows=34", "the capture", 35},
		{"connection.queries=3", "connection 1", 4},
		{"transaction.queries=2", "transaction 1 of connection 1", 3},
		{"transaction.duration=29ms", "transaction 1 of connection 1", 30e6},
		{"application.queries=5", `application "shop"`, 6},
		{"section.queries=2", `section "cart"`, 3},
		{"section.queries=3", "", 0},
		{"round_trips=6", "the capture", 7},
		{"errors=0", "", 0},
	} {
		rules := &Rules{}
		if err := rules.Max(c.max); err != nil {
			t.Fatal(err)
		}
		r := play(rules, list)
		switch {
		case c.name == "" && len(r.Broken) > 0:
			t.Errorf("%s: %s", c.max, r.Broken[0].Text())
		case c.name != "" && (len(r.Broken) != 1 || !strings.HasPrefix(r.Broken[0].Name, c.name) || r.Broken[0].Got != c.got):
			t.Errorf("%s: %+v", c.max, r.Broken)
		}
	}
}

func TestFormats(t *testing.T) {
	r := &Result{
		Rules: &Rules{Budgets: []Budget{{Name: "page", Scope: "application"}}},
		Broken: []Broken{{
			Budget: "page", Scope: "application", Name: "application \"\x1b[31m::warning::%\"\n", Measure: "queries", Limit: 1, Got: 2,
		}},
		Denied: []findings.Finding{{Code: "n_plus_one", Severity: findings.Warning, Title: "a\nb::c <&>", Advice: "x"}},
	}
	for _, format := range Formats {
		var out bytes.Buffer
		if err := Write(&out, r, format); err != nil {
			t.Fatal(err)
		}
		if bytes.ContainsRune(out.Bytes(), 0x1b) {
			t.Errorf("%s steers the terminal: %q", format, out.Bytes())
		}
		switch format {
		case "json":
			for d := json.NewDecoder(&out); d.More(); {
				var v map[string]any
				if err := d.Decode(&v); err != nil {
					t.Error(err)
				}
			}
		case "junit":
			var s junitSuite
			if err := xml.Unmarshal(out.Bytes(), &s); err != nil || s.Failures != 2 || s.Tests != 2 {
				t.Errorf("%v: %s", err, out.Bytes())
			}
		case "github":
			for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
				if !strings.HasPrefix(line, "::error title=") {
					t.Errorf("a line of its own: %q", line)
				}
			}
		}
	}
}
