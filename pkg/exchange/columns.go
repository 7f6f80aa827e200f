package exchange

import (
	"bytes"
	"hash/maphash"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Columns is the description of a result, decoded when somebody asks.
type Columns struct {
	// Memo is the Handler's own: what it found out about the columns. Nobody else looks
	// at it, and results that are described alike often share one Columns.
	Memo any

	raw     []byte // body of the RowDescription
	decoded messages.RowDescription
	done    bool
}

const (
	// maxKnown is the longest description that is remembered for other results, in
	// bytes. Of 64 at most: with what is decoded of them, a megabyte.
	maxKnown     = 4 << 10
	columnsSets  = 16
	columnsInSet = 4
)

// newColumns returns the description with body raw, which is old if it is the
// same, or one of the latest of all connections: applications ask the same again
// and again.
func (s *Shared) newColumns(raw []byte, old *Columns) *Columns {
	if old != nil && bytes.Equal(old.raw, raw) {
		return old
	}
	if len(raw) > maxKnown {
		return &Columns{raw: bytes.Clone(raw)}
	}
	set := &s.columns[maphash.Bytes(s.seed, raw)%columnsSets]
	for _, c := range set {
		if c != nil && bytes.Equal(c.raw, raw) {
			return c
		}
	}
	copy(set[1:], set[:]) // the oldest goes
	set[0] = &Columns{raw: bytes.Clone(raw)}
	return set[0]
}

// Description returns the body of the RowDescription that c was made from; its
// format codes are not always those of the result. It must not be changed.
func (c *Columns) Description() []byte { return c.raw }

// size is the memory that c takes once it is decoded, in bytes: a field takes at
// least 19 on the wire and 48 decoded.
func (c *Columns) size() int {
	if c == nil {
		return 0
	}
	return 4*len(c.raw) + 100
}

// Fields returns the columns. The slice must not be changed.
func (c *Columns) Fields() []messages.ColumnDescription {
	if c == nil {
		return nil
	}
	if !c.done {
		c.done = true
		_ = c.decoded.Decode(c.raw) // a cut description yields the columns before the cut
	}
	return c.decoded.Fields
}

// withFormats returns the columns as a Bind's result formats will have them:
// the answer to Describe of a statement does not know them yet.
func (c *Columns) withFormats(formats []int16) *Columns {
	if c == nil || len(formats) == 0 {
		return c
	}
	fields := c.Fields()
	same := true
	for i := range fields {
		if fields[i].Format != messages.FormatOf(formats, i) {
			same = false
			break
		}
	}
	if same {
		return c
	}
	d := &Columns{raw: c.raw, done: true}
	d.decoded.Fields = append([]messages.ColumnDescription(nil), fields...)
	d.decoded.SetResultFormats(formats)
	return d
}
