package render

import (
	"bytes"
	"strconv"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/units"
	"github.com/pgsniff/pgsniff/pkg/replication"
)

// change writes a change like a line of a diff: + a new row, ~ what is different in
// one, - the key of one that is gone.
func (p *Pretty) change(c *record.Change) {
	p.start()
	l, t := &p.line, p.opt.Theme
	l.wrap = true
	if c.At.Time != 0 {
		p.time(c.At.Time)
		l.space()
	}
	l.painted(t.conn, "#"+strconv.FormatUint(c.Conn.ID, 10))
	l.space()
	l.indent = min(l.col+2, 40)
	f := &p.fields
	f.types, f.columns, f.unknown, f.zone = nil, nil, false, p.zone.Named(c.Who.Formats)
	if c.Operation.Ends() {
		p.transaction(c)
	} else {
		p.rowChange(c)
	}
	p.end()
}

func (p *Pretty) rowChange(c *record.Change) {
	l, t, f := &p.line, p.opt.Theme, &p.fields
	r := c.Meaning.Relation
	switch c.Operation {
	case replication.OpInsert:
		p.changed("+", t.good, r, c.OID)
		f.row(c.New, r, false)
	case replication.OpUpdate:
		p.changed("~", t.warn, r, c.OID)
		p.update(c, r)
	case replication.OpDelete:
		p.changed("-", t.bad, r, c.OID)
		f.row(c.Old, r, c.Before == 'K')
	case replication.OpTruncate:
		l.painted(t.bad, "- truncate")
		for i := range c.Truncate.OIDs.Len() {
			l.space()
			p.relation(truncatedAt(c, i), c.Truncate.OIDs.At(i))
		}
		if c.Truncate.Options&replication.TruncateCascade != 0 {
			l.ascii(" cascade")
		}
		if c.Truncate.Options&replication.TruncateRestartIdentity != 0 {
			l.ascii(" restart identity")
		}
	case replication.OpMessage:
		l.ascii("* message ")
		f.quoted(c.Message.Prefix)
		l.space()
		f.anything(c.Message.Content)
	}
	p.doubts(c)
}

func truncatedAt(c *record.Change, i int) *replication.Relation {
	if i < len(c.Meaning.Truncated) {
		return c.Meaning.Truncated[i]
	}
	return nil
}

// changed writes the sign of a change and its relation.
func (p *Pretty) changed(sign string, color paint, r *replication.Relation, oid uint32) {
	p.line.painted(color, sign)
	p.line.space()
	p.relation(r, oid)
}

func (p *Pretty) relation(r *replication.Relation, oid uint32) {
	l := &p.line
	l.paint(p.opt.Theme.name)
	if r != nil {
		l.text(r.Qualified)
	} else {
		l.ascii("relation " + strconv.FormatUint(uint64(oid), 10))
	}
	l.unpaint(p.opt.Theme.name)
}

// update writes a changed row: with the old row at hand, its key and what is
// different.
func (p *Pretty) update(c *record.Change, r *replication.Relation) {
	f := &p.fields
	if c.Before == 'O' && r != nil && c.Old.Len() == c.New.Len() && len(r.Columns) >= c.New.Len() {
		p.differences(c.Old, c.New, r)
		return
	}
	if c.Before != 0 {
		p.line.painted(p.opt.Theme.dim, " (was")
		f.row(c.Old, r, c.Before == 'K')
		p.line.painted(p.opt.Theme.dim, ")")
	}
	f.row(c.New, r, false)
}

func (p *Pretty) differences(was, is replication.Tuple, r *replication.Relation) {
	l, t, f := &p.line, p.opt.Theme, &p.fields
	a, b := was.Iter(), is.Iter()
	for i := 0; a.Next() && b.Next(); i++ {
		l.space()
		l.paint(t.dim)
		l.text(r.Columns[i].Name)
		l.ascii("=")
		l.unpaint(t.dim)
		oid := r.Columns[i].TypeOID
		same := b.Kind() == replication.ColumnUnchanged || a.Kind() == b.Kind() && bytes.Equal(a.Value(), b.Value())
		f.value(a.Value(), oid, formatOfColumn(a.Kind()))
		if same {
			continue
		}
		l.painted(t.warn, " -> ")
		f.value(b.Value(), oid, formatOfColumn(b.Kind()))
	}
}

// transaction writes the end of a transaction, with what it held.
func (p *Pretty) transaction(c *record.Change) {
	l, t := &p.line, p.opt.Theme
	color := t.good
	if c.Operation == replication.OpAbort || c.Operation == replication.OpRollbackPrepared {
		color = t.bad
	}
	l.painted(color, "= "+string(bytes.ReplaceAll([]byte(c.Operation.String()), []byte("_"), []byte(" "))))
	if c.XID != 0 {
		l.ascii(" xid " + strconv.FormatUint(uint64(c.XID), 10))
	}
	if c.SubXID != 0 {
		l.ascii(" subtransaction " + strconv.FormatUint(uint64(c.SubXID), 10))
	}
	if c.Prepared {
		l.space()
		p.fields.quoted(c.GID)
	}
	if c.HasCommit {
		l.ascii(" at " + c.CommitLSN.String())
	}
	if c.Sum != nil {
		p.sum(c)
	}
	p.doubts(c)
}

func (p *Pretty) sum(c *record.Change) {
	l, t := &p.line, p.opt.Theme
	for i := range c.Sum.Counts {
		n := &c.Sum.Counts[i]
		if i == 0 {
			l.ascii(": ")
		} else {
			l.ascii(", ")
		}
		if i > 0 && c.Sum.Counts[i-1].OID == n.OID {
			// the relation is the one before
		} else if n.OID != 0 {
			p.relation(n.Relation, n.OID)
			l.space()
		}
		l.uint(n.N)
		l.space()
		l.ascii(n.Operation.String())
	}
	if c.SubXID == 0 {
		l.paint(t.dim)
		l.ascii("; ")
		l.uint(c.Sum.Bytes)
		l.ascii(" bytes")
		if c.At.Time != 0 && c.Sum.Start != 0 {
			l.ascii(" in ")
			l.text(units.AppendDuration(nil, c.At.Time-c.Sum.Start))
		}
		l.unpaint(t.dim)
	}
	if c.Sum.Partial {
		l.painted(t.warn, "; not all of it was seen")
	}
}

// doubts writes what may still be undone, and what was concluded.
func (p *Pretty) doubts(c *record.Change) {
	l, t := &p.line, p.opt.Theme
	if c.Streamed && !c.Operation.Ends() {
		xid := c.XID
		if c.SubXID != 0 {
			xid = c.SubXID
		}
		if xid == 0 {
			l.painted(t.dim, " (streamed)")
		} else {
			l.painted(t.dim, " (streamed, xid "+strconv.FormatUint(uint64(xid), 10)+")")
		}
	}
	if c.Torn() {
		l.painted(t.warn, " (not all of it was captured)")
	}
	for _, name := range inferredNames(c.Meaning.Flags) {
		l.painted(t.dim, " ("+name+" inferred)")
	}
}
