package report

import (
	"regexp"
	"strings"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// failure is the errors with one code and message.
type failure struct {
	State    string `json:"sqlstate"`
	Severity string `json:"severity,omitempty"`
	Message  string `json:"message,omitempty"`
	Count    uint64 `json:"count"`
	Example  *call  `json:"example"`
}

// failed groups an error that a query ended in.
func (o *output) failed(q *record.Query) {
	o.text.err = errorText{}
	q.VisitError(&o.text)
	f := o.failureOf()
	if f == nil || f.Example != nil {
		return
	}
	f.Example = o.call(q, nil)
	if f.Example.SQL == "" {
		f.Example.SQL = o.sqlText(q.Normalized)
	}
	f.Example.SQL = cut([]byte(f.Example.SQL), maxExampleSQL)
}

// failedOutside groups an error that no query ended in: of a login, of a session that was
// ended.
func (o *output) failedOutside(m *record.Message) {
	o.text.err = errorText{}
	_ = m.VisitBody(&o.text) // of a broken one, the fields before the fault
	_, s := o.load.at(m.At.Time)
	s.errors++
	o.connOf(m.Conn).Errors++
	if f := o.failureOf(); f != nil && f.Example == nil {
		f.Example = &call{Time: o.since(m.At.Time), Conn: m.Conn.ID, Frame: m.At.Frame, Duration: -1}
	}
}

// failureOf counts the error at hand with those that say the same, and returns these, nil
// where there are too many.
func (o *output) failureOf() *failure {
	o.allErrors++
	e := &o.text.err
	text := o.message(e)
	key := e.state + text
	f := o.failures[key]
	if f == nil {
		if len(o.failures) >= maxErrors {
			o.moreErrors++
			return nil
		}
		f = &failure{State: e.state, Severity: e.severity, Message: text}
		o.failures[key] = f
	}
	f.Count++
	return f
}

// errorText is what the page shows of an error, and by what it is judged.
type errorText struct{ severity, state, message, routine string }

// Text takes a field of an error.
func (t *textVisitor) Text(name string, v []byte) {
	switch name {
	case "severity":
		t.err.severity = cut(v, 20)
	case "sqlstate":
		t.err.state = cut(v, 5)
	case "message":
		t.err.message = cut(v, maxParams)
	case "routine":
		t.err.routine = cut(v, 60)
	}
}

// Pairs passes over fields without a name.
func (t *textVisitor) Pairs(string, []messages.Pair) {}

// SecretText takes what stands in place of a secret.
func (t *textVisitor) SecretText(name string, v []byte) { t.Text(name, v) }

// leftOut is shown in the place of a text that may not be.
const leftOut = "(text left out)"

// message returns the message of an error as the page may show it. What it quotes is a
// value as often as a name, and so is a number; what programs in the server say may be
// anything.
func (o *output) message(e *errorText) string {
	switch {
	case o.noSQL:
		return ""
	case !o.noValues:
		return e.message
	case e.raised():
		return leftOut
	}
	return withoutValues(e.message)
}

// raised reports an error whose text a program within the server, or another server, made
// up. What hands such texts on is known by the routine, whatever SQLSTATE it gives; the
// others, and codes that are not the server's own, by the class (manual, "PostgreSQL Error
// Codes").
func (e *errorText) raised() bool {
	switch e.routine {
	case "exec_stmt_raise", "PLy_output", "do_util_elog", "pltcl_elog", "pgfdw_report_error", "dblink_res_error":
		return true
	}
	return len(e.state) != 5 || !strings.Contains(serverClasses, " "+e.state[:2]+" ")
}

// serverClasses are those of errors that the server itself words: all but 38, 39, P0 and XX,
// which is of anybody who gives no code.
const serverClasses = " 03 08 09 0A 0B 0F 0L 0P 0Z 10 20 21 22 23 24 25 26 27 28 2B 2D 2F 34 3B 3D 3F 40 42 44 53 54 55 57 58 F0 HV "

// quotes are the marks that servers quote with, in the languages that they speak.
const quotes = "\"\u00ab\u00bb\u201c\u201d\u201e\u201f\u2039\u203a\u300c\u300d\u300e\u300f"

// numbers are what may be a value without a mark.
var numbers = regexp.MustCompile(`0x[0-9A-Fa-f]+|[0-9]+(?:[.,:-][0-9]+)*`)

// withoutValues leaves out what stands between the first and the last mark of quotation,
// for a value may have such marks itself, and all numbers.
func withoutValues(text string) string {
	first := strings.IndexAny(text, quotes)
	if first < 0 {
		return numbers.ReplaceAllString(text, "…")
	}
	last := strings.LastIndexAny(text, quotes)
	after := strings.TrimLeft(text[last:], quotes)
	if first == last || strings.HasSuffix(text, "…") {
		after = "" // the text may be cut within the quotation
	}
	return numbers.ReplaceAllString(text[:first], "…") + `"…"` + numbers.ReplaceAllString(after, "…")
}
