package compare

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
)

// TestMannWhitney compares with the formula by hand: of ten against ten the variance
// of U is 175, so that z is 49.5/√175 and 4.5/√175.
func TestMannWhitney(t *testing.T) {
	series := func(from, step float64, n int) (list []float64) {
		for i := range n {
			list = append(list, from+step*float64(i))
		}
		return list
	}
	for _, c := range []struct {
		a, b []float64
		want float64
	}{
		{series(1, 1, 10), series(11, 1, 10), math.Erfc(49.5 / math.Sqrt(175) / math.Sqrt2)},
		{series(1, 2, 10), series(2, 2, 10), math.Erfc(4.5 / math.Sqrt(175) / math.Sqrt2)},
		{series(1, 0, 10), series(1, 0, 10), 1},  // all are equal
		{series(1, 1, 5), series(100, 1, 50), 1}, // too few to say anything
	} {
		if got := mannWhitney(c.a, c.b); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("%v, %v: %v, not %v", c.a, c.b, got, c.want)
		}
		if a, b := mannWhitney(c.a, c.b), mannWhitney(c.b, c.a); math.Abs(a-b) > 1e-12 {
			t.Errorf("not symmetric: %v, %v", a, b)
		}
	}
}

func TestCompare(t *testing.T) {
	before, after := newSide(), newSide()
	for i := range 5000 {
		n := int64(i % 97)
		before.take(1, "select same", 1, 10, 1000+n, "")
		after.take(1, "select same", 1, 10, 1000+n, "")
		before.take(2, "select slower", 1, 10, 1000+n, "")
		after.take(2, "select slower", 1, 10, 1100+n, "")
	}
	before.take(3, "select old", 1, 10, 5, "")
	after.take(4, "select \x1b[31mnew", 1, 10, 7, "42P01")
	c := Compare(before, after)
	want := map[uint64]string{1: "both false", 2: "both true", 3: "vanished false", 4: "new false"}
	for i := range c.Rows {
		r := &c.Rows[i]
		got := r.Status() + map[bool]string{true: " true", false: " false"}[r.Significant()]
		if got != want[r.Fingerprint] {
			t.Errorf("%s: %s, p %v", r.Normalized, got, r.P)
		}
	}
	if c.Rows[0].Fingerprint != 2 || len(c.NewErrors) != 1 || c.NewErrors[0] != "42P01" {
		t.Errorf("%+v, %v", c.Rows[0], c.NewErrors)
	}
	if n := len(before.Queries[1].durations); n > maxDurations || n < maxDurations/2 {
		t.Errorf("%d durations are kept", n)
	}
	var text, lines bytes.Buffer
	if err := c.WriteText(&text, 0); err != nil || bytes.ContainsRune(text.Bytes(), 0x1b) {
		t.Errorf("%v: %q", err, text.Bytes())
	}
	if err := c.WriteJSON(&lines); err != nil {
		t.Fatal(err)
	}
	for d := json.NewDecoder(&lines); d.More(); {
		var v map[string]any
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
	}
}

// An illness of both sides is told of where it grew, shrank or got worse.
func TestChangedFindings(t *testing.T) {
	side := func(text string) *Side {
		s, err := ReadJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	before := side(`{"type":"finding","code":"n_plus_one","severity":"warning","title":"old","count":10,"cost":{"time_ns":50000000}}
{"type":"finding","code":"lock_wait","severity":"warning","title":"same","count":10,"cost":{"time_ns":5000000}}
{"type":"finding","code":"md5_auth","severity":"info","title":"inside TLS","count":3,"cost":{}}
`)
	after := side(`{"type":"finding","code":"n_plus_one","severity":"warning","title":"\u001b[31mnew","count":30,"cost":{"time_ns":150000000}}
{"type":"finding","code":"lock_wait","severity":"warning","title":"same","count":12,"cost":{"time_ns":9000000}}
{"type":"finding","code":"md5_auth","severity":"warning","title":"in plain","count":3,"cost":{}}
`)
	c := Compare(before, after)
	if len(c.Changed) != 2 || len(c.NewFindings) != 0 || len(c.Solved) != 0 {
		t.Fatalf("changed %+v", c.Changed)
	}
	var text, lines bytes.Buffer
	if err := c.WriteText(&text, 0); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"changed finding: info → warning md5_auth: 3 → 3 times: in plain", "changed finding: warning n_plus_one: 10 → 30 times, 50.0 ms → 150 ms: "} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in %q", want, text.String())
		}
	}
	if strings.ContainsRune(text.String(), 0x1b) {
		t.Errorf("%q", text.String())
	}
	if err := c.WriteJSON(&lines); err != nil {
		t.Fatal(err)
	}
	if want := `"changed_findings":[{"code":"md5_auth","before":{"severity":"info","count":3,"time_ns":0,"title":"inside TLS"}`; !strings.Contains(lines.String(), want) {
		t.Errorf("no %s in %s", want, lines.String())
	}
	if same := Compare(before, before); len(same.Changed) != 0 {
		t.Errorf("a side differs from itself: %+v", same.Changed)
	}
}

// TestFindingsOfBothSides: which finding of one side is which of the other.
func TestFindingsOfBothSides(t *testing.T) {
	line := func(code, app, print string, count int, more string) string {
		return fmt.Sprintf(`{"type":"finding","code":%q,"severity":"warning","title":"x","count":%d,"connections":[{"conn":1,"application_name":%q}],"queries":[{"fingerprint":%q}]%s}`, code, count, app, print, more) + "\n"
	}
	for name, c := range map[string]struct {
		before, after          string
		changed, solved, added string // counts before and after, of each
	}{
		"another statement is another loop": {
			line("n_plus_one", "shop", "a", 10, ""), line("n_plus_one", "shop", "a", 10, "") + line("n_plus_one", "shop", "b", 30, ""), "", "", "30 ",
		},
		"one loop of two is mended, the other grew": {
			line("n_plus_one", "shop", "a", 10, "") + line("n_plus_one", "shop", "b", 11, ""), line("n_plus_one", "shop", "b", 40, ""), "11-40 ", "10 ", "",
		},
		"in another application": {line("n_plus_one", "shop", "a", 10, ""), line("n_plus_one", "mail", "a", 10, ""), "", "10 ", "10 "},
		"of an application, whose main statement is another": {
			line("rtt_bound", "shop", "a", 100, ""), line("rtt_bound", "shop", "b", 300, ""), "100-300 ", "", "",
		},
		"of a server, whose first victim is another": {
			line("lock_wait", "shop", "a", 10, "") + line("lock_wait", "shop", "b", 20, ""), line("lock_wait", "mail", "b", 60, "") + line("lock_wait", "cart", "a", 10, ""), "20-60 ", "", "",
		},
		"told again as it grew": {
			line("n_plus_one", "shop", "a", 10, `,"first":"2026-11-21T00:00:01Z"`) + line("n_plus_one", "shop", "a", 20, `,"first":"2026-11-21T00:00:01Z","update":true`),
			line("n_plus_one", "shop", "a", 21, ""), "", "", "",
		},
	} {
		var sides [2]*Side
		for i, text := range []string{c.before, c.after} {
			s, err := ReadJSON(strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			sides[i] = s
		}
		got := Compare(sides[0], sides[1])
		var changed, solved, added string
		for _, x := range got.Changed {
			changed += fmt.Sprintf("%d-%d ", x.Before.Count, x.After.Count)
		}
		for _, x := range got.Solved {
			solved += fmt.Sprintf("%d ", x.Count)
		}
		for _, x := range got.NewFindings {
			added += fmt.Sprintf("%d ", x.Count)
		}
		if changed != c.changed || solved != c.solved || added != c.added {
			t.Errorf("%s: changed %q, solved %q, new %q", name, changed, solved, added)
		}
	}
}

func TestReadJSON(t *testing.T) {
	s, err := ReadJSON(strings.NewReader(`{"type":"query","normalized":"select $1","fingerprint":"00000000000000ff","rows":2,"bytes":30,"duration_ns":1500}
{"type":"query","normalized":"select $1","fingerprint":"00000000000000ff","rows":0,"bytes":0,"error":{"sqlstate":"57014"}}

{"type":"finding","code":"n_plus_one","severity":"warning","title":"x","connections":[{"conn":1,"application_name":"a"}]}
{"type":"message","body":{}}
`))
	if err != nil {
		t.Fatal(err)
	}
	q := s.Queries[255]
	if q.Calls != 2 || q.Errors != 1 || q.Mean() != 1500 || s.Errors["57014"] != 1 || len(s.Findings) != 1 {
		t.Errorf("%+v %+v", q, s)
	}
	for _, bad := range []string{"", "{}", "{\"type\":", "[1]", `{"type":"query","rows":-1}`} {
		if _, err := ReadJSON(strings.NewReader(bad)); err == nil {
			t.Errorf("passes: %q", bad)
		}
	}
}
