package value

import (
	"encoding/binary"
	"time"
)

const (
	// maxDepth bounds arrays of rows of arrays of… Each level takes at least 12
	// bytes; real ones have two or three.
	maxDepth = 32

	// A composed value's text may take textFloor + textFactor bytes per byte on
	// the wire; beyond that it is refused. The longest honest expansion is a bit
	// string's, 8. A numeric such as 1e131071 makes 131 kB of 10 bytes, which
	// textFloor allows once, but not in every element of an array; and quotes in
	// nested rows double at each level.
	textFloor  = 1 << 20
	textFactor = 16
)

// Session holds the settings of a connection that change how its values print.
type Session struct {
	// TimeZone is used for timestamptz; nil is UTC. See Zone.
	TimeZone *time.Location
	// Dates and DayFirst are DateStyle, Intervals is IntervalStyle. See SessionOf.
	Dates     DateStyle
	DayFirst  bool
	Intervals IntervalStyle
}

// Append appends the text PostgreSQL would print for b, a value in binary format
// of the type oid, which must not be NULL. s may be nil. ok is false if the type
// is not known or b does not have its format; then dst is returned with its
// contents unchanged.
func Append(dst []byte, oid uint32, b []byte, s *Session) (out []byte, ok bool) {
	if isMark(b) {
		return append(dst, b...), true
	}
	p := newPrinter(dst, b, s)
	out, ok = p.value(dst, oid, b)
	if !ok {
		return dst, false
	}
	return out, true
}

// isMark tells whether b is what stands for a value that was hidden (package
// redact), in whatever format and of whatever type that was.
func isMark(b []byte) bool {
	const begin = "<redacted"
	return len(b) > len(begin) && b[0] == '<' && string(b[:len(begin)]) == begin && b[len(b)-1] == '>'
}

// printer is the state of one Append. Its methods take the text so far and return
// it grown; where they return false the text is worthless.
type printer struct {
	session *Session
	limit   int // the longest that the text may become, with what was there before
	depth   int
}

func newPrinter(dst, b []byte, s *Session) printer {
	size := min(len(b), 1<<26) // the product fits an int of 32 bits
	return printer{session: s, limit: len(dst) + textFloor + textFactor*size}
}

func (p *printer) value(dst []byte, oid uint32, b []byte) ([]byte, bool) {
	t := lookup(oid)
	if t == nil {
		return dst, false
	}
	switch t.kind {
	case kArray, kVector, kRange, kMultirange, kRecord:
		return p.composed(dst, t, b)
	case kTimestampTZ:
		return appendTimestampTZ(dst, b, p.session)
	default:
		return appendScalar(dst, t.kind, b, p.session)
	}
}

// element prints a part of a composed value, whose type may be one that only the
// database knows.
func (p *printer) element(dst []byte, oid uint32, b []byte) ([]byte, bool) {
	if lookup(oid) == nil {
		return p.unknown(dst, b)
	}
	return p.value(dst, oid, b)
}

func (p *printer) composed(dst []byte, t *typeInfo, b []byte) ([]byte, bool) {
	if p.depth == maxDepth {
		return dst, false
	}
	p.depth++
	var ok bool
	switch t.kind {
	case kArray:
		dst, ok = p.array(dst, t.elem, b)
	case kVector:
		dst, ok = p.vector(dst, t.elem, b)
	case kRange:
		dst, ok = p.rangeValue(dst, t.elem, b)
	case kMultirange:
		dst, ok = p.multirange(dst, t.elem, b)
	default:
		dst, ok = p.record(dst, b)
	}
	p.depth--
	return dst, ok && len(dst) <= p.limit
}

// appendScalar prints the types that contain no other.
func appendScalar(dst []byte, k kind, b []byte, s *Session) ([]byte, bool) {
	switch k {
	case kText:
		return append(dst, b...), true
	case kInt2, kInt4, kInt8, kOID, kReg, kXID8, kBool:
		return appendInteger(dst, k, b)
	case kFloat4, kFloat8:
		return appendFloatValue(dst, k, b)
	case kNumeric:
		return appendNumeric(dst, b)
	case kMoney:
		return appendMoney(dst, b)
	case kDate:
		return appendDate(dst, b, s)
	case kTime:
		return appendTime(dst, b)
	case kTimeTZ:
		return appendTimeTZ(dst, b)
	case kTimestamp:
		return appendTimestamp(dst, b, s)
	case kInterval:
		return appendInterval(dst, b, s)
	case kBytea:
		return appendBytea(dst, b), true
	case kChar:
		return appendChar(dst, b)
	case kUUID:
		return appendUUID(dst, b)
	case kVersioned:
		return appendVersioned(dst, b)
	case kBits:
		return appendBits(dst, b)
	case kInet, kCIDR:
		return appendInet(dst, b, k == kCIDR)
	case kMAC:
		return appendMAC(dst, b, 6)
	case kMAC8:
		return appendMAC(dst, b, 8)
	case kPoint, kLseg, kPath, kBox, kPolygon, kLine, kCircle:
		return appendGeometric(dst, k, b)
	case kTSVector:
		return appendTSVector(dst, b)
	case kTSQuery:
		return appendTSQuery(dst, b)
	case kLSN:
		return appendLSN(dst, b)
	case kTID:
		return appendTID(dst, b)
	case kSnapshot:
		return appendSnapshot(dst, b)
	case kRegtype:
		return appendRegtype(dst, b)
	case kVoid:
		return dst, len(b) == 0
	default:
		return dst, false
	}
}

// uint16At and its like read at an offset that the caller has checked.
func uint16At(b []byte, off int) uint16 { return binary.BigEndian.Uint16(b[off:]) }
func uint32At(b []byte, off int) uint32 { return binary.BigEndian.Uint32(b[off:]) }
func uint64At(b []byte, off int) uint64 { return binary.BigEndian.Uint64(b[off:]) }
func int32At(b []byte, off int) int32   { return int32(binary.BigEndian.Uint32(b[off:])) }
func int64At(b []byte, off int) int64   { return int64(binary.BigEndian.Uint64(b[off:])) }

// cutSized splits a value with an Int32 length before it off b; a length of -1
// is NULL (value is nil). ok is false if b is too short.
func cutSized(b []byte) (value, rest []byte, ok bool) {
	if len(b) < 4 {
		return nil, nil, false
	}
	n := int32At(b, 0)
	b = b[4:]
	if n == -1 {
		return nil, b, true
	}
	if n < 0 || int(n) > len(b) {
		return nil, nil, false
	}
	return b[:n:n], b[n:], true
}
