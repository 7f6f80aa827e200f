package record

import (
	"github.com/pgsniff/pgsniff/pkg/replication"
)

// Change is one change to the data of a database as logical replication tells it,
// or the end of a transaction.
type Change struct {
	Conn *Conn
	Who  *Who
	At   Stamp // the packet that completed it
	*replication.Change

	text []byte // scratch
}

var (
	changeSchema = NewSchema("change", "A change to a row, or the end of a transaction, as logical replication sends it.")
	hKind        = changeSchema.Text("kind", "insert, update, delete, truncate, message; ends: commit, abort, prepare, commit_prepared, rollback_prepared.")
	hRelation    = changeSchema.Text("relation", "The table, schema.name; left out if its description was not seen.")
	hOID         = changeSchema.Int("relation_oid", "", "The table's OID, where the name is not known.")
	hRelations   = changeSchema.List("relations", "The tables of a truncate; those not known by their OID.")
	hKey         = changeSchema.Field("key", TypeRow, "", "The columns that tell the row apart, as they were before the change.")
	hOld         = changeSchema.Field("old", TypeRow, "", "The whole row before the change, with REPLICA IDENTITY FULL.")
	hNew         = changeSchema.Field("new", TypeRow, "", "The row after the change.")
	hUnchanged   = changeSchema.List("unchanged", "Columns stored out of line that are as before and were not sent.")
	hKeyValues   = changeSchema.List("key_values", "Like key, in the order of the columns, where their names are not known.")
	hOldValues   = changeSchema.List("old_values", "Likewise for old.")
	hNewValues   = changeSchema.List("new_values", "Likewise for new.")
	hCascade     = changeSchema.Bool("cascade", "TRUNCATE ... CASCADE.")
	hRestart     = changeSchema.Bool("restart_identity", "TRUNCATE ... RESTART IDENTITY.")
	hPrefix      = changeSchema.Text("prefix", "Of a message that pg_logical_emit_message wrote.")
	hContent     = changeSchema.Data("content", "Likewise.")
	hLSN         = changeSchema.Text("lsn", "Position in the write-ahead log.")
	hXID         = changeSchema.Int("xid", "", "The transaction.")
	hSubXID      = changeSchema.Int("subxid", "", "The subtransaction, of streamed changes; of an abort: which one is undone.")
	hCommitLSN   = changeSchema.Text("commit_lsn", "Position of the commit, where it is known by then.")
	hCommitTime  = changeSchema.Time("commit_ts", "Time of the commit, by the server's clock.")
	hGID         = changeSchema.Text("gid", "Name of the prepared transaction.")
	hPrepared    = changeSchema.Bool("prepared", "The transaction is, or was, prepared (two-phase commit).")
	hStreamed    = changeSchema.Bool("streamed", "It was sent while the transaction was running: it may still be undone.")
	hChanges     = changeSchema.Map("changes", "What the transaction held: counts by relation and kind. Of an aborted subtransaction, what is undone.")
	hBytes       = changeSchema.Int("bytes", "bytes", "Bytes of the transaction's messages.")
	hDuration    = changeSchema.Int("duration_ns", "ns", "From its first message on the wire to its last.")
	hPartial     = changeSchema.Bool("partial", "Not all of the transaction was seen: there was more than is counted.")
	hTruncated   = changeSchema.Bool("truncated", "Not all of the change was captured.")
	hInferred    = changeSchema.List("inferred", "What was not told but concluded: plugin, relation, stream.")

	unchangedValue = NewField("unchanged", TypeBool, "", "The value is as before and was not sent.")
)

var kindWords = func() (w [replication.NumOperations]*Word) {
	for op := range w {
		w[op] = NewWord(hKind, replication.Operation(op).String())
	}
	return w
}()

// Schema describes changes.
func (c *Change) Schema() *Schema { return changeSchema }

// Place is the packet that completed it.
func (c *Change) Place() Stamp { return c.At }

// Of is its connection.
func (c *Change) Of() *Conn { return c.Conn }

// Clone returns a copy that borrows nothing.
func (c *Change) Clone() Record {
	n := *c
	n.Change, n.text = c.Change.Clone(), nil
	return &n
}

// Visit shows the change.
func (c *Change) Visit(v Visitor) {
	v.Word(kindWords[c.Operation])
	switch c.Operation {
	case replication.OpInsert, replication.OpUpdate, replication.OpDelete:
		c.visitRow(v)
	case replication.OpTruncate:
		c.visitTruncate(v)
	case replication.OpMessage:
		v.Text(hPrefix, c.Message.Prefix)
		v.Data(hContent, c.Message.Content)
	}
	c.lsn(v, hLSN, c.LSN)
	number(v, hXID, uint64(c.XID))
	number(v, hSubXID, uint64(c.SubXID))
	if c.HasCommit {
		c.lsn(v, hCommitLSN, c.CommitLSN)
		if ns, ok := c.CommitTime.UnixNano(); ok {
			v.Time(hCommitTime, ns)
		}
	}
	if c.Prepared {
		v.Text(hGID, c.GID)
		v.Bool(hPrepared, true)
	}
	yes(v, hStreamed, c.Streamed)
	if c.Sum != nil {
		c.visitSum(v)
	}
	c.visitInferred(v)
	yes(v, hTruncated, c.Torn())
}

// Torn reports whether not all of the change was captured: its last value may be a part
// of one, and what follows it is missing.
func (c *Change) Torn() bool { return c.Meaning.Flags&replication.Cut != 0 }

func (c *Change) lsn(v Visitor, f *Field, l replication.LSN) {
	c.text = l.Append(c.text[:0])
	v.Text(f, c.text)
}

func (c *Change) visitRow(v Visitor) {
	r := c.Meaning.Relation
	if r == nil {
		v.Uint(hOID, uint64(c.OID))
	} else {
		v.Text(hRelation, r.Qualified)
	}
	switch {
	case c.Before == 'K':
		visitTuple(v, hKey, hKeyValues, c.Old, r, true)
	case c.Before == 'O':
		visitTuple(v, hOld, hOldValues, c.Old, r, false)
	}
	if c.Operation == replication.OpDelete || c.Torn() && c.New.Len() == 0 {
		return
	}
	if c.Before == 0 && KeyIn(c.New, r) {
		visitTuple(v, hKey, nil, c.New, r, true)
	}
	visitTuple(v, hNew, hNewValues, c.New, r, false)
	visitUnchanged(v, c.New, r)
}

// KeyIn reports whether a new row holds the key that tells rows apart: it is known
// which columns that is, and all of them were sent, and captured.
func KeyIn(t replication.Tuple, r *replication.Relation) bool {
	if r == nil || !r.Keyed() || len(r.Columns) < t.Len() {
		return false
	}
	n := 0
	it, i := t.Iter(), 0
	for ; i < r.Keys() && it.Next(); i++ {
		if !r.Columns[i].Key {
			continue
		}
		if it.Kind() != replication.ColumnText && it.Kind() != replication.ColumnBinary || it.Torn() {
			return false
		}
		n++
	}
	return n > 0 && i == r.Keys()
}

// visitTuple shows a row by the names of its columns, or, where they are not known,
// its values in their order.
func visitTuple(v Visitor, row, values *Field, t replication.Tuple, r *replication.Relation, key bool) {
	named := r != nil && len(r.Columns) >= t.Len()
	if named {
		v.Open(row)
	} else {
		v.Open(values)
	}
	n := t.Len()
	if named && key {
		n = r.Keys()
	}
	it := t.Iter()
	for i := 0; i < n && it.Next(); i++ {
		if it.Kind() == replication.ColumnUnchanged {
			if !named {
				v.Open(nil)
				v.Bool(unchangedValue, true)
				v.Close()
			}
			continue
		}
		oid, format := uint32(0), int16(0)
		if it.Kind() == replication.ColumnBinary {
			format = 1
		}
		if named {
			column := &r.Columns[i]
			if key && !column.Key {
				continue // not sent, or not of the key
			}
			oid = column.TypeOID
			v.Key(column.Name)
		}
		v.Value(nil, it.Value(), oid, format)
		if it.Torn() {
			v.Cut(it.Size())
		}
	}
	v.Close()
}

// visitUnchanged names the columns that were not sent.
func visitUnchanged(v Visitor, t replication.Tuple, r *replication.Relation) {
	if !t.Unchanged() || r == nil || len(r.Columns) < t.Len() {
		return
	}
	open := false
	it := t.Iter()
	for i := 0; it.Next(); i++ {
		if it.Kind() != replication.ColumnUnchanged {
			continue
		}
		if !open {
			v.Open(hUnchanged)
			open = true
		}
		v.Text(nil, r.Columns[i].Name)
	}
	if open {
		v.Close()
	}
}

func (c *Change) visitTruncate(v Visitor) {
	v.Open(hRelations)
	for i := range c.Truncate.OIDs.Len() {
		c.visitName(v, c.relationAt(i), c.Truncate.OIDs.At(i))
	}
	v.Close()
	yes(v, hCascade, c.Truncate.Options&replication.TruncateCascade != 0)
	yes(v, hRestart, c.Truncate.Options&replication.TruncateRestartIdentity != 0)
}

func (c *Change) relationAt(i int) *replication.Relation {
	if i < len(c.Meaning.Truncated) {
		return c.Meaning.Truncated[i]
	}
	return nil
}

func (c *Change) visitName(v Visitor, r *replication.Relation, oid uint32) {
	v.Text(nil, c.nameOf(r, oid))
}

// nameOf is the name of a relation, or its OID.
func (c *Change) nameOf(r *replication.Relation, oid uint32) []byte {
	if r != nil {
		return r.Qualified
	}
	c.text = appendDecimal(c.text[:0], uint64(oid))
	return c.text
}

func appendDecimal(dst []byte, n uint64) []byte {
	if n >= 10 {
		dst = appendDecimal(dst, n/10)
	}
	return append(dst, byte('0'+n%10))
}

var countFields = func() (f [replication.OpMessage + 1]*Field) {
	for op := range f {
		f[op] = NewField(replication.Operation(op).String(), TypeInt, "", "How many there were.")
	}
	return f
}()

// visitSum shows what a transaction held: for each relation an object. Messages
// that belong to no relation stand under the empty name.
func (c *Change) visitSum(v Visitor) {
	v.Open(hChanges)
	for list := c.Sum.Counts; len(list) > 0; {
		of := list[0]
		if of.OID == 0 {
			v.Key(nil)
		} else {
			v.Key(c.nameOf(of.Relation, of.OID))
		}
		v.Open(nil)
		for len(list) > 0 && list[0].OID == of.OID {
			v.Uint(countFields[list[0].Operation], list[0].N)
			list = list[1:]
		}
		v.Close()
	}
	v.Close()
	if c.SubXID == 0 {
		v.Uint(hBytes, c.Sum.Bytes)
		if c.At.Time != 0 && c.Sum.Start != 0 {
			v.Int(hDuration, c.At.Time-c.Sum.Start)
		}
	}
	yes(v, hPartial, c.Sum.Partial)
}

func (c *Change) visitInferred(v Visitor) {
	flags := c.Meaning.Flags
	if flags&(replication.InferredPlugin|replication.InferredRelation|replication.InferredStream) == 0 {
		return
	}
	v.Open(hInferred)
	for _, p := range inferredParts {
		if flags&p.flag != 0 {
			v.String(nil, p.name)
		}
	}
	v.Close()
}

var inferredParts = []struct {
	flag replication.Flags
	name string
}{
	{replication.InferredPlugin, "plugin"},
	{replication.InferredRelation, "relation"},
	{replication.InferredStream, "stream"},
}
