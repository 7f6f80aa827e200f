package replication

import "encoding/binary"

// InStream is what messages inside a streamed transaction begin with.
type InStream struct {
	Streamed bool   // between StreamStart and StreamStop
	XID      uint32 // of the transaction or subtransaction; 0 where not Streamed
}

func (s *InStream) read(c *cursor) { s.Streamed, s.XID = c.streamed, c.xid() }

func (s *InStream) append(dst []byte) []byte {
	if s.Streamed {
		dst = appendU32(dst, s.XID)
	}
	return dst
}

func (s *InStream) visit(v Visitor) {
	if s.Streamed {
		v.Int("xid", int64(s.XID))
	}
}

// LogicalMessage is what pg_logical_emit_message wrote (manual: "Message").
type LogicalMessage struct {
	InStream
	Flags   byte // 1: part of the transaction
	LSN     LSN
	Prefix  []byte
	Content []byte
}

func (*LogicalMessage) Kind() Kind { return KindMessage }

func (m *LogicalMessage) decode(c *cursor) {
	m.read(c)
	m.Flags, m.LSN, m.Prefix, m.Content = c.byte1(), c.lsn(), c.cstring(), c.counted()
}

func (m *LogicalMessage) Append(dst []byte) []byte {
	dst = append(m.append(append(dst, 'M')), m.Flags)
	dst = appendCString(appendLSN(dst, m.LSN), m.Prefix)
	return append(appendU32(dst, uint32(len(m.Content))), m.Content...)
}

func (m *LogicalMessage) Visit(v Visitor) {
	m.visit(v)
	v.Int("flags", int64(m.Flags))
	v.LSN("lsn", m.LSN)
	v.Text("prefix", m.Prefix)
	v.Data("content", m.Content)
}

// Type names a type that is not built in, before the relation that uses it
// (manual: "Type").
type Type struct {
	InStream
	OID             uint32
	Namespace, Name []byte // an empty namespace is pg_catalog
}

func (*Type) Kind() Kind { return KindType }

func (m *Type) decode(c *cursor) {
	m.read(c)
	m.OID, m.Namespace, m.Name = c.uint32(), c.cstring(), c.cstring()
}

func (m *Type) Append(dst []byte) []byte {
	dst = appendU32(m.append(append(dst, 'Y')), m.OID)
	return appendCString(appendCString(dst, m.Namespace), m.Name)
}

func (m *Type) Visit(v Visitor) {
	m.visit(v)
	v.Int("oid", int64(m.OID))
	v.Text("namespace", m.Namespace)
	v.Text("name", m.Name)
}

// Insert is a new row (manual: "Insert").
type Insert struct {
	InStream
	OID uint32 // of the relation
	New Tuple
}

func (*Insert) Kind() Kind { return KindInsert }

func (m *Insert) decode(c *cursor) {
	m.read(c)
	m.OID = c.uint32()
	m.New = c.tupleOf('N')
}

func (m *Insert) Append(dst []byte) []byte {
	return m.New.append(append(appendU32(m.append(append(dst, 'I')), m.OID), 'N'))
}

func (m *Insert) Visit(v Visitor) {
	m.visit(v)
	v.Int("relation_oid", int64(m.OID))
	v.Tuple("new", m.New)
}

// Update is a changed row (manual: "Update").
type Update struct {
	InStream
	OID uint32 // of the relation
	// Before tells what Old is: 'K' the key, where it changed, 'O' the whole row,
	// with REPLICA IDENTITY FULL, 0 nothing.
	Before byte
	Old    Tuple
	New    Tuple
}

func (*Update) Kind() Kind { return KindUpdate }

func (m *Update) decode(c *cursor) {
	m.read(c)
	m.OID, m.Before, m.Old = c.uint32(), 0, Tuple{}
	if c.reason == "" && c.off < len(c.b) && (c.b[c.off] == 'K' || c.b[c.off] == 'O') {
		m.Before = c.b[c.off]
		m.Old = c.tupleOf(m.Before)
	}
	m.New = c.tupleOf('N')
}

func (m *Update) Append(dst []byte) []byte {
	dst = appendU32(m.append(append(dst, 'U')), m.OID)
	if m.Before != 0 {
		dst = m.Old.append(append(dst, m.Before))
	}
	return m.New.append(append(dst, 'N'))
}

func (m *Update) Visit(v Visitor) {
	m.visit(v)
	v.Int("relation_oid", int64(m.OID))
	visitBefore(v, m.Before, m.Old)
	v.Tuple("new", m.New)
}

func visitBefore(v Visitor, before byte, t Tuple) {
	switch before {
	case 'K':
		v.Tuple("key", t)
	case 'O':
		v.Tuple("old", t)
	}
}

// Delete is a removed row (manual: "Delete").
type Delete struct {
	InStream
	OID    uint32
	Before byte // 'K' or 'O', as in Update
	Old    Tuple
}

func (*Delete) Kind() Kind { return KindDelete }

func (m *Delete) decode(c *cursor) {
	m.read(c)
	m.OID, m.Before, m.Old = c.uint32(), c.byte1(), Tuple{}
	if c.reason == "" && m.Before != 'K' && m.Before != 'O' {
		c.off--
		c.fail(reasonTuple)
		return
	}
	m.Old = c.tuple()
}

func (m *Delete) Append(dst []byte) []byte {
	return m.Old.append(append(appendU32(m.append(append(dst, 'D')), m.OID), m.Before))
}

func (m *Delete) Visit(v Visitor) {
	m.visit(v)
	v.Int("relation_oid", int64(m.OID))
	visitBefore(v, m.Before, m.Old)
}

// Truncate empties relations (manual: "Truncate").
type Truncate struct {
	InStream
	Options byte // 1: CASCADE, 2: RESTART IDENTITY
	OIDs    OIDs
}

// The options of a Truncate.
const (
	TruncateCascade         = 1
	TruncateRestartIdentity = 2
)

func (*Truncate) Kind() Kind { return KindTruncate }

func (m *Truncate) decode(c *cursor) {
	m.read(c)
	n := int64(c.uint32())
	m.Options, m.OIDs = c.byte1(), nil
	if c.reason != "" {
		return
	}
	left := int64(len(c.b)-c.off) / 4
	if n > left {
		if !c.cut {
			c.fail(reasonLength)
			return
		}
		n = left
	}
	m.OIDs = OIDs(c.b[c.off : c.off+int(n)*4])
	c.off += int(n) * 4
}

func (m *Truncate) Append(dst []byte) []byte {
	dst = appendU32(m.append(append(dst, 'T')), uint32(m.OIDs.Len()))
	return append(append(dst, m.Options), m.OIDs...)
}

func (m *Truncate) Visit(v Visitor) {
	m.visit(v)
	v.Bool("cascade", m.Options&TruncateCascade != 0)
	v.Bool("restart_identity", m.Options&TruncateRestartIdentity != 0)
	v.Relations("relation_oids", m.OIDs)
}

// OIDs is a list of object identifiers in the form of the wire. It is borrowed.
type OIDs []byte

// Len returns their number.
func (o OIDs) Len() int { return len(o) / 4 }

// At returns one of them.
func (o OIDs) At(i int) uint32 { return binary.BigEndian.Uint32(o[4*i:]) }
