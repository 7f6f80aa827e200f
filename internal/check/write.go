package check

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/pgsniff/pgsniff/internal/findings"
	"github.com/pgsniff/pgsniff/internal/termsafe"
)

// Formats are the names that Write knows.
var Formats = []string{"pretty", "json", "junit", "github"}

// Write writes a result in a format.
func Write(w io.Writer, r *Result, format string) error {
	switch format {
	case "json":
		return writeJSON(w, r)
	case "junit":
		return writeJUnit(w, r)
	case "github":
		return writeGitHub(w, r)
	}
	return writeText(w, r)
}

// number writes what was counted in full: rounded, a limit that is exceeded by a little
// would look kept.
func (b *Broken) number(n int64) string {
	if b.Measure == "duration" {
		return time.Duration(n).String()
	}
	return fmt.Sprint(n)
}

// Text says what was exceeded, in a sentence.
func (b *Broken) Text() string {
	return fmt.Sprintf("%s: %s %s, %s allowed (%s)", termsafe.Plain(b.Name), b.number(b.Got), strings.ReplaceAll(b.Measure, "_", " "), b.number(b.Limit), termsafe.Plain(b.Budget))
}

func findingText(f *findings.Finding) string { return termsafe.Plain(f.Code + ": " + f.Title) }

func writeText(w io.Writer, r *Result) error {
	var b strings.Builder
	for i := range r.Broken {
		fmt.Fprintf(&b, "FAIL  %s\n", r.Broken[i].Text())
	}
	for i := range r.Denied {
		f := &r.Denied[i]
		fmt.Fprintf(&b, "FAIL  %s\n", findingText(f))
		if len(f.Queries) > 0 {
			fmt.Fprintf(&b, "        %s\n", termsafe.Plain(f.Queries[0].Normalized))
		}
		fmt.Fprintf(&b, "      → %s\n", termsafe.Plain(f.Advice))
	}
	fmt.Fprintf(&b, "%s\n", r.summary())
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Result) summary() string {
	what := fmt.Sprintf("%d queries, %d budgets, %d findings", r.Queries, len(r.Rules.Budgets), len(r.Findings))
	if r.Dropped > 0 {
		what += fmt.Sprintf(", %d things not counted for lack of room", r.Dropped)
	}
	if !r.Failed() {
		return "passed: " + what
	}
	return fmt.Sprintf("failed: %d over budget, %d findings denied; %s", len(r.Broken), len(r.Denied), what)
}

type jsonBroken struct {
	Type    string `json:"type"`
	Budget  string `json:"budget"`
	Scope   string `json:"scope"`
	Name    string `json:"name"`
	Measure string `json:"measure"`
	Limit   int64  `json:"limit"`
	Got     int64  `json:"got"`
	Conn    uint64 `json:"conn,omitempty"`
	TS      string `json:"ts,omitempty"`
}

type jsonDenied struct {
	Type       string `json:"type"`
	Code       string `json:"code"`
	Severity   string `json:"severity"`
	Confidence string `json:"confidence"`
	Title      string `json:"title"`
	Advice     string `json:"advice"`
	Count      uint64 `json:"count"`
}

type jsonCheck struct {
	Type     string `json:"type"`
	Passed   bool   `json:"passed"`
	Queries  int64  `json:"queries"`
	Budgets  int    `json:"budgets"`
	Broken   int    `json:"broken"`
	Denied   int    `json:"denied"`
	Findings int    `json:"findings"`
}

func writeJSON(w io.Writer, r *Result) error {
	e := json.NewEncoder(termsafe.NewJSONWriter(w))
	e.SetEscapeHTML(false)
	for i := range r.Broken {
		b := &r.Broken[i]
		j := jsonBroken{"over_budget", b.Budget, b.Scope, b.Name, b.Measure, b.Limit, b.Got, b.Conn, ""}
		if b.At.Time != 0 {
			j.TS = time.Unix(0, b.At.Time).UTC().Format("2006-01-02T15:04:05.000000000Z")
		}
		if err := e.Encode(j); err != nil {
			return err
		}
	}
	for i := range r.Denied {
		f := &r.Denied[i]
		if err := e.Encode(jsonDenied{"denied", f.Code, f.Severity.String(), f.Confidence.String(), f.Title, f.Advice, f.Count}); err != nil {
			return err
		}
	}
	return e.Encode(jsonCheck{"check", !r.Failed(), r.Queries, len(r.Rules.Budgets), len(r.Broken), len(r.Denied), len(r.Findings)})
}

type junitSuite struct {
	XMLName  xml.Name    `xml:"testsuite"`
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Failure *junitFailure `xml:"failure"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

// writeJUnit writes each budget, and each kind of finding that is denied, as a
// test.
func writeJUnit(w io.Writer, r *Result) error {
	s := junitSuite{Name: "pgsniff check"}
	for i := range r.Rules.Budgets {
		b := &r.Rules.Budgets[i]
		c := junitCase{Class: "pgsniff.budget", Name: termsafe.Plain(b.title())}
		var lines []string
		for k := range r.Broken {
			if r.Broken[k].Budget == b.title() && r.Broken[k].Scope == b.Scope {
				lines = append(lines, r.Broken[k].Text())
			}
		}
		if len(lines) > 0 {
			c.Failure = &junitFailure{lines[0], strings.Join(lines, "\n")}
			s.Failures++
		}
		s.Cases = append(s.Cases, c)
	}
	for i := range r.Denied {
		f := &r.Denied[i]
		s.Cases = append(s.Cases, junitCase{"pgsniff.finding", f.Code, &junitFailure{termsafe.Plain(f.Title), termsafe.Plain(f.Advice)}})
		s.Failures++
	}
	if len(r.Denied) == 0 {
		s.Cases = append(s.Cases, junitCase{Class: "pgsniff.finding", Name: "findings"})
	}
	s.Tests = len(s.Cases)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(s); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// writeGitHub writes the workflow commands of GitHub Actions, each an annotation.
func writeGitHub(w io.Writer, r *Result) error {
	var b strings.Builder
	for i := range r.Broken {
		fmt.Fprintf(&b, "::error title=%s::%s\n", property("pgsniff: over budget"), message(r.Broken[i].Text()))
	}
	for i := range r.Denied {
		f := &r.Denied[i]
		fmt.Fprintf(&b, "::error title=%s::%s\n", property("pgsniff: "+f.Code), message(termsafe.Plain(f.Title)+"\n"+termsafe.Plain(f.Advice)))
	}
	if !r.Failed() {
		fmt.Fprintf(&b, "::notice title=%s::%s\n", property("pgsniff check"), message(r.summary()))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// message and property escape as the runner's toolkit does.
func message(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func property(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}
