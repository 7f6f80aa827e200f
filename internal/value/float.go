package value

import (
	"math"
	"math/bits"
	"strconv"
)

// appendFloatValue prints a float4 or float8.
func appendFloatValue(dst []byte, k kind, b []byte) ([]byte, bool) {
	switch {
	case k == kFloat4 && len(b) == 4:
		return appendFloat(dst, float64(math.Float32frombits(uint32At(b, 0))), 32), true
	case k == kFloat8 && len(b) == 8:
		return appendFloat(dst, math.Float64frombits(uint64At(b, 0)), 64), true
	}
	return dst, false
}

// appendFloat prints the shortest decimal that reads back as f, a float of the
// given bits, in the form of float8out and float4out.
func appendFloat(dst []byte, f float64, size int) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	}
	if math.Signbit(f) {
		dst, f = append(dst, '-'), -f
	}
	if f == 0 {
		return append(dst, '0')
	}
	var text [32]byte
	d := parseDecimal(strconv.AppendFloat(text[:0], f, 'e', -1, size))
	if d.isMidpoint(f, size) {
		d = shortestInside(f, size, d)
	}
	d = d.evenOfTie(f, size)
	return d.append(dst, size)
}

// decimal is digits × 10^exponent with a count of digits.
type decimal struct {
	digits   uint64
	count    int
	exponent int
}

// parseDecimal reads what strconv writes in format 'e': "d.ddde±dd", at most 17
// digits.
func parseDecimal(text []byte) decimal {
	var d decimal
	i := 0
	for ; text[i] != 'e'; i++ {
		if text[i] == '.' {
			continue
		}
		d.digits = d.digits*10 + uint64(text[i]-'0')
		d.count++
	}
	negative := text[i+1] == '-'
	for _, c := range text[i+2:] {
		d.exponent = d.exponent*10 + int(c-'0')
	}
	if negative {
		d.exponent = -d.exponent
	}
	d.exponent -= d.count - 1
	return d
}

// isMidpoint reports whether d lies exactly between f, which it was made from,
// and a neighbour of f. Such a decimal reads back as f only where ties go to the
// even mantissa, which strconv relies on and PostgreSQL does not (acceptBounds in
// src/common/d2s.c): 1e23 is 9.999999999999999e+22 there.
func (d decimal) isMidpoint(f float64, size int) bool {
	mantissa, exponent, narrow := decompose(f, size)
	if mantissa&1 != 0 {
		return false
	}
	return d.equals(2*mantissa+1, exponent-1) || d.equals(2*mantissa-1, exponent-1) ||
		narrow && d.equals(4*mantissa-1, exponent-2)
}

// evenOfTie returns the other neighbour of f among the decimals with d's count of
// digits if f is exactly between the two and d is odd: PostgreSQL prefers the even
// one, strconv the upper.
func (d decimal) evenOfTie(f float64, size int) decimal {
	if d.digits&1 == 0 {
		return d
	}
	mantissa, exponent, _ := decompose(f, size)
	half := decimal{digits: 10*d.digits - 5, exponent: d.exponent - 1}
	even := decimal{d.digits - 1, d.count, d.exponent}
	if half.equals(mantissa, exponent) && even.readsAs(f, size) && !even.isMidpoint(f, size) {
		return even
	}
	return d
}

// equals reports whether d is mantissa × 2^exponent, with d.digits below 2^60 and
// mantissa below 2^57.
func (d decimal) equals(mantissa uint64, exponent int) bool {
	// d is odd × 2^twos × 5^d.exponent. Few get past this comparison.
	twos := bits.TrailingZeros64(d.digits)
	zeros := bits.TrailingZeros64(mantissa)
	if twos+d.exponent != zeros+exponent {
		return false
	}
	left, right, fives := d.digits>>twos, mantissa>>zeros, d.exponent
	for ; fives > 0 && left <= right; fives-- {
		left *= 5
	}
	for ; fives < 0 && right <= left; fives++ {
		right *= 5
	}
	return fives == 0 && left == right
}

// decompose splits f, which is positive, into mantissa × 2^exponent. narrow is
// set for a power of two, whose lower neighbour is half as far as its upper one.
func decompose(f float64, size int) (mantissa uint64, exponent int, narrow bool) {
	fractionBits, bias := 52, 1075
	pattern := math.Float64bits(f)
	if size == 32 {
		fractionBits, bias = 23, 150
		pattern = uint64(math.Float32bits(float32(f)))
	}
	mantissa = pattern & (1<<fractionBits - 1)
	biased := int(pattern >> fractionBits)
	if biased == 0 {
		return mantissa, 1 - bias, false
	}
	return mantissa | 1<<fractionBits, biased - bias, mantissa == 0 && biased > 1
}

// shortestInside returns the shortest decimal strictly between the midpoints
// around f, the one nearest to f if there are several; d is a midpoint.
func shortestInside(f float64, size int, d decimal) decimal {
	var text [32]byte
	for count := d.count; count <= 17; count++ {
		near := parseDecimal(strconv.AppendFloat(text[:0], f, 'e', count-1, size))
		// The nearest may miss on the narrow side of a power of two, where the next
		// one up is still inside.
		for _, c := range [...]decimal{near, {near.digits + 1, near.count, near.exponent}} {
			if c.readsAs(f, size) && !c.isMidpoint(f, size) {
				return c.trimmed()
			}
		}
	}
	return d
}

func (d decimal) readsAs(f float64, size int) bool {
	var text [32]byte
	b := strconv.AppendUint(text[:0], d.digits, 10)
	b = strconv.AppendInt(append(b, 'e'), int64(d.exponent), 10)
	got, err := strconv.ParseFloat(string(b), size)
	return err == nil && got == f
}

// trimmed drops trailing zeros.
func (d decimal) trimmed() decimal {
	for d.digits%10 == 0 {
		d.digits, d.count, d.exponent = d.digits/10, d.count-1, d.exponent+1
	}
	return d
}

// append writes d without an exponent where it is from 0.0001 up to below 1e15
// (1e6 for float4), like printf's %g.
func (d decimal) append(dst []byte, size int) []byte {
	var text [24]byte
	digits := strconv.AppendUint(text[:0], d.digits, 10)
	point := len(digits) + d.exponent // digits before the decimal point
	limit := 15
	if size == 32 {
		limit = 6
	}
	switch {
	case point <= -4 || point > limit:
		return appendScientific(dst, digits, point-1)
	case point <= 0:
		dst = append(dst, "0.000"[:2-point]...)
		return append(dst, digits...)
	case point >= len(digits):
		dst = append(dst, digits...)
		return append(dst, "00000000000000"[:point-len(digits)]...)
	default:
		dst = append(dst, digits[:point]...)
		return append(append(dst, '.'), digits[point:]...)
	}
}

// appendScientific writes digits as "d.ddde±dd".
func appendScientific(dst, digits []byte, exponent int) []byte {
	dst = append(dst, digits[0])
	if len(digits) > 1 {
		dst = append(append(dst, '.'), digits[1:]...)
	}
	sign := byte('+')
	if exponent < 0 {
		sign, exponent = '-', -exponent
	}
	dst = append(dst, 'e', sign)
	if exponent >= 100 {
		dst = append(dst, byte('0'+exponent/100))
	}
	return appendTwo(dst, uint64(exponent%100))
}
