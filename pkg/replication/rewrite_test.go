package replication

import (
	"bytes"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Whatever the message, no value is left in body, message or change; what is no
// value stays.
func TestRewrite(t *testing.T) {
	const secret = "hunter2"
	row := row(text("1"), text(secret), null)
	var w Rewriter
	for _, payload := range [][]byte{
		wire('I', i32(16385), 'N', row), wire('U', i32(16385), 'O', row, 'N', row), wire('U', i32(16385), 'K', row, 'N', row),
		wire('D', i32(16385), 'O', row), wire('M', '\x01', i64(1), "p\x00", i32(7), secret),
	} {
		c := NewConnection(NewCatalog(), "db:5432")
		c.Startup("d")
		c.Begin(logicalStart)
		for _, b := range [][]byte{begin(7), relation()} {
			c.CopyData(messages.Backend, walData(1, b), 25+len(b), 1)
		}
		body := walData(1, payload)
		e, out := w.Event(c.CopyData(messages.Backend, body, len(body), 1), body, func(r *Relation, i int, v []byte) ([]byte, bool) {
			return []byte("-"), r == nil || string(r.Columns[i].Name) == "name"
		})
		if bytes.Contains(out, []byte(secret)) || bytes.Contains([]byte(fieldsOf(e.Inner)), []byte(secret)) || bytes.Contains([]byte(changeText(e.Change)), []byte(secret)) {
			t.Errorf("%q: %q, %s", payload[0], out, changeText(e.Change))
		}
		if e.Meaning.Logical != logicalKinds[payload[0]] || e.Change.XID != 7 {
			t.Errorf("%q: %+v", payload[0], e.Meaning)
		}
		if payload[0] != 'M' && tupleText(e.Change.New)+tupleText(e.Change.Old) == "()()" {
			t.Errorf("%q: no row", payload[0])
		}
	}
}
