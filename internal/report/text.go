package report

import (
	"strconv"
	"strings"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// textVisitor takes texts off queries.
type textVisitor struct {
	messages.Visitor // nil: errors have texts alone
	buf, scratch     []byte
	err              errorText
}

type errorText struct{ severity, state, message string }

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

// failure returns what an error says.
func (t *textVisitor) failure(q *record.Query) errorText {
	t.err = errorText{}
	q.VisitError(t)
	return t.err
}

// message returns the message of an error as the page may show it: what it quotes is a
// value as often as a name.
func (o *output) message(text string) string {
	if !o.noValues {
		return text
	}
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(text, `"`)
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		b.WriteString(`"…"`)
		if _, text, ok = strings.Cut(rest, `"`); !ok {
			return b.String()
		}
	}
}

// Text takes a field of an error.
func (t *textVisitor) Text(name string, v []byte) {
	switch name {
	case "severity":
		t.err.severity = cut(v, 20)
	case "sqlstate":
		t.err.state = cut(v, 5)
	case "message":
		t.err.message = cut(v, maxParams)
	}
}

// Pairs passes over fields without a name.
func (t *textVisitor) Pairs(string, []messages.Pair) {}

// SecretText takes what stands in place of a secret.
func (t *textVisitor) SecretText(name string, v []byte) { t.Text(name, v) }
