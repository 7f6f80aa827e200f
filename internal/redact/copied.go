package redact

import (
	"bytes"
	"unicode"

	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/replication"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// copyData hides the data of a COPY. What replicates keeps its form: how far it has
// come is told in it.
func (h *Handler) copyData(e *session.Event) ([]byte, bool) {
	if e.Replication != nil && e.Replication.Meaning.Kind != replication.KindUnknown {
		return h.replication(e)
	}
	hide := h.level == All
	if x := e.Exchange; x != nil && !hide {
		hide = h.copied(x, e.Body)
		hide = h.cycle(e.Session, x).Data() || hide
	}
	if h.Counts(e) {
		return e.Body, false
	}
	if !hide && !Value(e.Body) {
		return e.Body, false
	}
	keep := 0
	if e.Step.Phase == messages.PhaseCopyBoth {
		if keep = replicationHead(e.Body); keep == len(e.Body) {
			return e.Body, false
		}
	}
	h.body = h.mark(append(h.body[:0], e.Body[:keep]...), e.Body[keep:])
	return h.body, true
}

// copied tells whether what a COPY copies is hidden since the header before it names a
// secret. The header itself is shown if nothing else is in its message.
func (h *Handler) copied(x *exchange.Exchange, data []byte) bool {
	if x.Mark&copyBegun == 0 {
		x.Mark |= copyBegun
		sql := x.SQL
		if x.Prepared != nil {
			sql = x.Prepared.SQL
		}
		line, rest, _ := bytes.Cut(data, []byte("\n"))
		if sqlnorm.CopiesHeader(sql) && namesIn(line) {
			x.Mark |= copyHidden
			if name := sqlnorm.CopiesWhole(nil, sql); name != nil {
				h.tables.add(name)
			}
			return len(rest) > 0
		}
	}
	return x.Mark&copyHidden != 0
}

// namesIn tells whether one of the words of a line is the name of a secret.
func namesIn(line []byte) bool {
	for _, word := range bytes.FieldsFunc(line, func(r rune) bool { return r != '_' && r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if secretName(word) {
			return true
		}
	}
	return false
}

// replication hides the values of rows that logical replication sends, and with All
// all that is data. The archives of a base backup are the files of the whole server, with
// the hashes of all passwords: of those nothing is shown but how long they are.
func (h *Handler) replication(e *session.Event) ([]byte, bool) {
	if e.Replication.Meaning.Kind == replication.KindArchiveData && len(e.Body) > 0 {
		h.replicated = e.Replication
		h.body = h.mark(append(h.body[:0], e.Body[0]), e.Body[1:])
		return h.body, true
	}
	event, body := h.rewriter.Event(e.Replication, e.Body, func(r *replication.Relation, i int, v []byte) ([]byte, bool) {
		if h.level != All && !h.hiddenColumn(r, i) && !Value(v) {
			return nil, false
		}
		h.value = h.mark(h.value[:0], v)
		return h.value, true
	})
	h.replicated = event
	return body, event != e.Replication
}

// hiddenColumn tells whether a column of a relation is hidden by its name. What is
// found is remembered for the next row.
func (h *Handler) hiddenColumn(r *replication.Relation, i int) bool {
	if r == nil {
		return false
	}
	if h.relation != r {
		h.relation, h.columns = r, h.columns[:0]
		for k := range r.Columns {
			c := &r.Columns[k]
			h.columns = append(h.columns, Cycle{}.Column(&messages.ColumnDescription{Name: c.Name, TypeOID: c.TypeOID}))
		}
	}
	return h.columns[i]
}

// replicationHead is how many bytes of a replication message are not data (manual:
// "Streaming Replication Protocol").
func replicationHead(body []byte) int {
	if len(body) == 0 || body[0] != 'w' {
		return len(body) // keepalives, status, feedback
	}
	return min(1+3*8, len(body))
}
