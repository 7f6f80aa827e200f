package record

import (
	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// comment takes the tags in a query's comments, and the trace that they name. The
// comment of a prepared statement is that of the query that prepared it, so it names
// the trace of that one only and nothing is concluded from it for others. What q gets
// is borrowed until the next call.
func (n *Normalizer) comment(q *Query) {
	if len(q.SQL) < q.SQLLen {
		return // the comment may be what was cut off
	}
	if t := q.statement; t != nil {
		if !t.tagged {
			t.tagged = true
			t.comment, t.traceID, t.spanID = n.tagsOf(nil, q.SQL)
		}
		q.Comment, q.TraceID, q.SpanID = t.comment, t.traceID, t.spanID
	} else {
		q.Comment, q.TraceID, q.SpanID = n.tagsOf(n.pairs[:0], q.SQL)
		n.pairs = q.Comment
	}
	if len(q.Statement) > 0 {
		q.TraceID, q.SpanID = "", ""
	}
}

// tagsOf appends the tags of a text to dst.
func (n *Normalizer) tagsOf(dst []messages.Pair, sql []byte) (tags []messages.Pair, traceID, spanID string) {
	if n.tags = sqlnorm.AppendTags(n.tags[:0], sql); len(n.tags) == 0 {
		return dst, "", ""
	}
	for i := range n.tags {
		dst = append(dst, messages.Pair{Name: n.tags[i].Key, Value: n.tags[i].Value})
	}
	if t, ok := sqlnorm.TraceOf(n.tags); ok {
		return dst, t.TraceID, t.SpanID
	}
	return dst, "", ""
}
