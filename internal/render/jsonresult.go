package render

import (
	"bytes"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/exchange"
)

// Commands return the same again and again: no row, or one row of the same columns and of
// one of a few sizes. What became of a result is remembered.

// results are the results of commands that are remembered. The zero results is empty and
// ready.
type results struct {
	places [resultPlaces]resultMemo
	// The place of the result that is being written, nil if it is not to be remembered, and
	// where it and what was cut of it began.
	place          *resultMemo
	from, cutsFrom int
}

// resultMemo is a result, and the object that it became.
type resultMemo struct {
	tag         [maxResultTag]byte
	tagLen      int
	rows, bytes uint64
	columns     *exchange.Columns
	text        []byte // empty: nothing is remembered here
}

const (
	resultPlaces = 32 // each takes 1.1 kB at most
	maxResultTag = 24 // bytes: longer tags are not remembered
	maxResult    = 1024
)

// placeOf returns where a result is remembered if it is, nil if it never is: it has what few
// have.
func (t *results) placeOf(r *record.Result) *resultMemo {
	if r.Suspended || r.Copied.Mode != exchange.CopyNone || len(r.Tag) == 0 || len(r.Tag) > maxResultTag ||
		r.Columns != nil && r.Described() == nil {
		return nil
	}
	const spread = 7 // rows and bytes grow together
	n := r.Rows + spread*r.Bytes + uint64(len(r.Tag)) + uint64(r.Tag[0])
	return &t.places[n%resultPlaces]
}

// is reports whether it is r that is remembered.
func (m *resultMemo) is(r *record.Result) bool {
	if m.rows != r.Rows || m.bytes != r.Bytes || string(m.tag[:m.tagLen]) != string(r.Tag) || len(m.text) == 0 {
		return false
	}
	c := r.Described()
	return c == m.columns || c != nil && m.columns != nil && bytes.Equal(c.Description(), m.columns.Description())
}

// knownResult writes a result that is remembered. If it is not, it reports false, and notes
// where it is going to be.
func (w *members) knownResult(r *record.Result) bool {
	if w.results == nil {
		w.results = new(results)
	}
	t := w.results
	m := t.placeOf(r)
	if t.place = m; m == nil {
		return false
	}
	if m.is(r) {
		w.key(nil)
		w.buf = append(w.buf, m.text...)
		return true
	}
	t.from, t.cutsFrom = len(w.buf), len(w.cuts)
	if w.comma {
		t.from++ // it is not part of the result
	}
	return false
}

// rememberResult remembers the result that was written since knownResult, unless something
// of it was cut, or it is long.
func (w *members) rememberResult(r *record.Result) {
	t := w.results
	m := t.place
	if m == nil {
		return
	}
	m.text = m.text[:0]
	text := w.buf[t.from:]
	if len(w.cuts) > t.cutsFrom || len(text) > maxResult {
		return
	}
	m.tagLen, m.rows, m.bytes, m.columns = copy(m.tag[:], r.Tag), r.Rows, r.Bytes, r.Described()
	m.text = append(m.text, text...)
}
