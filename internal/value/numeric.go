package value

import "strconv"

const (
	numericNegative = 0x4000
	numericNaN      = 0xC000
	numericPlusInf  = 0xD000
	numericMinusInf = 0xF000

	maxNumericScale = 0x3FFF
	numericHeader   = 8
)

// numericDigits are groups of four decimal digits, in a numeric's wire form.
type numericDigits []byte

// group returns group i, 0 outside of those that were sent.
func (d numericDigits) group(i int) uint16 {
	if uint(i) >= uint(len(d)/2) {
		return 0
	}
	return uint16At(d, 2*i)
}

// appendNumeric prints a numeric (numeric_send, src/backend/utils/adt/numeric.c):
// counts of groups, weight of the first group, sign, display scale, groups.
func appendNumeric(dst []byte, b []byte) ([]byte, bool) {
	if len(b) < numericHeader || len(b) != numericHeader+2*int(uint16At(b, 0)) {
		return dst, false
	}
	weight, sign, scale := int(int16(uint16At(b, 2))), uint16At(b, 4), int(uint16At(b, 6))
	digits := numericDigits(b[numericHeader:])
	switch sign {
	case numericNaN:
		return append(dst, "NaN"...), true
	case numericPlusInf:
		return append(dst, "Infinity"...), true
	case numericMinusInf:
		return append(dst, "-Infinity"...), true
	case 0, numericNegative:
	default:
		return dst, false
	}
	if scale > maxNumericScale {
		return dst, false
	}
	for i := 0; i < len(digits)/2; i++ {
		if digits.group(i) > 9999 {
			return dst, false
		}
	}
	// The server sends no leading zero groups; drop another program's.
	for len(digits) > 0 && digits.group(0) == 0 {
		digits, weight = digits[2:], weight-1
	}
	if len(digits) == 0 {
		weight, sign = -1, 0
	}
	if sign == numericNegative {
		dst = append(dst, '-')
	}
	dst = digits.appendWhole(dst, weight)
	return digits.appendFraction(dst, weight, scale), true
}

func (d numericDigits) appendWhole(dst []byte, weight int) []byte {
	if weight < 0 {
		return append(dst, '0')
	}
	dst = strconv.AppendUint(dst, uint64(d.group(0)), 10)
	for i := 1; i <= weight; i++ {
		dst = appendFour(dst, d.group(i))
	}
	return dst
}

func (d numericDigits) appendFraction(dst []byte, weight, scale int) []byte {
	if scale == 0 {
		return dst
	}
	dst = append(dst, '.')
	end := len(dst) + scale
	for i := weight + 1; len(dst) < end; i++ {
		dst = appendFour(dst, d.group(i))
	}
	return dst[:end]
}

// appendFour prints n, which is below 10000, in four digits.
func appendFour(dst []byte, n uint16) []byte {
	return append(dst, byte('0'+n/1000), byte('0'+n/100%10), byte('0'+n/10%10), byte('0'+n%10))
}
