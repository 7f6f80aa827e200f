package value

import "math"

const pointSize = 16

// appendGeometric prints the geometric types, which are made of float8s.
func appendGeometric(dst []byte, k kind, b []byte) ([]byte, bool) {
	switch k {
	case kPath:
		return appendPath(dst, b)
	case kPolygon:
		if len(b) < 4 || !countsPoints(b[4:], int32At(b, 0)) {
			return dst, false
		}
		return append(appendPoints(append(dst, '('), b[4:]), ')'), true
	case kPoint:
		if len(b) != pointSize {
			return dst, false
		}
		return appendPoints(dst, b), true
	case kBox:
		if len(b) != 2*pointSize {
			return dst, false
		}
		return appendPoints(dst, b), true
	case kLseg:
		if len(b) != 2*pointSize {
			return dst, false
		}
		return append(appendPoints(append(dst, '['), b), ']'), true
	case kLine:
		if len(b) != 24 {
			return dst, false
		}
		return append(appendCoordinates(append(dst, '{'), b), '}'), true
	case kCircle:
		if len(b) != 24 {
			return dst, false
		}
		dst = append(appendPoints(append(dst, '<'), b[:pointSize]), ',')
		return append(appendCoordinates(dst, b[pointSize:]), '>'), true
	default:
		return dst, false
	}
}

// appendPath prints a path: whether it is closed, a count of points, points.
func appendPath(dst []byte, b []byte) ([]byte, bool) {
	if len(b) < 5 || b[0] > 1 || !countsPoints(b[5:], int32At(b, 1)) {
		return dst, false
	}
	brackets := "[]"
	if b[0] == 1 {
		brackets = "()"
	}
	return append(appendPoints(append(dst, brackets[0]), b[5:]), brackets[1]), true
}

// countsPoints reports whether b is n points, of which there must be one.
func countsPoints(b []byte, n int32) bool {
	return n > 0 && int64(n)*pointSize == int64(len(b))
}

func appendPoints(dst []byte, b []byte) []byte {
	for i := 0; i < len(b); i += pointSize {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendCoordinates(append(dst, '('), b[i:i+pointSize]), ')')
	}
	return dst
}

func appendCoordinates(dst []byte, b []byte) []byte {
	for i := 0; i < len(b); i += 8 {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendFloat(dst, math.Float64frombits(uint64At(b, i)), 64)
	}
	return dst
}
