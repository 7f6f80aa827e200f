package findings

import (
	"fmt"
	"strings"

	"github.com/pgsniff/pgsniff/internal/units"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// SQLSTATEs that findings are made of (manual: "PostgreSQL Error Codes").
const (
	queryCanceled       = "57014"
	lockNotAvailable    = "55P03"
	deadlockDetected    = "40P01"
	serializationFailed = "40001"
	inFailedTransaction = "25P02"
	adminShutdownState  = "57P01"
	crashShutdownState  = "57P02"
	cannotConnectNow    = "57P03"
	idleSessionTimeout  = "57P05"
	idleTxTimeout       = "25P03"
	tooManyState        = "53300"
)

var (
	deadlock           = &code{name: "deadlock", finish: finishDeadlock}
	serializationCode  = &code{name: "serialization_failure", finish: finishSerialization}
	statementTimeout   = &code{name: "statement_timeout", finish: finishTimeout}
	cancelStorm        = &code{name: "cancel_storm", finish: finishCancels}
	abortedTransaction = &code{name: "aborted_transaction_use", finish: finishAborted}
	retryStorm         = &code{name: "retry_storm", finish: finishRetries}
	minTimeouts        = uint64(3)
	minCancels         = uint64(3)
	minAborted         = uint64(5)
	minSerializations  = uint64(5)
	serializationShare = 0.05
	timeoutShare       = 0.2
	minRetries         = uint64(10)
	retryPause         = 5 * second
	timeoutSpread      = 0.1
)

// abort is the error that aborted a connection's transaction, and what repeats.
type abort struct {
	state     string
	s         *statement
	at        Stamp
	id        uint64
	noted     bool
	repeats   uint64 // the same statement with the same error, in a row
	repeatOf  *statement
	repeatErr string
	repeatAt  int64
	repeated  uint64 // the values
}

// serials counts an application's transactions.
type serials struct{ transactions, failed uint64 }

// failing looks at the error of an exchange.
func (e *Engine) failing(q *seenExchange) {
	c := q.c
	if q.Tx == 'I' && q.state == "" && q.s != nil && (q.tag() == "COMMIT" || q.PauseTx == 'I' && q.s.writes()) {
		c.app.serial.transactions++
	}
	if q.state == "" {
		if q.s != nil && q.s == c.aborted.repeatOf {
			c.aborted.repeats = 0
		}
		if q.Tx == 'I' || q.Tx == 'T' {
			c.aborted.state, c.aborted.noted = "", false
		}
		return
	}
	switch q.state {
	case deadlockDetected:
		e.deadlocked(q)
	case serializationFailed:
		e.serialFailure(q)
	case queryCanceled:
		e.cancelled(q)
	case inFailedTransaction:
		e.abortedUse(q)
		return
	case adminShutdownState, crashShutdownState, tooManyState, idleSessionTimeout, idleTxTimeout:
		e.fatalState(c, q.state, q.End, q.ID)
	default:
		if q.errorField(messages.FieldMessage) == queryWaitTimeout {
			e.gaveUp(c, q.End, q.ID, q.s, q.dur)
			q.queue = max(q.server, 0)
			return
		}
		e.retried(q)
	}
	c.aborted.state, c.aborted.s, c.aborted.at, c.aborted.id, c.aborted.noted = q.state, q.s, q.Start, q.ID, false
}

type cancelData struct {
	s    *statement
	ages sample
	said uint64 // the server named statement_timeout
}

// cancelled tells a timeout of the server from a request of the client.
func (e *Engine) cancelled(q *seenExchange) {
	c := q.c
	if q.Copy == exchange.CopyIn {
		return // the client ended its COPY with CopyFail
	}
	if c.MidStream && q.CancelledBy == 0 && c.pid == 0 || q.s == nil {
		// Which connection a CancelRequest is for cannot be told: its key was not seen.
		return
	}
	message := strings.ToLower(q.errorField(messages.FieldMessage))
	k := statementTimeout
	timeout := strings.Contains(message, "statement timeout")
	if q.CancelledBy != 0 || strings.Contains(message, "user request") {
		k = cancelStorm
	}
	what := q.s.print
	if k == cancelStorm {
		what = 0
	}
	d := e.draft(k, c.app, what)
	if d == nil {
		return
	}
	x, _ := d.data.(*cancelData)
	if x == nil {
		x = &cancelData{s: q.s}
		d.data = x
	}
	if timeout {
		x.said++
	}
	d.note(q.Start)
	d.span(q.End)
	d.on(c)
	d.calls(q.s, 1)
	d.cost.TimeNS += max(q.dur, 0)
	if q.dur > 0 {
		x.ages.add(q.dur)
	}
	d.show(q.Start, c, q.ID, "cancelled after "+units.Duration(q.dur))
}

func finishTimeout(e *Engine, d *draft) (f Finding, ok bool) {
	x := d.data.(*cancelData)
	use := e.uses[usesKey{d.app, x.s.print}]
	if d.count < minTimeouts && (use == nil || float64(d.count) < timeoutShare*float64(use.calls) || d.count < 2) {
		return f, false
	}
	age := x.ages.median()
	if x.said == 0 && float64(x.ages.quantile(1)-x.ages.quantile(0)) > timeoutSpread*float64(age) {
		return f, false // in a language that is not known, and never as late
	}
	f = d.finding(Critical, Certain)
	if d.count < minTimeouts {
		f.Severity = Warning
	}
	f.Cost.Share = d.share()
	f.Title = fmt.Sprintf("%s of %s ended by statement_timeout after %s, %s of work for nothing", count(d.count, "query"), d.app.name(), units.Duration(age), units.Duration(d.cost.TimeNS))
	f.Advice = "Make the query faster (EXPLAIN, an index, less data) or give it a limit of its own; do not repeat it unchanged."
	return f, true
}

func finishCancels(e *Engine, d *draft) (f Finding, ok bool) {
	x := d.data.(*cancelData)
	if d.count < minCancels || d.app.tool == toolPerson {
		return f, false
	}
	f = d.finding(Critical, Certain)
	f.Cost.Share = d.share()
	low, high := x.ages.quantile(0), x.ages.quantile(1)
	f.Title = fmt.Sprintf("%s cancels its own queries: %s after %s, %s of work for nothing", d.app.name(), grouped(int64(d.count)), units.Duration(x.ages.median()), units.Duration(d.cost.TimeNS))
	if float64(high-low) <= timeoutSpread*float64(x.ages.median()) {
		f.Title += " (always as late: a timeout of the client)"
	}
	f.Advice = timeoutWays.of(d.app)
	return f, true
}

type abortData struct {
	transactions uint64
	first        *statement
	errors       map[string]uint64
}

func (e *Engine) abortedUse(q *seenExchange) {
	c, a := q.c, &q.c.aborted
	if c.app.tool == toolPerson {
		return // who sees each error
	}
	d := e.draft(abortedTransaction, c.app, 0)
	if d == nil {
		return
	}
	x, _ := d.data.(*abortData)
	if x == nil {
		x = &abortData{errors: make(map[string]uint64)}
		d.data = x
	}
	d.note(q.Start)
	d.span(q.End)
	d.on(c)
	d.calls(q.s, 1)
	d.cost.RoundTrips++
	d.cost.TimeNS += max(q.dur, 0) + c.rtt[1]
	if a.noted {
		return
	}
	a.noted = true
	x.transactions++
	if a.state == "" {
		d.show(q.Start, c, q.ID, "in a transaction whose first error was not captured")
		return
	}
	if len(x.errors) < 16 || x.errors[a.state] > 0 {
		x.errors[a.state]++
	}
	if x.first == nil {
		x.first = a.s
	}
	d.show(a.at, c, a.id, fmt.Sprintf("the first error: %s at %s", a.state, brief(a.s, 80)))
}

func finishAborted(e *Engine, d *draft) (f Finding, ok bool) {
	x := d.data.(*abortData)
	s := Info
	if d.count >= minAborted {
		s = Warning
	}
	f = d.finding(s, Certain)
	f.Cost.Share = d.share()
	f.Title = fmt.Sprintf("%s goes on in aborted transactions: %s ignored (25P02) in %s", d.app.name(), count(d.count, "statement"), count(x.transactions, "transaction"))
	if states := firstKeys(x.errors, 3); len(states) > 0 {
		f.Title += ", after " + list(states)
	}
	if x.first != nil {
		f.Queries = append(f.Queries, QueryRef{Normalized: x.first.text, Fingerprint: x.first.print, Calls: x.transactions})
	}
	f.Advice = "Stop at the first error: roll back, or set a savepoint before what may fail; INSERT … ON CONFLICT for duplicates."
	return f, true
}

// retried counts a statement that fails with the same error again and again.
func (e *Engine) retried(q *seenExchange) {
	a := &q.c.aborted
	if q.s == nil || q.c.app.tool == toolPerson || strings.HasPrefix(q.state, "01") || strings.HasPrefix(q.state, "02") {
		return
	}
	if a.repeatOf != q.s || a.repeatErr != q.state || q.Start.Time-a.repeatAt > retryPause {
		a.repeats = 0
	}
	if ofValues(q.state) && a.repeated != q.value {
		a.repeats = 0 // other values may fare better
	}
	a.repeatOf, a.repeatErr, a.repeatAt, a.repeated = q.s, q.state, q.End.Time, q.value
	a.repeats++
	d := e.draft(retryStorm, q.c.app, q.s.print)
	if d == nil {
		return
	}
	x, _ := d.data.(*retryData)
	if x == nil {
		x = &retryData{s: q.s, state: q.state}
		d.data = x
	}
	if x.state != q.state {
		return
	}
	x.most = max(x.most, a.repeats)
	d.note(q.Start)
	d.span(q.End)
	d.on(q.c)
	d.calls(q.s, 1)
	d.cost.RoundTrips++
	d.cost.TimeNS += max(q.dur, 0) + q.c.rtt[1]
	d.show(q.Start, q.c, q.ID, "failed with "+q.state)
}

// ofValues reports whether an error is about the values of a statement, such as a key that
// exists, which a program may rely on that inserts many.
func ofValues(state string) bool {
	return strings.HasPrefix(state, "22") || strings.HasPrefix(state, "23")
}

type retryData struct {
	s     *statement
	state string
	most  uint64
}

func finishRetries(e *Engine, d *draft) (f Finding, ok bool) {
	x := d.data.(*retryData)
	if x.most < minRetries {
		return f, false
	}
	f = d.finding(Warning, Certain)
	f.Cost.Share = d.share()
	f.Title = fmt.Sprintf("%s repeats a statement that always fails: %s with %s, %s in a row", d.app.name(), count(d.count, "error"), x.state, grouped(int64(x.most)))
	f.Advice = "An error of this kind does not go away by itself: do not repeat it unchanged, wait longer each time, and tell somebody."
	return f, true
}
