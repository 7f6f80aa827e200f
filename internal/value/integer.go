package value

import "strconv"

// appendInteger prints boolean, integers, OIDs and transaction IDs.
func appendInteger(dst []byte, k kind, b []byte) ([]byte, bool) {
	switch {
	case k == kInt4 && len(b) == 4:
		return strconv.AppendInt(dst, int64(int32At(b, 0)), 10), true
	case k == kInt8 && len(b) == 8:
		return strconv.AppendInt(dst, int64At(b, 0), 10), true
	case k == kInt2 && len(b) == 2:
		return strconv.AppendInt(dst, int64(int16(uint16At(b, 0))), 10), true
	case k == kBool && len(b) == 1:
		return append(dst, "ft"[min(b[0], 1)]), true
	case k == kOID && len(b) == 4:
		return strconv.AppendUint(dst, uint64(uint32At(b, 0)), 10), true
	case k == kXID8 && len(b) == 8:
		return strconv.AppendUint(dst, uint64At(b, 0), 10), true
	case k == kReg && len(b) == 4:
		return appendReg(dst, uint32At(b, 0)), true
	}
	return dst, false
}

// appendReg prints an object's OID; 0 is "-", as regprocout and its like have it.
func appendReg(dst []byte, oid uint32) []byte {
	if oid == 0 {
		return append(dst, '-')
	}
	return strconv.AppendUint(dst, uint64(oid), 10)
}

// appendMoney prints cents as lc_monetary C (and en_US) has it: "-$1,234.50".
func appendMoney(dst []byte, b []byte) ([]byte, bool) {
	if len(b) != 8 {
		return dst, false
	}
	cents := uint64At(b, 0)
	if int64(cents) < 0 {
		dst = append(dst, '-')
		cents = -cents
	}
	dst = append(dst, '$')
	var digits [20]byte
	whole := strconv.AppendUint(digits[:0], cents/100, 10)
	for i, c := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, c)
	}
	return appendTwo(append(dst, '.'), cents%100), true
}

// appendTwo prints n, which is below 100, in two digits.
func appendTwo(dst []byte, n uint64) []byte {
	return append(dst, byte('0'+n/10), byte('0'+n%10))
}
