package messages

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

// ErrProtocol is what all errors are, by errors.Is, that tell of the other side
// breaking the protocol: *DecodeError, *codec.FramingError, *codec.DecodingError,
// *tracker.Anomaly, connection.ErrInjected and *client.ProtocolError.
var ErrProtocol = errors.New("the PostgreSQL protocol was broken")

// DecodeError tells why a body does not have its message's format.
type DecodeError struct {
	Kind Kind
	// Field is the name under which Visit shows the field at fault, "" where
	// the fault belongs to none (bytes left over, a wrong request code).
	Field string
	// Offset is where in the body the fault lies, in bytes.
	Offset int
	// Reason says what is wrong, in a few words.
	Reason string
}

func (e *DecodeError) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("%v: %s at byte %d of the body", e.Kind, e.Reason, e.Offset)
	}
	return fmt.Sprintf("%v: %s: %s at byte %d of the body", e.Kind, e.Field, e.Reason, e.Offset)
}

// Is reports whether target is ErrProtocol.
func (e *DecodeError) Is(target error) bool { return target == ErrProtocol }

// The reasons of a DecodeError.
const (
	reasonShort    = "the body ends too early"
	reasonCut      = "the value goes beyond the end of the body"
	reasonNoNUL    = "no NUL ends the string"
	reasonTrailing = "bytes are left over"
	reasonCode     = "not the code of this message"
	reasonLength   = "negative length"
	reasonMany     = "more elements than any peer sends"
	reasonByte     = "not one of the bytes defined here"
	reasonKey      = "a key has 4 to 256 bytes"
)

// maxNames bounds lists of names whose elements may be as short as two bytes and
// cost many times that in memory: startup parameters, SASL mechanisms, protocol
// options. A startup packet of the greatest size holds no more than 3333.
const maxNames = 4096

// cursor reads a body field by field. The first fault sticks: all reads after
// it return zero, and end reports it. It lives on the stack and allocates
// nothing, so that WellFormed can use it too.
type cursor struct {
	body   []byte
	off    int
	field  string
	reason string // "" while there is no fault
	at     int
}

func (c *cursor) failed() bool { return c.reason != "" }

// left is the number of bytes not yet read.
func (c *cursor) left() int { return len(c.body) - c.off }

// fail records a fault at the current offset unless there is one already.
func (c *cursor) fail(field, reason string) {
	if c.reason == "" {
		c.field, c.reason, c.at = field, reason, c.off
	}
}

// end returns the fault as a *DecodeError; bytes not read are one.
func (c *cursor) end(k Kind) error {
	if c.off != len(c.body) {
		c.fail("", reasonTrailing)
	}
	if c.reason == "" {
		return nil
	}
	return &DecodeError{Kind: k, Field: c.field, Offset: c.at, Reason: c.reason}
}

// ok reports whether everything was read without fault.
func (c *cursor) ok() bool { return c.reason == "" && c.off == len(c.body) }

// has reports whether n more bytes can be read, and records a fault if not.
func (c *cursor) has(field string, n int) bool {
	if c.reason == "" && c.left() >= n {
		return true
	}
	c.fail(field, reasonShort)
	return false
}

func (c *cursor) byte1(field string) byte {
	if !c.has(field, 1) {
		return 0
	}
	c.off++
	return c.body[c.off-1]
}

func (c *cursor) uint16(field string) uint16 {
	if !c.has(field, 2) {
		return 0
	}
	c.off += 2
	return binary.BigEndian.Uint16(c.body[c.off-2:])
}

func (c *cursor) int16(field string) int16 { return int16(c.uint16(field)) }

func (c *cursor) uint32(field string) uint32 {
	if !c.has(field, 4) {
		return 0
	}
	c.off += 4
	return binary.BigEndian.Uint32(c.body[c.off-4:])
}

func (c *cursor) int32(field string) int32 { return int32(c.uint32(field)) }

// code reads the Int32 that tells messages of one type byte apart.
func (c *cursor) code(want uint32) {
	at := c.off
	if got := c.uint32(""); !c.failed() && got != want {
		c.off = at
		c.fail("", reasonCode)
	}
}

// cstring reads a string and its NUL. Without a NUL it is a fault, and the
// result is what is there.
func (c *cursor) cstring(field string) []byte {
	if c.failed() {
		return nil
	}
	rest := c.body[c.off:]
	n := 0
	if len(rest) == 0 || rest[0] != 0 { // else it is empty, as most names of portals are
		if n = bytes.IndexByte(rest, 0); n < 0 {
			c.fail(field, reasonNoNUL)
			return c.tail()
		}
	}
	c.off += n + 1
	return rest[:n:n]
}

// rest reads all that is left.
func (c *cursor) rest() []byte {
	if c.failed() {
		return nil
	}
	return c.tail()
}

// tail is rest also after a fault: it takes what a cut left of a field.
func (c *cursor) tail() []byte {
	r := c.body[c.off:len(c.body):len(c.body)]
	c.off = len(c.body)
	return r
}

// value reads an Int32 length and its bytes; nil for the length -1. What the
// end of the body cuts off is a fault, and the result is what is there.
func (c *cursor) value(field string) []byte {
	at := c.off
	size := c.int32(field)
	switch {
	case c.failed() || size == -1:
		return nil
	case size < 0:
		c.off = at
		c.fail(field, reasonLength)
		return nil
	case int(size) > c.left():
		c.fail(field, reasonCut)
		return c.tail()
	}
	c.off += int(size)
	return c.body[c.off-int(size) : c.off : c.off]
}

// values reads a count and as many values into dst. Where they are not all there,
// what is there is returned, the value that was cut included.
func (c *cursor) values(field string, dst Values) Values {
	if c.failed() {
		return dst[:0]
	}
	list, size := dst.split(c.body[c.off:])
	if size >= 0 {
		c.off += size
		return list
	}
	return c.cutValues(field, list[:0])
}

// cutValues is values for a list with a fault.
func (c *cursor) cutValues(field string, dst Values) Values {
	for n := int(c.uint16(field)); n > 0; n-- {
		at := c.off
		v := c.value(field)
		if c.failed() {
			if c.off-at > 4 { // cut inside the value's bytes: they are shown
				dst = append(dst, v)
			} else {
				c.off = at
			}
			break
		}
		dst = append(dst, v)
	}
	return dst
}

// skipValues is values without a result but their number.
func (c *cursor) skipValues() int {
	n := int(c.uint16(""))
	for i := 0; i < n && !c.failed(); i++ {
		c.value("")
	}
	return n
}

// formats reads a count and as many format codes into dst.
func (c *cursor) formats(field string, dst []int16) []int16 {
	list := c.body[c.off:]
	if c.reason != "" || len(list) < 2 || len(list)-2 < 2*int(binary.BigEndian.Uint16(list)) {
		return c.cutFormats(field, dst)
	}
	n := int(binary.BigEndian.Uint16(list))
	if cap(dst)-len(dst) < n {
		dst = slices.Grow(dst, n)
	}
	for at := 2; at <= 2*n; at += 2 {
		dst = append(dst, int16(binary.BigEndian.Uint16(list[at:])))
	}
	c.off += 2 + 2*n
	return dst
}

// cutFormats is formats for a list with a fault.
func (c *cursor) cutFormats(field string, dst []int16) []int16 {
	for n := int(c.uint16(field)); n > 0 && c.has(field, 2); n-- {
		dst = append(dst, c.int16(field))
	}
	return dst
}

// oids reads a count and as many object identifiers into dst.
func (c *cursor) oids(field string, dst []uint32) []uint32 {
	n := int(c.uint16(field))
	if c.failed() {
		return dst
	}
	dst = slices.Grow(dst, min(n, c.left()/4))
	for ; n > 0 && c.has(field, 4); n-- {
		dst = append(dst, c.uint32(field))
	}
	return dst
}

// pairs reads names and values up to the empty name that ends them, into dst.
func (c *cursor) pairs(field string, dst []Pair) []Pair {
	for !c.failed() {
		name := c.cstring(field)
		if c.failed() || len(name) == 0 {
			break
		}
		if len(dst) == maxNames {
			c.fail(field, reasonMany)
			break
		}
		value := c.cstring(field)
		if c.failed() && len(value) == 0 {
			break
		}
		dst = append(dst, Pair{name, value})
	}
	return dst
}

// skipPairs is pairs without a result.
func (c *cursor) skipPairs() {
	for !c.failed() && len(c.cstring("")) > 0 {
		c.cstring("")
	}
}
