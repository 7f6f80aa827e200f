package messages

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
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
	// ErrUndefined: a field has a value that the protocol does not define, as
	// those of a zero ReadyForQuery, Describe and Close do.
	ErrUndefined = errors.New("the protocol does not define this value")
	// ErrKey: a cancellation key is not of 4 to 256 bytes.
	ErrKey = errors.New("a key has 4 to 256 bytes")
	// ErrNoMessage: there is no message.
	ErrNoMessage = errors.New("a nil message")
	// ErrEmptyName: an empty name would end the list that it stands in.
	ErrEmptyName = errors.New("a name in a list is empty")
)

// Encodable reports what keeps the message's format from carrying m: it returns
// nil, or one of this package's errors wrapped with the field's name. A program
// that fills messages with strings from elsewhere asks before Append, which does
// not check; connections ask for everything that they send.
func Encodable(m Message) error {
	if m == nil {
		return ErrNoMessage
	}
	if plainlyEncodable(m) {
		return nil
	}
	c := checkers.Get().(*encodeChecker)
	*c = encodeChecker{kind: m.Kind()}
	c.values(m)
	m.Visit(c)
	if c.err == nil && c.size > maxBody {
		c.fail("length", ErrTooLong)
	}
	err := c.err
	checkers.Put(c)
	return err
}

// checkers are reused: one that is passed as a Visitor would be allocated each time.
var checkers = sync.Pool{New: func() any { return new(encodeChecker) }}

// plainlyEncodable reports whether nothing keeps a message of the frequent kinds
// from being sent. Where it says no, others find out what it is.
func plainlyEncodable(m Message) bool {
	switch m := m.(type) {
	case *DataRow:
		return fits(m.Values)
	case *CopyData:
		return len(m.Data) <= maxBody
	case *Query:
		return clean(m.SQL)
	case *CommandComplete:
		return clean(m.Tag)
	case *Parse:
		return clean(m.Statement) && clean(m.SQL) && len(m.ParameterOIDs) <= maxList
	case *Bind:
		return clean(m.Portal) && clean(m.Statement) && fits(m.Parameters) &&
			len(m.ParameterFormats) <= maxList && len(m.ResultFormats) <= maxList
	case *Describe:
		return m.Target.valid() && clean(m.Name)
	case *Close:
		return m.Target.valid() && clean(m.Name)
	case *Execute:
		return clean(m.Portal)
	case *ReadyForQuery:
		return m.Status.Valid()
	case *ErrorResponse:
		return m.clean()
	case *NoticeResponse:
		return m.clean()
	case *StartupMessage:
		return cleanPairs(m.Parameters)
	case *Sync, *Flush, *ParseComplete, *BindComplete, *NoData, *CopyDone, *StartupMessageV2:
		return true
	}
	return false
}

func (e *ErrorFields) clean() bool {
	size := 0
	for i := range e.Fields {
		size += len(e.Fields[i].Value)
		if e.Fields[i].Type == 0 || !clean(e.Fields[i].Value) {
			return false
		}
	}
	return size <= maxClean
}

func cleanPairs(list []Pair) bool {
	size := 0
	for i := range list {
		size += len(list[i].Name) + len(list[i].Value)
		if len(list[i].Name) == 0 || !clean(list[i].Name) || !clean(list[i].Value) {
			return false
		}
	}
	return size <= maxClean
}

// maxClean is far below what a message can be long, so that several strings of that
// size still fit.
const maxClean = maxBody / 8

func clean(s []byte) bool { return len(s) <= maxClean && bytes.IndexByte(s, 0) < 0 }

func fits(v Values) bool { return len(v) <= maxList && v.Bytes() <= maxClean }

// values checks fields whose values the protocol defines.
func (c *encodeChecker) values(m Message) {
	switch m := m.(type) {
	case *ReadyForQuery:
		c.defined("status", m.Status.Valid())
	case *Describe:
		c.defined("kind", m.Target.valid())
	case *Close:
		c.defined("kind", m.Target.valid())
	case *BackendKeyData:
		c.key(m.SecretKey)
	case *CancelRequest:
		c.key(m.SecretKey)
	}
}

func (c *encodeChecker) defined(name string, yes bool) {
	if !yes {
		c.fail(name, ErrUndefined)
	}
}

func (c *encodeChecker) key(k []byte) {
	if len(k) < minKey || len(k) > maxKey {
		c.fail("secret_key", ErrKey)
	}
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
	c.list(name, len(v), 4)
	c.size += int64(v.Bytes())
}

func (c *encodeChecker) Columns(name string, v []ColumnDescription) {
	c.list(name, len(v), minColumn)
	for i := range v {
		c.str(name, v[i].Name)
	}
}
