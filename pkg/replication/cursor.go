package replication

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Fault tells why bytes are not the message that their first byte names.
type Fault struct {
	Message string // the message's name in the manual
	Reason  string // in a few words
	Offset  int    // in bytes from the message's first
}

func (f *Fault) Error() string {
	return fmt.Sprintf("%s: %s at byte %d", f.Message, f.Reason, f.Offset)
}

const (
	reasonShort    = "the message ends too early"
	reasonNoNUL    = "no NUL ends the string"
	reasonTrailing = "bytes are left over"
	reasonTuple    = "not a tuple"
	reasonColumn   = "not a kind of column value"
	reasonLength   = "a length beyond the end of the message"
	reasonIdentity = "not a replica identity"
	reasonMany     = "more elements than there can be"
	reasonKind     = "not a message defined here"
)

// cursor reads a message field by field. The first fault sticks: reads after it
// return zero. It lives on the stack and allocates nothing.
type cursor struct {
	b      []byte
	off    int
	reason string // "" while there is no fault
	at     int
	// streamed tells that messages which may have one begin with a transaction
	// number.
	streamed bool
	// cut tells that bytes at the end were not captured: strings and tuples may
	// then end early.
	cut bool
}

func (c *cursor) fail(reason string) {
	if c.reason == "" {
		c.reason, c.at = reason, c.off
	}
}

func (c *cursor) has(n int) bool {
	if c.reason == "" && len(c.b)-c.off >= n {
		return true
	}
	c.fail(reasonShort)
	return false
}

// ok reports whether all was read without fault and nothing is left over.
func (c *cursor) ok() bool { return c.reason == "" && c.off == len(c.b) }

// fault returns what is wrong with a message of that name, nil if nothing is.
func (c *cursor) fault(name string) *Fault {
	if c.reason == "" && c.off != len(c.b) {
		c.fail(reasonTrailing)
	}
	if c.reason == "" {
		return nil
	}
	return &Fault{Message: name, Reason: c.reason, Offset: c.at}
}

func (c *cursor) byte1() byte {
	if !c.has(1) {
		return 0
	}
	c.off++
	return c.b[c.off-1]
}

func (c *cursor) uint16() uint16 {
	if !c.has(2) {
		return 0
	}
	c.off += 2
	return binary.BigEndian.Uint16(c.b[c.off-2:])
}

func (c *cursor) uint32() uint32 {
	if !c.has(4) {
		return 0
	}
	c.off += 4
	return binary.BigEndian.Uint32(c.b[c.off-4:])
}

func (c *cursor) uint64() uint64 {
	if !c.has(8) {
		return 0
	}
	c.off += 8
	return binary.BigEndian.Uint64(c.b[c.off-8:])
}

func (c *cursor) lsn() LSN   { return LSN(c.uint64()) }
func (c *cursor) time() Time { return Time(c.uint64()) }

// xid reads the transaction number of a message in a streamed transaction.
func (c *cursor) xid() uint32 {
	if !c.streamed {
		return 0
	}
	return c.uint32()
}

// cstring reads a string and its NUL.
func (c *cursor) cstring() []byte {
	if c.reason != "" {
		return nil
	}
	rest := c.b[c.off:]
	n := bytes.IndexByte(rest, 0)
	if n < 0 {
		c.fail(reasonNoNUL)
		return nil
	}
	c.off += n + 1
	return rest[:n:n]
}

// rest reads all that is left.
func (c *cursor) rest() []byte {
	if c.reason != "" {
		return nil
	}
	r := c.b[c.off:len(c.b):len(c.b)]
	c.off = len(c.b)
	return r
}

// counted reads an Int32 length and as many bytes. Of those that were not
// captured it returns what is there.
func (c *cursor) counted() []byte {
	n := int64(c.uint32())
	if c.reason != "" {
		return nil
	}
	left := len(c.b) - c.off
	if n > int64(left) {
		if !c.cut {
			c.off -= 4
			c.fail(reasonLength)
			return nil
		}
		n = int64(left)
	}
	c.off += int(n)
	return c.b[c.off-int(n) : c.off : c.off]
}
