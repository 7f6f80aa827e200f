package check

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pgsniff/pgsniff/internal/findings"
	"github.com/pgsniff/pgsniff/internal/termsafe"
)

// Formats are the names that Write knows.
var Formats = []string{"pretty", "json", "junit", "github"}

// Write writes a result in a format.
func Write(w io.Writer, r *Result, format string) error {
	var b bytes.Buffer
	var err error
	harmless := legacyCommand // what stands for it in the format
	switch format {
	case "json":
		err, harmless = writeJSON(&b, r), `##\u005b`
	case "junit":
		err, harmless = writeJUnit(&b, r), "##&#91;"
	case "github":
		writeGitHub(&b, r)
	default:
		writeText(&b, r)
		harmless = "# #["
	}
	if err != nil {
		return err
	}
	_, err = w.Write(bytes.ReplaceAll(b.Bytes(), []byte(legacyCommand), []byte(harmless)))
	return err
}

// legacyCommand is how a command to the runner of GitHub Actions begins, wherever it stands
// in a line, unless the line is one of the newer commands, as all of the format github are.
const legacyCommand = "##["

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

func writeText(b *bytes.Buffer, r *Result) {
	for i := range r.Broken {
		fmt.Fprintf(b, "FAIL  %s\n", r.Broken[i].Text())
	}
	for i := range r.Denied {
		f := &r.Denied[i]
		fmt.Fprintf(b, "FAIL  %s\n", findingText(f))
		if len(f.Queries) > 0 {
			// A line that begins with two colons would be a command in a workflow.
			fmt.Fprintf(b, "      · %s\n", termsafe.Plain(f.Queries[0].Normalized))
		}
		fmt.Fprintf(b, "      → %s\n", termsafe.Plain(f.Advice))
	}
	fmt.Fprintf(b, "%s\n", r.summary())
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

func writeJSON(b *bytes.Buffer, r *Result) error {
	e := json.NewEncoder(termsafe.NewJSONWriter(b))
	e.SetEscapeHTML(false)
	for i := range r.Broken {
		x := &r.Broken[i]
		j := jsonBroken{"over_budget", x.Budget, x.Scope, x.Name, x.Measure, x.Limit, x.Got, x.Conn, ""}
		if x.At.Time != 0 {
			j.TS = time.Unix(0, x.At.Time).UTC().Format("2006-01-02T15:04:05.000000000Z")
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

// junitSuite is a report as the schemas of Ant and of Jenkins have it, which differ in what
// they require: this is valid for both.
type junitSuite struct {
	Name       string      `xml:"name,attr"`
	Tests      int         `xml:"tests,attr"`
	Failures   int         `xml:"failures,attr"`
	Errors     int         `xml:"errors,attr"`
	Time       string      `xml:"time,attr"`
	Timestamp  string      `xml:"timestamp,attr"` // when the capture began
	Host       string      `xml:"hostname,attr"`
	Properties struct{}    `xml:"properties"`
	Cases      []junitCase `xml:"testcase"`
	Out        string      `xml:"system-out"`
	Err        string      `xml:"system-err"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitFailure `xml:"failure"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// add adds a test, which has failed if there are lines.
func (s *junitSuite) add(class, name string, lines []string) {
	c := junitCase{Class: class, Name: termsafe.Plain(name), Time: "0"}
	if len(lines) > 0 {
		c.Failure = &junitFailure{lines[0], class, strings.Join(lines, "\n")}
		s.Failures++
	}
	s.Cases = append(s.Cases, c)
	s.Tests++
}

// writeJUnit writes each limit, each code that is denied and the severity to fail on as a
// test, so that a run has the same tests as the one before.
func writeJUnit(b *bytes.Buffer, r *Result) error {
	s := junitSuite{
		Name: "pgsniff check", Time: "0", Timestamp: time.Unix(0, r.Began).UTC().Format("2006-01-02T15:04:05"), Host: "localhost",
		Out: r.summary(),
	}
	for i := range r.Rules.Budgets {
		budget := &r.Rules.Budgets[i]
		for _, m := range measures {
			limit, ok := budget.limit(m)
			if !ok {
				continue
			}
			var lines []string
			for k := range r.Broken {
				if r.Broken[k].budget == i && r.Broken[k].Measure == m {
					lines = append(lines, r.Broken[k].Text())
				}
			}
			whose := "each " + budget.Scope
			if budget.Scope == "capture" {
				whose = "the capture"
			}
			one := Broken{Measure: m}
			s.add("pgsniff.budget", fmt.Sprintf("%s: %s of %s, %s allowed", budget.title(), strings.ReplaceAll(m, "_", " "), whose, one.number(limit)), lines)
		}
	}
	for _, code := range r.Rules.Deny {
		s.add("pgsniff.finding", code, r.deniedLines(func(f *findings.Finding) bool { return f.Code == code }))
	}
	if r.Rules.FailOn != "" {
		s.add("pgsniff.finding", "no finding that is "+r.Rules.FailOn+" or worse", r.deniedLines(func(f *findings.Finding) bool {
			least, _ := findings.ParseSeverity(r.Rules.FailOn)
			return f.Severity >= least
		}))
	}
	s.write(b)
	return nil
}

// write writes what encoding/xml would by the tags, which is 70 kB of a program.
func (s *junitSuite) write(b *bytes.Buffer) {
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	fmt.Fprintf(b, `<testsuite name="%s" tests="%d" failures="%d" errors="%d" time="%s" timestamp="%s" hostname="%s">`+"\n  <properties></properties>\n",
		escapeXML(s.Name), s.Tests, s.Failures, s.Errors, escapeXML(s.Time), escapeXML(s.Timestamp), escapeXML(s.Host))
	for i := range s.Cases {
		c := &s.Cases[i]
		fmt.Fprintf(b, `  <testcase classname="%s" name="%s" time="%s">`, escapeXML(c.Class), escapeXML(c.Name), escapeXML(c.Time))
		if f := c.Failure; f != nil {
			fmt.Fprintf(b, "\n    <failure message=\"%s\" type=\"%s\">%s</failure>\n  ", escapeXML(f.Message), escapeXML(f.Type), escapeXML(f.Text))
		}
		b.WriteString("</testcase>\n")
	}
	fmt.Fprintf(b, "  <system-out>%s</system-out>\n  <system-err>%s</system-err>\n</testsuite>\n", escapeXML(s.Out), escapeXML(s.Err))
}

// escapeXML is a text as it may stand between tags and in quotes. What XML 1.0 has no
// character for becomes U+FFFD.
func escapeXML(s string) string {
	var b strings.Builder
	for _, r := range s { // what is no UTF-8 comes as U+FFFD
		switch {
		case strings.ContainsRune("\t\n\r", r):
			fmt.Fprintf(&b, "&#x%X;", r)
		case strings.ContainsRune(`"'`, r):
			fmt.Fprintf(&b, "&#%d;", r)
		case r == '&':
			b.WriteString("&amp;")
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r < ' ' || r == 0xfffe || r == 0xffff:
			b.WriteRune(utf8.RuneError)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// deniedLines tells of the findings that are denied and fit.
func (r *Result) deniedLines(fits func(*findings.Finding) bool) (lines []string) {
	for i := range r.Denied {
		if f := &r.Denied[i]; fits(f) {
			lines = append(lines, findingText(f), "  "+termsafe.Plain(f.Advice))
		}
	}
	return lines
}

// writeGitHub writes the workflow commands of GitHub Actions, each an annotation.
func writeGitHub(b *bytes.Buffer, r *Result) {
	for i := range r.Broken {
		fmt.Fprintf(b, "::error title=%s::%s\n", property("pgsniff: over budget"), message(r.Broken[i].Text()))
	}
	for i := range r.Denied {
		f := &r.Denied[i]
		fmt.Fprintf(b, "::error title=%s::%s\n", property("pgsniff: "+f.Code), message(termsafe.Plain(f.Title)+"\n"+termsafe.Plain(f.Advice)))
	}
	if !r.Failed() {
		fmt.Fprintf(b, "::notice title=%s::%s\n", property("pgsniff check"), message(r.summary()))
	}
}

// message and property escape as the runner's toolkit does.
func message(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func property(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}
