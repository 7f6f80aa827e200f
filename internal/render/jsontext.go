package render

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"strconv"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// plain marks the bytes that a JSON string holds as they are.
var plain = func() (t [256]bool) {
	for c := 0x20; c < 0x7f; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// appendQuoted appends s as a JSON string. Bytes that are not UTF-8 become
// U+FFFD, one each.
func appendQuoted(dst, s []byte) []byte {
	dst, _ = appendText(dst, s)
	return dst
}

// appendText is appendQuoted, which also reports whether s is UTF-8.
func appendText(dst, s []byte) (text []byte, valid bool) {
	dst, valid = append(dst, '"'), true
	for {
		n := plainPrefix(s)
		for n < len(s) && s[n] >= utf8.RuneSelf {
			r, size := utf8.DecodeRune(s[n:])
			if size == 1 {
				break
			}
			if isControl(r) {
				dst = appendRune(append(dst, s[:n]...), r)
				s = s[n+size:]
				n = plainPrefix(s)
				continue
			}
			n += size
			n += plainPrefix(s[n:])
		}
		dst = append(dst, s[:n]...)
		if n == len(s) {
			return append(dst, '"'), valid
		}
		if c := s[n]; c < utf8.RuneSelf {
			dst = appendEscape(dst, c)
		} else {
			dst, valid = append(dst, "\ufffd"...), false
		}
		s = s[n+1:]
	}
}

// plainPrefix returns how many bytes at the beginning of s a JSON string holds
// as they are. Most text is nothing else, so eight bytes are looked at at a time.
func plainPrefix(s []byte) (n int) {
	for ; len(s)-n >= 8; n += 8 {
		if m := notPlain(binary.LittleEndian.Uint64(s[n:])); m != 0 {
			return n + bits.TrailingZeros64(m)/8
		}
	}
	if n < len(s) && len(s) >= 8 { // the rest, with bytes that are known to be plain
		n = len(s) - 8
		return n + bits.TrailingZeros64(notPlain(binary.LittleEndian.Uint64(s[n:])))/8
	}
	if len(s) >= 4 && len(s) < 8 { // names and numbers, mostly: the middle is looked at twice
		w := uint64(binary.LittleEndian.Uint32(s)) | uint64(binary.LittleEndian.Uint32(s[len(s)-4:]))<<32
		if notPlain(w) == 0 {
			return len(s)
		}
	}
	for n < len(s) && plain[s[n]] {
		n++
	}
	return n
}

// notPlain returns a word whose lowest bit that is set is in the first of eight
// bytes that is not plain; 0 if all are.
func notPlain(w uint64) uint64 {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	control := w - ones*0x20 // borrows into the high bit below 0x20
	quote := (w ^ ones*'"') - ones
	backslash := (w ^ ones*'\\') - ones
	del := (w ^ ones*0x7f) - ones
	// A byte of 0x80 and above, or one for which a subtraction borrowed: a borrow may
	// carry into the bytes above.
	return (w | control | quote | backslash | del) & highs
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

// appendRune appends a character by its code, as one unit of UTF-16 or two: nobody
// has to look at the output with a terminal that obeys it.
func appendRune(dst []byte, r rune) []byte {
	if r >= 1<<16 {
		high, low := utf16.EncodeRune(r)
		return appendUnit(appendUnit(dst, high), low)
	}
	return appendUnit(dst, r)
}

func appendUnit(dst []byte, u rune) []byte {
	return append(dst, '\\', 'u', hexDigits[u>>12&15], hexDigits[u>>8&15], hexDigits[u>>4&15], hexDigits[u&15])
}

// digits holds the two digits of each number below 100.
const digits = "00010203040506070809" + "10111213141516171819" + "20212223242526272829" +
	"30313233343536373839" + "40414243444546474849" + "50515253545556575859" +
	"60616263646566676869" + "70717273747576777879" + "80818283848586878889" + "90919293949596979899"

// appendUint appends a number in decimal, quickly where it is small.
func appendUint(dst []byte, n uint64) []byte {
	if n < 10 {
		return append(dst, byte('0'+n))
	}
	if n < 100 {
		return append(dst, digits[2*n], digits[2*n+1])
	}
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

// decimals is the number of digits of n, which is not 0.
func decimals(n uint64) int {
	d := bits.Len64(n) * 1233 >> 12 // times log10(2)
	if n >= powers[d] {
		d++
	}
	return d
}

var powers = func() (p [20]uint64) {
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = 10 * p[i-1]
	}
	return p
}()

func appendHex(dst, b []byte) []byte {
	for _, c := range b {
		dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
	}
	return dst
}

// cutText returns the longest prefix of s of at most max bytes that does not
// end inside a character.
func cutText(s []byte, max int) []byte {
	if max <= 0 || len(s) <= max {
		return s
	}
	for i := max; i > max-utf8.UTFMax && i >= 0; i-- {
		if utf8.RuneStart(s[i]) {
			return s[:i]
		}
	}
	return s[:max]
}

// clock appends timestamps and keeps the text of the latest second.
type clock struct {
	second int64
	valid  bool
	text   [20]byte // "2006-01-02T15:04:05."
}

// appendTime appends ns since the epoch in RFC 3339, UTC, with nine digits.
func (c *clock) appendTime(dst []byte, ns int64) []byte {
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
	return append(dst, d[:]...)
}

func appendInt(dst []byte, n int64) []byte {
	if n < 0 {
		return strconv.AppendInt(dst, n, 10)
	}
	return appendUint(dst, uint64(n))
}
