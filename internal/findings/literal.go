package findings

import (
	"bytes"
	"cmp"
	"fmt"

	"github.com/pgsniff/pgsniff/internal/order"
	"github.com/pgsniff/pgsniff/internal/units"
)

const (
	// minTexts is how many texts of one shape are worth a remark, manyTexts a
	// warning.
	minTexts  = 50
	manyTexts = 500
	// maxTexts bounds the texts that are told apart.
	maxTexts = 1024
)

var literalSQL = &code{name: "literal_sql", finish: finishLiteral}

// texts counts the texts of one statement that hold their constants.
type texts struct {
	executions uint64
	distinct   map[uint64]struct{}
	full       uint64 // executions when distinct was full
	bytes      uint64
	strings    uint64 // executions with string constants
	draft      *draft // that it is in
}

// literals takes an exchange whose constants are in its text.
func (e *Engine) literals(q *seenExchange) {
	if q.uses == nil || !q.literal() || q.own || q.s.overhead() {
		return
	}
	t := &q.uses.text
	t.executions++
	t.bytes += uint64(len(q.SQL))
	if bytes.IndexByte(q.SQL, '\'') >= 0 {
		t.strings++
	}
	if len(t.distinct) < maxTexts {
		h := q.value // the text's, where there are no parameters
		if _, ok := t.distinct[h]; !ok && e.reserve(2) {
			if t.distinct == nil {
				t.distinct = make(map[uint64]struct{})
			}
			t.distinct[h] = struct{}{}
		}
		t.full = t.executions
	}
	if len(t.distinct) < minTexts/2 {
		return
	}
	d := t.draft
	if d == nil {
		if d = e.draft(literalSQL, q.c.app, 0); d == nil {
			return
		}
		x, _ := d.data.(*literalData)
		if x == nil {
			x = &literalData{}
			d.data = x
		}
		t.draft = d
		x.list = append(x.list, q.uses)
	}
	if d.note(q.Start); d.count > maxRefs*minTexts {
		return // all of it is known
	}
	d.on(q.c)
	if d.wants() && d.count < 4 {
		d.show(q.Start, q.c, q.ID, "a text of its own, "+units.Bytes(uint64(len(q.SQL))))
	}
}

// literalData are the statements of an application that may be of that sort.
type literalData struct{ list []*uses }

func finishLiteral(e *Engine, d *draft) (f Finding, ok bool) {
	var all, texts, strings, sent uint64
	var queries []QueryRef
	full := false
	for _, x := range d.data.(*literalData).list {
		t := &x.text
		if len(t.distinct) < minTexts || uint64(len(t.distinct))*10 < t.full*9 {
			continue
		}
		all += t.executions
		texts += uint64(len(t.distinct))
		strings += t.strings
		sent += t.bytes
		full = full || len(t.distinct) == maxTexts
		queries = append(queries, QueryRef{Normalized: x.s.text, Fingerprint: x.s.print, Calls: t.executions})
	}
	if all == 0 {
		return f, false
	}
	s := Info
	if (all >= manyTexts || all*10 >= d.app.exchanges*3) && d.app.tool == toolNone {
		s = Warning
	}
	f = d.finding(s, Strong)
	f.Count = all
	f.Cost = Cost{Bytes: sent}
	order.StableBy(queries, func(a, b *QueryRef) int { return cmp.Compare(b.Calls, a.Calls) })
	f.Queries = queries[:min(len(queries), maxQueries)]
	more := ""
	if full {
		more = "more than "
	}
	f.Title = fmt.Sprintf("%s writes constants into its SQL: %s%s of %s in %s; the server parses and plans each anew", d.app.name(), more, count(texts, "text"), count(len(queries), "shape"), count(all, "execution"))
	f.Advice = bindWays.of(d.app)
	if strings*2 > all {
		f.Advice += " Strings in the text are how SQL injection begins."
	}
	return f, true
}
