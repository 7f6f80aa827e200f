package render

import (
	"bytes"
	"encoding/binary"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// cutOff is what a message ends inside, of which only the beginning is there: a
// field, or a value of one.
type cutOff struct {
	field  string
	index  int // -1: the field is no list
	length int // of the whole, in bytes
}

// cutOffOf tells what a message ends inside, where its form tells. size is its
// length on the wire with its head.
func cutOffOf(k messages.Kind, b []byte, size int) (cutOff, bool) {
	const head = 5
	missing := size - head - len(b)
	if missing <= 0 {
		return cutOff{}, false
	}
	switch k {
	case messages.KindQuery:
		return cutOff{"query", -1, len(b) + missing - 1}, bytes.IndexByte(b, 0) < 0
	case messages.KindCopyData:
		return cutOff{"data", -1, len(b) + missing}, true
	case messages.KindNotificationResponse:
		_, payload, ok := bytes.Cut(b[min(4, len(b)):], []byte{0})
		return cutOff{"payload", -1, len(payload) + missing - 1}, ok && bytes.IndexByte(payload, 0) < 0
	case messages.KindDataRow:
		return cutValue("values", b)
	case messages.KindBind:
		_, b, _ = bytes.Cut(b, []byte{0})
		_, b, _ = bytes.Cut(b, []byte{0})
		return cutValue("parameters", afterFormats(b))
	case messages.KindFunctionCall:
		return cutValue("arguments", afterFormats(b[min(4, len(b)):]))
	case messages.KindFunctionCallResponse:
		if len(b) >= 4 {
			return cutOff{"result", -1, int(binary.BigEndian.Uint32(b))}, true
		}
	}
	return cutOff{}, false
}

// afterFormats steps over a list of format codes.
func afterFormats(b []byte) []byte {
	if len(b) < 2 {
		return nil
	}
	return b[min(2+2*int(binary.BigEndian.Uint16(b)), len(b)):]
}

// cutValue finds the value that a list ends inside.
func cutValue(field string, b []byte) (cutOff, bool) {
	if len(b) < 2 {
		return cutOff{}, false
	}
	n := int(binary.BigEndian.Uint16(b))
	b = b[2:]
	for i := 0; i < n && len(b) >= 4; i++ {
		size := int(int32(binary.BigEndian.Uint32(b)))
		b = b[4:]
		switch {
		case size > len(b):
			return cutOff{field, i, size}, len(b) > 0
		case size > 0:
			b = b[size:]
		}
	}
	return cutOff{}, false
}

// cutOff notes that a value is not all there, whatever was cut of it besides.
func (b *body) cutOff(c cutOff) {
	if n := len(b.cuts); n > 0 && b.cuts[n-1].field == c.field && b.cuts[n-1].index == c.index {
		b.cuts[n-1].length = c.length
		return
	}
	b.cuts = append(b.cuts, cut(c))
}
