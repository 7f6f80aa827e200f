package render

import (
	"strconv"
	"time"

	"github.com/pgsniff/pgsniff/pkg/replication"
)

// replicationFields writes the messages of replication for reading. It is their
// Visitor.
type replicationFields struct {
	*fields
	meaning *replication.Meaning
}

// writeReplication writes what a CopyData holds instead of its bytes.
func (p *Pretty) writeReplication(m *replication.Meaning, data []byte) {
	v := &p.replication
	v.fields, v.meaning = &p.fields, m
	v.first = true
	outer, inner := p.messages.Decode(m, data)
	v.word(m.Kind.String())
	w, ok := outer.(*replication.WALData)
	if !ok || m.Mode != replication.ModeLogical {
		if outer != nil {
			outer.Visit(v)
		}
		return
	}
	v.line.space()
	v.line.ascii(w.Start.String())
	v.line.space()
	if inner == nil {
		v.anything(w.Data)
		return
	}
	v.line.painted(v.theme.name, m.Logical.String())
	if r := m.Relation; r != nil && m.Logical != replication.KindRelation {
		v.line.space()
		v.line.text(r.Qualified)
	}
	inner.Visit(v)
	for _, name := range inferredNames(m.Flags) {
		v.line.space()
		v.line.painted(v.theme.dim, name+" inferred")
	}
}

func (v *replicationFields) word(s string) {
	v.line.painted(v.theme.name, s)
	v.first = false
}

// field writes the name of a field.
func (v *replicationFields) field(name string) {
	v.line.space()
	v.line.paint(v.theme.dim)
	v.line.ascii(name + "=")
	v.line.unpaint(v.theme.dim)
}

// quiet are the fields that tell a reader nothing new: what is said by name, or is
// always the same.
func (v *replicationFields) quiet(name string) bool {
	switch name {
	case "relation_oid", "relation_oids":
		return v.meaning.Flags&replication.UnknownRelation == 0
	case "flags":
		return v.meaning.Logical != replication.KindMessage
	}
	return false
}

func (v *replicationFields) Int(name string, n int64) {
	if !v.quiet(name) {
		v.field(name)
		v.line.int(n)
	}
}

func (v *replicationFields) Uint(name string, n uint64) {
	v.field(name)
	v.line.ascii(strconv.FormatUint(n, 10))
}

func (v *replicationFields) Bool(name string, b bool) {
	if b {
		v.line.space()
		v.line.ascii(name)
	}
}

func (v *replicationFields) LSN(name string, l replication.LSN) {
	v.field(name)
	v.line.ascii(l.String())
}

func (v *replicationFields) Time(name string, t replication.Time) {
	v.field(name)
	v.line.ascii(t.Time().Format(time.RFC3339Nano))
}

func (v *replicationFields) Text(name string, s []byte) {
	v.field(name)
	if needsQuotes(s) {
		v.quoted(s)
		return
	}
	v.content(s)
}

func (v *replicationFields) Data(name string, s []byte) {
	v.field(name)
	v.anything(s)
}

func (v *replicationFields) Size(name string, n int) {
	if k := v.meaning.Kind; k == replication.KindWALData || k == replication.KindArchiveData {
		n = v.meaning.Size
	}
	v.field(name)
	v.line.int(int64(n))
}

func (v *replicationFields) Relations(name string, list replication.OIDs) {
	if !v.quiet(name) {
		v.field(name)
	}
	for i := range list.Len() {
		v.line.space()
		if i < len(v.meaning.Truncated) && v.meaning.Truncated[i] != nil {
			v.line.text(v.meaning.Truncated[i].Qualified)
		} else {
			v.line.uint(uint64(list.At(i)))
		}
	}
}

func (v *replicationFields) Columns(_ string, list replication.ColumnList) {
	open := " ("
	for it := list.Iter(); it.Next() && !v.line.full; {
		v.line.ascii(open)
		open = ", "
		v.line.text(it.Name)
		v.line.space()
		v.line.paint(v.theme.dim)
		v.typeName(it.TypeOID)
		if it.Key {
			v.line.ascii(" key")
		}
		v.line.unpaint(v.theme.dim)
	}
	if list.Len() > 0 {
		v.line.ascii(")")
	}
}

func (v *replicationFields) Tuple(name string, t replication.Tuple) {
	if name != "new" || v.meaning.Logical == replication.KindUpdate {
		v.line.space()
		v.line.painted(v.theme.dim, name+":")
	}
	v.row(t, v.meaning.Relation, name == "key")
}

// row writes the columns of a row by name where they are known; of a key those
// that belong to it.
func (f *fields) row(t replication.Tuple, r *replication.Relation, key bool) {
	if r != nil && len(r.Columns) < t.Len() {
		r = nil
	}
	it := t.Iter()
	for i := 0; it.Next() && !f.line.full; i++ {
		oid := uint32(0)
		if r != nil {
			if oid = r.Columns[i].TypeOID; key && !r.Columns[i].Key {
				continue
			}
		}
		f.line.space()
		if r != nil {
			f.line.paint(f.theme.dim)
			f.line.text(r.Columns[i].Name)
			f.line.ascii("=")
			f.line.unpaint(f.theme.dim)
		}
		if it.Kind() == replication.ColumnUnchanged {
			f.line.painted(f.theme.dim, "unchanged")
			continue
		}
		if it.Torn() {
			f.tail, f.whole = it.Value(), it.Size()
		}
		f.value(it.Value(), oid, formatOfColumn(it.Kind()))
		f.tail, f.whole = nil, 0
	}
}
