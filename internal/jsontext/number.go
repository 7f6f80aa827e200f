package jsontext

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"strconv"
	"time"
)

// digits holds the two digits of each number below 100.
const digits = "00010203040506070809" + "10111213141516171819" + "20212223242526272829" +
	"30313233343536373839" + "40414243444546474849" + "50515253545556575859" +
	"60616263646566676869" + "70717273747576777879" + "80818283848586878889" + "90919293949596979899"

// AppendInt appends a number in decimal.
func AppendInt(dst []byte, n int64) []byte {
	if n < 0 {
		return strconv.AppendInt(dst, n, 10)
	}
	return AppendUint(dst, uint64(n))
}

// AppendUint appends a number in decimal. Of one with up to eight digits, for which there is
// room, all digits are worked out at once: two numbers of four digits in the halves of a word,
// four of two in its quarters, eight of one in its bytes, the highest in the lowest byte, which
// is written first. Division by 100 and 10 is multiplication by 10486/2^20 and 103/2^10, which
// is exact for four digits and for two.
func AppendUint(dst []byte, n uint64) []byte {
	const (
		halves   = 0x0000007f_0000007f
		quarters = 0x000f_000f_000f_000f
		zeros    = 0x3030303030303030
	)
	at := len(dst)
	if n >= 1e8 || cap(dst)-at < 8 {
		return appendLong(dst, n)
	}
	q := n / 1e4
	w := (n-1e4*q)<<32 | q
	hundreds := w * 10486 >> 20 & halves
	w = (w-100*hundreds)<<16 | hundreds
	tens := w * 103 >> 10 & quarters
	w = (w-10*tens)<<8 | tens
	leading := bits.TrailingZeros64(w|1<<56) &^ 7 // bits; the last digit is written, be it 0
	dst = dst[:at+8]
	binary.LittleEndian.PutUint64(dst[at:], (w|zeros)>>leading)
	return dst[:at+8-leading/8]
}

// appendLong is AppendUint for the others.
func appendLong(dst []byte, n uint64) []byte {
	at := len(dst)
	end := at + decimals(n)
	if cap(dst) < end {
		dst = slices.Grow(dst, end-at)
	}
	dst = dst[:end]
	i := end
	for n >= 100 {
		i -= 2
		q := n / 100
		r := 2 * (n - 100*q)
		dst[i], dst[i+1] = digits[r], digits[r+1]
		n = q
	}
	if n >= 10 {
		dst[i-2], dst[i-1] = digits[2*n], digits[2*n+1]
	} else {
		dst[i-1] = byte('0' + n)
	}
	return dst
}

// decimals is the number of digits of n.
func decimals(n uint64) int {
	d := bits.Len64(n) * 1233 >> 12 // times log10(2)
	if n >= powers[d] {
		d++
	}
	return max(d, 1)
}

var powers = func() (p [20]uint64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = 10 * p[i-1]
	}
	return p
}()

// Clock appends times and keeps the text of the latest second.
type Clock struct {
	Micros bool // six digits of a fraction, which more programs take for a time, not nine
	second int64
	valid  bool
	text   [20]byte // "2006-01-02T15:04:05."
}

// Append appends ns since the epoch in RFC 3339, UTC, with nine digits, or the first six.
func (c *Clock) Append(dst []byte, ns int64) []byte {
	second, rest := ns/1e9, ns%1e9
	if rest < 0 {
		second, rest = second-1, rest+1e9
	}
	if !c.valid || second != c.second {
		c.second, c.valid = second, true
		time.Unix(second, 0).UTC().AppendFormat(c.text[:0], "2006-01-02T15:04:05.")
	}
	dst = append(dst, c.text[:]...)
	var d [10]byte
	n := uint32(rest)
	for i := 7; i >= 1; i -= 2 {
		q := n / 100
		r := 2 * (n - 100*q)
		d[i], d[i+1] = digits[r], digits[r+1]
		n = q
	}
	d[0], d[9] = byte('0'+n), 'Z'
	if c.Micros {
		return append(append(dst, d[:6]...), 'Z')
	}
	return append(dst, d[:]...)
}
