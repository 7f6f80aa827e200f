package check

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pgsniff/pgsniff/internal/findings"
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sink"
	"github.com/pgsniff/pgsniff/pkg/messages"
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
		"deny = [\"n_plus_two\"]", "fail_on = \"error\"", "[[budget]]\nqueries = 1\nmatch = \"a*\"", "queries = 20", "[[budget]]\nduration = \"5\"", "\x00",
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
		{"select '-- test: a', \"/* test: b */\", $x$-- test: c$x$, $$/* test: d */$$", "", false},
		{"select $1, 'it''s' /* test: a */, $2", "a", false},
		{"select '-- test: a", "", false},
		{"select E'\\' -- test: a' /* /* */ test: b */", "", false},
		{"select e$x$ -- test: a\r$x$", "a", false},
		{"/* test: a /* b */ */", "a /* b */", true},
		{"/* test: never ends", "", false},
		{"", "", false},
	} {
		if name, alone := mark([]byte(c.sql), false); name != c.name || alone != c.alone {
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
		{"transaction.rows=9", "transaction 1 of connection 1", 15},
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

// TestTripsOfTheirOwn: a Parse that was waited for is a round trip, and takes time, as lib/pq
// sends one for each query; what comes along with the query is none. What COPY carries counts.
func TestTripsOfTheirOwn(t *testing.T) {
	rules := &Rules{}
	for _, max := range []string{"round_trips=0", "bytes=0", "duration=0s"} {
		if err := rules.Max(max); err != nil {
			t.Fatal(err)
		}
	}
	c := New(&sink.Env{}, rules)
	k := &record.Conn{ID: 1, Client: "192.0.2.1:4000", Server: "192.0.2.9:5432"}
	at := int64(1e18)
	stamp := func(after int64) record.Stamp { return record.Stamp{Time: at + after, Frame: 1} }
	for i := range 10 {
		m := &record.Message{Conn: k, Who: &record.Who{}, Direction: messages.Frontend, Kind: messages.KindParse, At: stamp(0)}
		pause := int64(2e6) // since the reply to the Parse
		if i%2 == 1 {
			pause = 20e6 // since the query before
		}
		c.Record(m)
		start := stamp(7e6)
		if i%2 == 1 {
			start = stamp(0)
		}
		c.Record(&record.Query{
			Conn: k, Who: &record.Who{}, ID: uint64(i + 1), SQL: []byte("select 1"), Bytes: 100, CopyBytes: 7, Tx: 'I',
			Start: start, FirstReply: start, End: record.Stamp{Time: start.Time + 10e6}, Duration: 10e6, Pause: pause,
		})
		at += 100e6
	}
	_ = c.End(nil)
	got := map[string]int64{}
	for _, b := range c.Result().Broken {
		got[b.Measure] = b.Got
	}
	if want := map[string]int64{"round_trips": 15, "bytes": 1070, "duration": 125e6}; !maps.Equal(got, want) {
		t.Errorf("%v, not %v", got, want)
	}
}

// hostile are texts that would steer a terminal, a log, a workflow or a report.
var hostile = []string{
	"\x1b[31mred", "a\nb", "a\r\n::error::x", "::set-env name=PATH::x", "\n::add-mask::x", "%0A::warning::x", "%25", "##[error]x", " ##[add-path]/tmp",
	"]]>", "<![CDATA[x]]>", "\" /><failure/>", "&amp;", "\x00\x01\uffff", "\xff\xfe", "\u202e", "a,b:c=d", "",
}

func hostileResult(text string) *Result {
	five := int64(5)
	return &Result{
		Rules: &Rules{
			Budgets: []Budget{{Name: text, Scope: "application", Queries: &five, Rows: &five}, {Scope: "capture", Queries: &five}},
			Deny:    []string{"n_plus_one", "md5_auth"}, FailOn: "critical",
		},
		Broken: []Broken{{Budget: text, Scope: "application", Name: text, Measure: "queries", Limit: 5, Got: 7}},
		Denied: []findings.Finding{{
			Code: "n_plus_one", Severity: findings.Warning, Title: text, Advice: text, Queries: []findings.QueryRef{{Normalized: text}},
		}},
		Began: 1e18,
	}
}

// command is what the runner of GitHub Actions takes a line of output for: the word of a
// command, its message, and whether it is one.
func command(line string) (word, message string, ok bool) {
	if rest, found := strings.CutPrefix(strings.TrimLeft(line, " \t"), "::"); found {
		head, message, found := strings.Cut(rest, "::")
		word, _, _ = strings.Cut(head, " ")
		return word, message, found
	}
	_, rest, found := strings.Cut(line, "##[")
	word, _, end := strings.Cut(rest, "]")
	return word, "", found && end
}

// TestHostile: whatever is in names, texts and SQL, no format steers a terminal or a
// workflow, and each says what it is to say.
func TestHostile(t *testing.T) {
	for _, text := range hostile {
		r := hostileResult(text)
		for _, format := range Formats {
			var out bytes.Buffer
			if err := Write(&out, r, format); err != nil {
				t.Fatal(err)
			}
			if bytes.ContainsRune(out.Bytes(), 0x1b) || !utf8.Valid(out.Bytes()) {
				t.Errorf("%s steers the terminal: %q", format, out.Bytes())
			}
			commands := 0
			for _, line := range strings.FieldsFunc(out.String(), func(r rune) bool { return r == '\n' || r == '\r' }) {
				word, message, ok := command(line)
				switch {
				case !ok:
				case format != "github" || word != "error":
					t.Errorf("%s of %q has the command %q: %q", format, text, word, line)
				default:
					commands++
					if strings.Contains(strings.ReplaceAll(message, "%0A", ""), "%0") {
						t.Errorf("%q in %q", message, line)
					}
				}
			}
			if format == "github" && commands != 2 {
				t.Errorf("%d annotations of %q: %q", commands, text, out.Bytes())
			}
			if format == "json" {
				for d := json.NewDecoder(&out); d.More(); {
					var v map[string]any
					if err := d.Decode(&v); err != nil {
						t.Error(err)
					}
				}
			}
			if format == "junit" {
				checkJUnit(t, out.Bytes())
			}
		}
	}
}

// checkJUnit holds what the schemas of Ant (JUnit.xsd) and of Jenkins (junit-10.xsd) require
// together, and that the numbers agree.
func checkJUnit(t *testing.T, report []byte) {
	t.Helper()
	required := map[string]string{
		"testsuite": "name tests failures errors time timestamp hostname", "testcase": "name classname time", "failure": "message type",
	}
	inside := map[string]string{"testsuite": "properties testcase system-out system-err", "testcase": "failure"}
	count := map[string]int{}
	var path []string
	var at int // in the order of what a testsuite holds
	numbers := map[string]string{}
	for d := xml.NewDecoder(bytes.NewReader(report)); ; {
		token, err := d.Token()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				t.Errorf("%v: %s", err, report)
			}
			break
		}
		switch e := token.(type) {
		case xml.StartElement:
			name := e.Name.Local
			count[name]++
			for _, a := range strings.Fields(required[name]) {
				if !slices.ContainsFunc(e.Attr, func(x xml.Attr) bool { return x.Name.Local == a }) {
					t.Errorf("%s without %s: %s", name, a, report)
				}
			}
			if len(path) > 0 {
				k := slices.Index(strings.Fields(inside[path[len(path)-1]]), name)
				if k < 0 || len(path) == 1 && k < at {
					t.Errorf("%s in %v: %s", name, path, report)
				}
				if len(path) == 1 {
					at = k
				}
			} else {
				for _, a := range e.Attr {
					numbers[a.Name.Local] = a.Value
				}
			}
			path = append(path, name)
		case xml.EndElement:
			path = path[:len(path)-1]
		}
	}
	if numbers["tests"] != fmt.Sprint(count["testcase"]) || numbers["failures"] != fmt.Sprint(count["failure"]) || count["testcase"] != 6 || count["failure"] != 2 {
		t.Errorf("%v, of which the report says %v: %s", count, numbers, report)
	}
	if count["properties"]*count["system-out"]*count["system-err"] != 1 {
		t.Errorf("%v", count)
	}
}

// TestBudgetsApart: each limit is a test of its own, also where budgets have one name.
func TestBudgetsApart(t *testing.T) {
	rules := &Rules{}
	for _, max := range []string{"queries=1", "rows=100"} {
		if err := rules.Max(max); err != nil {
			t.Fatal(err)
		}
	}
	r := play(rules, [][4]string{{"1", "shop", "select 1", "I"}, {"1", "shop", "select 2", "I"}})
	var out bytes.Buffer
	if err := Write(&out, r, "junit"); err != nil {
		t.Fatal(err)
	}
	var s junitSuite
	if err := xml.Unmarshal(out.Bytes(), &s); err != nil || s.Tests != 2 || s.Failures != 1 || s.Cases[0].Failure == nil || s.Cases[1].Failure != nil {
		t.Errorf("%v: %s", err, out.Bytes())
	}
}

// TestLike compares with what the pattern says, character by character.
func TestLike(t *testing.T) {
	for _, c := range []struct {
		name, pattern string
		want          bool
	}{
		{"checkout/page", "checkout*", true},
		{"checkout/page", "*/page", true},
		{"bin/rails", "bin?rails", true},
		{"a", "", false},
		{"", "*", true},
		{"", "?", false},
		{"été", "?t?", true},
		{"[x]", "[x]", true},
		{"aaab", "*a*b", true},
		{"aaab", "*a?", true},
		{"ab", "a", false},
		{strings.Repeat("a", 5000), strings.Repeat("*a", 50) + "b", false},
	} {
		if like(c.name, c.pattern) != c.want {
			t.Errorf("%.40q like %.40q is not %t", c.name, c.pattern, c.want)
		}
	}
}

// TestXML wants what encoding/xml makes of the same report.
func TestXML(t *testing.T) {
	texts := append([]string{`<a href="x">&'</a>`, "a\xffb\xc3", "\ufffd\ue000\U0010ffff", "żółć 🐘"}, hostile...)
	for r := rune(0); r < 0x300; r++ {
		texts = append(texts, "a"+string(r)+"b")
	}
	for _, text := range texts {
		s := junitSuite{Name: text, Tests: 2, Failures: 1, Errors: 3, Time: text, Timestamp: text, Host: text, Out: text, Err: text, Cases: []junitCase{
			{Class: text, Name: text, Time: text}, {Class: "x", Failure: &junitFailure{text, text, text}},
		}}
		want, err := xml.MarshalIndent(struct {
			XMLName xml.Name `xml:"testsuite"`
			junitSuite
		}{junitSuite: s}, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if s.write(&got); got.String() != xml.Header+string(want)+"\n" {
			t.Errorf("%q:\n%s\nnot\n%s", text, got.String(), want)
		}
	}
}
