package overview

import (
	"cmp"
	"slices"

	"github.com/pgsniff/pgsniff/internal/findings"
	"github.com/pgsniff/pgsniff/internal/order"
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

const (
	// maxFailures bounds the errors that are told apart.
	maxFailures = 500
	// maxMessage is how much of an error's text is kept, in bytes.
	maxMessage = 1000
)

// failure is the errors with one code and message.
type failure struct{ Failure }

// Failure is a group of errors, with the latest as example.
type Failure struct {
	Severity, State, Message string
	Count                    uint64
	First, Last              record.Stamp
	Conn                     *record.Conn
	Who                      *record.Who
	Query                    uint64 // within the connection; 0: none
	Fingerprint              uint64
	SQL                      string // normalised; empty where there is none
	Detail, Hint             string
}

// failure adds the error of a query.
func (c *Collector) failure(q *record.Query) {
	c.text = errorText{}
	q.VisitError(&c.text)
	f := c.group(q.Conn, q.Who, q.End)
	if f != nil {
		f.Query, f.Fingerprint, f.SQL = q.ID, q.Fingerprint, cut(q.Normalized, maxSQL)
	}
}

// errorOutside adds an error that no query ended in.
func (c *Collector) errorOutside(m *record.Message) {
	c.text = errorText{}
	_ = m.VisitBody(&c.text) // what could be read of it
	c.now = max(c.now, m.At.Time)
	c.failed.add(c.slotOf(m.At.Time), c.opt.Live)
	if f := c.group(m.Conn, m.Who, m.At); f != nil {
		f.Query, f.Fingerprint, f.SQL = 0, 0, ""
	}
}

func (c *Collector) group(conn *record.Conn, who *record.Who, at record.Stamp) *Failure {
	t := &c.text
	key := t.state + "\x00" + t.message
	f := c.failures[key]
	if f == nil {
		if len(c.failures) >= maxFailures {
			c.moreFailed++
			return nil
		}
		f = &failure{Failure{Severity: t.severity, State: t.state, Message: t.message, First: at}}
		c.failures[key] = f
	}
	f.Count++
	f.Last, f.Conn, f.Who, f.Detail, f.Hint = at, conn, who, t.detail, t.hint
	c.remember(conn)
	return &f.Failure
}

// Failures returns the errors by code and message, most frequent first, and how many
// were not told apart.
func (c *Collector) Failures() (list []Failure, more uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.failures {
		list = append(list, f.Failure)
	}
	order.By(list, func(a, b *Failure) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.State, b.State), cmp.Compare(a.Message, b.Message))
	})
	return list, c.moreFailed
}

// errorText takes the fields of an error that are shown.
type errorText struct {
	messages.Visitor // nil: errors have texts alone

	severity, state, message, detail, hint string
}

// Text takes a field.
func (t *errorText) Text(name string, v []byte) {
	switch name {
	case "severity":
		t.severity = cut(v, 20)
	case "sqlstate":
		t.state = cut(v, 5)
	case "message":
		t.message = cut(v, maxMessage)
	case "detail":
		t.detail = cut(v, maxMessage)
	case "hint":
		t.hint = cut(v, maxMessage)
	}
}

// Pairs passes over fields without a name.
func (t *errorText) Pairs(string, []messages.Pair) {}

// SecretText takes what stands in place of a secret.
func (t *errorText) SecretText(name string, v []byte) { t.Text(name, v) }

// sortFindings puts the worst and costliest first.
func sortFindings(list []findings.Finding) {
	order.By(list, func(a, b *findings.Finding) int {
		return cmp.Or(
			cmp.Compare(b.Severity, a.Severity), cmp.Compare(b.Cost.TimeNS, a.Cost.TimeNS), cmp.Compare(b.Count, a.Count),
			cmp.Compare(a.Code, b.Code), cmp.Compare(a.First.Frame, b.First.Frame), cmp.Compare(a.Title, b.Title))
	})
}

// Findings returns the findings so far, worst and costliest first.
func (c *Collector) Findings() []findings.Finding {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.findings)
}
