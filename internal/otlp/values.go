package otlp

import (
	"strconv"
	"unicode/utf8"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/value"
)

// maxParameters bounds the parameters of a span.
const maxParameters = 128

// values writes parameters as attributes.
type values struct {
	text []byte
	zone value.Session
}

func (v *values) write(a attributes, q *record.Query) {
	for i, b := range q.Params[:min(len(q.Params), maxParameters)] {
		key := "db.query.parameter." + strconv.Itoa(i)
		switch {
		case b == nil:
			a.string(key, "NULL")
		case record.FormatOf(q.Formats, i) == 0 && utf8.Valid(b):
			a.text(key, b)
		default:
			a.string(key, v.binary(q, i, b))
		}
	}
}

func (v *values) binary(q *record.Query, i int, b []byte) string {
	if i < len(q.Types) && record.FormatOf(q.Formats, i) == 1 {
		if out, ok := value.Append(v.text[:0], q.Types[i], b, &v.zone); ok {
			v.text = out
			return string(out)
		}
	}
	return hexOf(b)
}
