package messages

import (
	"bytes"
	"errors"
	"fmt"
)

// Errors that Encodable wraps.
var (
	// ErrNUL: a string has a NUL inside, which would end it on the wire and
	// make the rest of it the next field.
	ErrNUL = errors.New("a string has a NUL inside")
	// ErrTooMany: a list has more elements than its count can tell.
	ErrTooMany = errors.New("a list has more than 65535 elements")
	// ErrTooLong: the message is longer than its length field can tell.
	ErrTooLong = errors.New("the message is longer than 2 GiB")
	// ErrEmptyName: an empty name would end the list that it stands in.
	ErrEmptyName = errors.New("a name in a list is empty")
	// ErrCutList: a list of values comes from a body that was cut short.
	ErrCutList = errors.New("a list of values is cut short")
)

// Encodable reports what keeps the message's format from carrying m: it returns
// nil, or one of this package's errors wrapped with the field's name. A program
// that fills messages with strings from elsewhere asks before Append, which does
// not check.
func Encodable(m Message) error {
	c := encodeChecker{kind: m.Kind()}
	m.Visit(&c)
	if c.err == nil && c.size > maxBody {
		c.fail("length", ErrTooLong)
	}
	return c.err
}

// encodeChecker is a Visitor: Text is what the formats send as NUL-terminated
// strings, except "data", which is always the rest of the body or counted.
type encodeChecker struct {
	kind Kind
	size int64 // of the fields' bytes, without counts and terminators
	err  error
}

func (c *encodeChecker) fail(name string, err error) {
	if c.err == nil {
		c.err = fmt.Errorf("%v: %s: %w", c.kind, name, err)
	}
}

func (c *encodeChecker) str(name string, s []byte) {
	c.size += int64(len(s))
	if name != "data" && bytes.IndexByte(s, 0) >= 0 {
		c.fail(name, ErrNUL)
	}
}

func (c *encodeChecker) list(name string, n, elementSize int) {
	c.size += int64(n) * int64(elementSize)
	if n > maxList {
		c.fail(name, ErrTooMany)
	}
}

func (c *encodeChecker) Int(string, int64)                {}
func (c *encodeChecker) Bool(string, bool)                {}
func (c *encodeChecker) Text(name string, v []byte)       { c.str(name, v) }
func (c *encodeChecker) SecretText(name string, v []byte) { c.str(name, v) }
func (c *encodeChecker) Data(_ string, v []byte)          { c.size += int64(len(v)) }
func (c *encodeChecker) Hex(_ string, v []byte)           { c.size += int64(len(v)) }
func (c *encodeChecker) SecretHex(_ string, v []byte)     { c.size += int64(len(v)) }
func (c *encodeChecker) Value(_ string, v []byte)         { c.size += int64(len(v)) }
func (c *encodeChecker) OIDs(name string, v []uint32)     { c.list(name, len(v), 4) }
func (c *encodeChecker) Formats(name string, v []int16)   { c.list(name, len(v), 2) }

func (c *encodeChecker) Texts(name string, v [][]byte) {
	for _, s := range v {
		c.str(name, s)
		// Only a mechanism's emptiness matters: protocol options are counted.
		if len(s) == 0 && c.kind == KindAuthenticationSASL {
			c.fail(name, ErrEmptyName)
		}
	}
}

func (c *encodeChecker) Pairs(name string, v []Pair) {
	for i := range v {
		c.str(name, v[i].Name)
		c.str(name, v[i].Value)
		if len(v[i].Name) == 0 {
			c.fail(name, ErrEmptyName)
		}
	}
}

func (c *encodeChecker) Values(name string, v Values, _ []int16) {
	c.list(name, v.n, 0)
	c.size += int64(len(v.raw))
	if !v.whole() {
		c.fail(name, ErrCutList)
	}
}

func (c *encodeChecker) Columns(name string, v []ColumnDescription) {
	c.list(name, len(v), minColumn)
	for i := range v {
		c.str(name, v[i].Name)
	}
}
