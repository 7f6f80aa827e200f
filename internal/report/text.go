package report

import (
	"strconv"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// textVisitor takes texts off queries.
type textVisitor struct {
	messages.Visitor // nil: errors have texts alone
	buf, scratch     []byte
	err              errorText
}

// params returns the parameters of a query as $1 = 'x', $2 = NULL, borrowed until the
// next call.
func (t *textVisitor) params(q *record.Query, zone *record.Zone) []byte {
	b := t.buf[:0]
	for i, v := range q.Params {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(strconv.AppendInt(append(b, '$'), int64(i+1), 10), " = "...)
		if v == nil {
			b = append(b, "NULL"...)
			continue
		}
		text, scratch, ok := record.ValueText(t.scratch, v, q.TypeOf(i), q.FormatOf(i), zone.Of(q.Who))
		if t.scratch = scratch; !ok {
			b = append(strconv.AppendInt(append(b, "("...), int64(len(v)), 10), " bytes)"...)
			continue
		}
		b = append(append(append(b, '\''), text...), '\'')
		if len(b) > 4*maxParams {
			break
		}
	}
	t.buf = b
	return b
}
