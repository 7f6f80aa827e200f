package replication

import (
	"bytes"
	"encoding/binary"
)

// RelationMessage describes a relation before its first row, and again after it
// was altered (manual: "Relation").
type RelationMessage struct {
	InStream
	OID             uint32
	Namespace, Name []byte // an empty namespace is pg_catalog
	Identity        byte   // the replica identity: d(efault), n(othing), f(ull), i(ndex)
	Columns         ColumnList
	body            []byte // of the message, from the OID on
}

func (*RelationMessage) Kind() Kind { return KindRelation }

func (m *RelationMessage) decode(c *cursor) {
	m.read(c)
	start := c.off
	m.OID, m.Namespace, m.Name, m.Identity = c.uint32(), c.cstring(), c.cstring(), c.byte1()
	switch {
	case c.reason != "":
	case m.Identity != 'd' && m.Identity != 'n' && m.Identity != 'f' && m.Identity != 'i':
		c.off--
		c.fail(reasonIdentity)
	}
	m.Columns = c.columns()
	m.body = c.b[min(start, len(c.b)):c.off]
}

func (m *RelationMessage) Append(dst []byte) []byte {
	dst = appendU32(m.append(append(dst, 'R')), m.OID)
	dst = append(appendCString(appendCString(dst, m.Namespace), m.Name), m.Identity)
	dst = binary.BigEndian.AppendUint16(dst, uint16(m.Columns.n))
	return append(dst, m.Columns.raw...)
}

func (m *RelationMessage) Visit(v Visitor) {
	m.visit(v)
	v.Int("oid", int64(m.OID))
	v.Text("namespace", m.Namespace)
	v.Text("name", m.Name)
	v.Text("replica_identity", identityName(m.Identity))
	v.Columns("columns", m.Columns)
}

// identityNames are the settings of REPLICA IDENTITY.
var identityNames = map[byte][]byte{
	'd': []byte("default"), 'n': []byte("nothing"), 'f': []byte("full"), 'i': []byte("index"),
}

func identityName(b byte) []byte { return identityNames[b] }

// ColumnList is the columns of a relation in the form of the wire; it is borrowed.
type ColumnList struct {
	n   int
	raw []byte
}

// Len returns the number of columns.
func (l ColumnList) Len() int { return l.n }

// Iter returns an iterator over the columns.
func (l ColumnList) Iter() ColumnIter { return ColumnIter{c: cursor{b: l.raw}, left: l.n} }

// ColumnIter walks a list of columns.
type ColumnIter struct {
	c            cursor
	left         int
	Key          bool   // part of the replica identity
	Name         []byte // borrowed
	TypeOID      uint32
	TypeModifier int32
}

// Next advances to the next column and reports whether there is one.
func (it *ColumnIter) Next() bool {
	if it.left == 0 {
		return false
	}
	it.left--
	it.Key = it.c.byte1()&1 != 0
	it.Name = it.c.cstring()
	it.TypeOID, it.TypeModifier = it.c.uint32(), int32(it.c.uint32())
	return it.c.reason == ""
}

func (c *cursor) columns() ColumnList {
	n := int(c.uint16())
	if c.reason == "" && n > MaxColumns {
		c.off -= 2
		c.fail(reasonMany)
	}
	start := c.off
	for range n {
		c.byte1()
		c.cstring()
		c.uint64()
		if c.reason != "" {
			return ColumnList{}
		}
	}
	if c.reason != "" {
		return ColumnList{}
	}
	return ColumnList{n: n, raw: c.b[start:c.off:c.off]}
}

// Relation is what a RelationMessage told. It is owned and must not be changed.
type Relation struct {
	OID             uint32
	Namespace, Name []byte // an empty namespace is pg_catalog
	Identity        byte   // as in RelationMessage
	Columns         []Column
	// Qualified is namespace and name as PostgreSQL's own messages join them:
	// schema.name, not quoted.
	Qualified []byte
	body      string
	keys      int
}

// Column is a column of a Relation.
type Column struct {
	Name         []byte
	Key          bool // part of the replica identity
	TypeOID      uint32
	TypeModifier int32
}

// Keyed reports whether the key columns alone tell rows apart: not where the
// identity is the full row, or nothing.
func (r *Relation) Keyed() bool { return r.Identity == 'd' || r.Identity == 'i' }

// Keys returns how many columns there are up to the last one of the key, 0 without a
// key: whoever looks for the key in a row need not walk on.
func (r *Relation) Keys() int { return r.keys }

// newRelation makes an owned copy; ok is false where two columns have one name,
// which no table has.
func newRelation(m *RelationMessage) (r *Relation, ok bool) {
	r = &Relation{
		OID: m.OID, Namespace: bytes.Clone(m.Namespace), Name: bytes.Clone(m.Name), Identity: m.Identity,
		Columns: make([]Column, 0, m.Columns.Len()), body: string(m.body),
	}
	r.Qualified = []byte("pg_catalog")
	if len(r.Namespace) > 0 {
		r.Qualified = bytes.Clone(r.Namespace)
	}
	r.Qualified = append(append(r.Qualified, '.'), r.Name...)
	names := make(map[string]bool, m.Columns.Len())
	for it := m.Columns.Iter(); it.Next(); {
		c := Column{Name: bytes.Clone(it.Name), Key: it.Key, TypeOID: it.TypeOID, TypeModifier: it.TypeModifier}
		// Those that look the same once they are UTF-8 have one name, too.
		name := string([]rune(string(c.Name)))
		if names[name] {
			return nil, false
		}
		names[name] = true
		r.Columns = append(r.Columns, c)
		if c.Key {
			r.keys = len(r.Columns)
		}
	}
	return r, true
}

// cost is about what it takes in memory, in bytes.
func (r *Relation) cost() int { return 256 + 3*len(r.body) + 64*len(r.Columns) }
