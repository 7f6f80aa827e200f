package record

import (
	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// comment takes the tags in a query's comments, and the trace that they name. The
// comment of a prepared statement is that of the query that prepared it, so it names
// the trace of that one only and nothing is concluded from it for others.
func (k *Maker) comment(q *Query) {
	if len(q.SQL) < q.SQLLen {
		return // the comment may be what was cut off
	}
	k.tags = sqlnorm.AppendTags(k.tags[:0], q.SQL)
	if len(k.tags) == 0 {
		return
	}
	q.Comment = make([]messages.Pair, 0, len(k.tags))
	for i := range k.tags {
		q.Comment = append(q.Comment, messages.Pair{Name: k.tags[i].Key, Value: k.tags[i].Value})
	}
	if t, ok := sqlnorm.TraceOf(k.tags); ok && len(q.Statement) == 0 {
		q.TraceID, q.SpanID = t.TraceID, t.SpanID
	}
}
