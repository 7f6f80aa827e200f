package messages

import "bytes"

// StartupMessageV2 opens a session of protocol version 2, which servers since
// PostgreSQL 14 refuse. It is recognised so that such a connection can be told
// from one that is not PostgreSQL. Its strings have a fixed size; here they are
// without the NULs that fill them up, borrowed from the body.
type StartupMessageV2 struct {
	Version                              ProtocolVersion
	Database, User, Options, Unused, TTY []byte
}

func (*StartupMessageV2) Kind() Kind { return KindStartupMessageV2 }

func (m *StartupMessageV2) Decode(body []byte) error {
	c := cursor{body: body}
	m.Version = ProtocolVersion(c.uint32("protocol_version"))
	if !c.failed() && m.Version.Major() != 2 {
		c.off = 0
		c.fail("protocol_version", reasonCode)
	}
	for _, f := range m.fields() {
		*f.value = c.padded("parameters", f.size)
	}
	return c.end(KindStartupMessageV2)
}

func (m *StartupMessageV2) Append(dst []byte) []byte {
	dst, at := beginUntyped(dst)
	dst = appendUint32(dst, uint32(m.Version))
	for _, f := range m.fields() {
		s := *f.value
		s = s[:min(len(s), f.size)]
		dst = append(dst, s...)
		dst = append(dst, zeros[:f.size-len(s)]...)
	}
	return finish(dst, at)
}

func (m *StartupMessageV2) Visit(v Visitor) {
	v.Text("protocol_version", m.Version.text())
	var pairs []Pair
	for _, f := range m.fields() {
		if s, _, _ := bytes.Cut(*f.value, zeros[:1]); len(s) > 0 {
			pairs = append(pairs, Pair{Name: []byte(f.name), Value: s})
		}
	}
	v.Pairs("parameters", pairs)
}

// fieldV2 is one of the strings of a version-2 startup packet.
type fieldV2 struct {
	name  string
	size  int
	value *[]byte
}

// fields lists the strings in wire order.
func (m *StartupMessageV2) fields() [5]fieldV2 {
	return [5]fieldV2{
		{"database", 64, &m.Database},
		{"user", 32, &m.User},
		{"options", 64, &m.Options},
		{"unused", 64, &m.Unused},
		{"tty", 64, &m.TTY},
	}
}

var zeros [64]byte

// padded reads a string of fixed size and drops the NULs at its end.
func (c *cursor) padded(field string, size int) []byte {
	if !c.has(field, size) {
		return nil
	}
	s := bytes.TrimRight(c.body[c.off:c.off+size], "\x00")
	c.off += size
	return s[:len(s):len(s)]
}

// ErrorResponseV2 is an error as version 2 sends it: 'E', text, NUL, and no
// length field. Servers answer with it to a version-2 startup, and also to
// others while they cannot yet speak version 3, as when no process could be
// started for the connection.
type ErrorResponseV2 struct {
	Text []byte // borrowed from the body
}

func (*ErrorResponseV2) Kind() Kind { return KindErrorResponseV2 }

func (m *ErrorResponseV2) Decode(body []byte) error {
	c := cursor{body: body}
	m.Text = c.cstring("message")
	return c.end(KindErrorResponseV2)
}

func (m *ErrorResponseV2) Append(dst []byte) []byte {
	dst = append(dst, kinds[KindErrorResponseV2].tag)
	return appendCString(dst, m.Text)
}

func (m *ErrorResponseV2) Visit(v Visitor) {
	v.Text("message", m.Text)
}
