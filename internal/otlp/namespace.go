package otlp

import (
	"bytes"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/pkg/exchange"
)

// namespaceOf is db.namespace: database and schema with a bar between them, or the one
// that is known (semantic conventions, "PostgreSQL").
func namespaceOf(database, schema string) string {
	if database == "" || schema == "" {
		return database + schema
	}
	return database + "|" + schema
}

// text is what the conventions have the attributes of a query's text say.
type text struct {
	summary   []byte // db.query.summary
	query     []byte // db.query.text
	procedure []byte // db.stored_procedure.name
	batch     int    // db.operation.batch.size, 0 for what is no batch

	other []byte
}

const batchWord = "BATCH"

// describe says it of a query, in memory that holds until the next call.
func (t *text) describe(q *record.Query) {
	t.query, t.procedure, t.batch = sanitised(q), nil, 0
	if q.Protocol == exchange.ProtocolSimple && bytes.IndexByte(q.Normalized, ';') >= 0 && t.describeBatch(q) {
		return
	}
	if t.summary = sqlnorm.AppendSummary(t.summary[:0], q.SQL); q.Operation == "CALL" {
		_, t.procedure, _ = bytes.Cut(t.summary, []byte(" "))
	}
}

// describeBatch says it of several statements in one text. How many there are is known of
// their results where none failed, and else of the text.
func (t *text) describeBatch(q *record.Query) bool {
	statements, same, alike := 0, true, true
	var first, summary, prefixed []byte
	for s := range sqlnorm.Statements(q.Normalized) {
		if statements++; statements == 1 {
			first = s
			prefixed = append(append(t.summary[:0], batchWord...), ' ')
			prefixed = sqlnorm.AppendSummary(prefixed, s)
			summary = prefixed[len(batchWord)+1:]
			continue
		}
		same = same && sqlnorm.SameButNumbers(first, s)
		if alike && !same {
			t.other = sqlnorm.AppendSummary(t.other[:0], s)
			alike = bytes.Equal(summary, t.other)
		}
	}
	t.summary = prefixed
	whole := q.Error == nil && q.Complete
	if whole && len(q.Results) != statements || statements < 2 {
		return false
	}
	if t.batch = statements; !alike || len(summary) == 0 {
		t.summary = t.summary[:len(batchWord)]
	} else if q.Operation == "CALL" {
		_, t.procedure, _ = bytes.Cut(summary, []byte(" "))
	}
	if same {
		t.query = first
	}
	return true
}
