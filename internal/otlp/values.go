package otlp

import (
	"strconv"
	"unicode/utf8"

	"github.com/pgsniff/pgsniff/internal/record"
)

// maxParameters bounds the parameters of a span.
const maxParameters = 128

// values writes parameters as attributes.
type values struct {
	text []byte
	zone record.Zone
}

func (v *values) write(a attributes, q *record.Query) {
	for i, b := range q.Params[:min(len(q.Params), maxParameters)] {
		key := "db.query.parameter." + strconv.Itoa(i)
		switch {
		case b == nil:
			a.string(key, "NULL")
		case q.FormatOf(i) == 0 && utf8.Valid(b):
			a.text(key, b)
		default:
			a.string(key, v.binary(q, i, b))
		}
	}
}

func (v *values) binary(q *record.Query, i int, b []byte) string {
	text, scratch, ok := record.ValueText(v.text, b, q.TypeOf(i), q.FormatOf(i), v.zone.Of(q.Who))
	if v.text = scratch; ok {
		return string(text)
	}
	return hexOf(b)
}
