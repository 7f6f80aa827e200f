package value

// The flags of a range's first byte (src/include/utils/rangetypes.h).
const (
	rangeEmpty         = 0x01
	rangeLowerIncluded = 0x02
	rangeUpperIncluded = 0x04
	rangeLowerInfinite = 0x08
	rangeUpperInfinite = 0x10
	rangeContainsEmpty = 0x80 // in GiST indexes alone
	rangeFlags         = 0x1F | rangeContainsEmpty
)

// rangeValue prints a range: flags, then each bound that is not infinite with its
// length.
func (p *printer) rangeValue(dst []byte, elem uint32, b []byte) ([]byte, bool) {
	if len(b) == 0 || b[0]&^rangeFlags != 0 {
		return dst, false
	}
	flags, rest := b[0], b[1:]
	if flags&rangeEmpty != 0 {
		return append(dst, "empty"...), len(rest) == 0
	}
	var ok bool
	dst = append(dst, "(["[flags&rangeLowerIncluded/rangeLowerIncluded])
	if flags&rangeLowerInfinite == 0 {
		if dst, rest, ok = p.rangeBound(dst, elem, rest); !ok {
			return dst, false
		}
	}
	dst = append(dst, ',')
	if flags&rangeUpperInfinite == 0 {
		if dst, rest, ok = p.rangeBound(dst, elem, rest); !ok {
			return dst, false
		}
	}
	return append(dst, ")]"[flags&rangeUpperIncluded/rangeUpperIncluded]), len(rest) == 0
}

func (p *printer) rangeBound(dst []byte, elem uint32, b []byte) (out, rest []byte, ok bool) {
	bound, rest, ok := cutSized(b)
	if !ok || bound == nil {
		return dst, nil, false
	}
	start := len(dst)
	if dst, ok = p.value(dst, elem, bound); !ok {
		return dst, nil, false
	}
	dst, ok = p.quote(dst, start, rangeSpecial, false)
	return dst, rest, ok
}

// multirange prints a count of ranges, each with its length, as "{[1,3),[5,8)}".
// The ranges inside are never quoted.
func (p *printer) multirange(dst []byte, rangeOID uint32, b []byte) ([]byte, bool) {
	if len(b) < 4 {
		return dst, false
	}
	n, rest := uint32At(b, 0), b[4:]
	dst = append(dst, '{')
	for i := range n {
		element, after, ok := cutSized(rest)
		if !ok || element == nil {
			return dst, false
		}
		rest = after
		if i > 0 {
			dst = append(dst, ',')
		}
		if dst, ok = p.value(dst, rangeOID, element); !ok || len(dst) > p.limit {
			return dst, false
		}
	}
	return append(dst, '}'), len(rest) == 0
}
