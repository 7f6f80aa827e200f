// Package jsontext has the one rule by which the program writes JSON: texts, numbers,
// times and the names of members. Writers append to a buffer by hand, so that nothing is
// allocated for a record.
//
// Text comes from captures. Characters that steer a terminal, and those that reorder,
// hide or break the text around them, are escaped: that means the same to who reads the
// JSON, and does nothing to who looks at it.
package jsontext

import (
	"encoding/binary"
	"math/bits"
	"unicode"
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

// Append appends a JSON string. Bytes that are not UTF-8 become U+FFFD, one each.
func Append[T ~string | ~[]byte](dst []byte, v T) []byte {
	dst, _ = AppendText(dst, []byte(v))
	return dst
}

// AppendText is Append, which also reports whether s is UTF-8.
func AppendText(dst, s []byte) (text []byte, valid bool) {
	if len(s) <= shortText && cap(dst)-len(dst) >= shortText+2 {
		if text, ok := appendShort(dst, s); ok {
			return text, true
		}
	}
	dst, valid = append(dst, '"'), true
	for {
		n := plainPrefix(s)
		for n < len(s) && s[n] >= utf8.RuneSelf {
			r, size := utf8.DecodeRune(s[n:])
			if size == 1 {
				break
			}
			if Unseen(r) {
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

// AppendPlain appends a JSON string that holds s as it is. If s has to be looked at more
// closely, ok is false and dst is returned as it was.
func AppendPlain(dst, s []byte) (text []byte, ok bool) {
	if len(s) <= shortText && cap(dst)-len(dst) >= shortText+2 {
		return appendShort(dst, s)
	}
	if plainPrefix(s) < len(s) {
		return dst, false
	}
	return append(append(append(dst, '"'), s...), '"'), true
}

// shortText is the length in bytes of most names and command tags at most.
const shortText = 16

// appendShort appends a string that holds a short text as it is, where there is room for the
// longest of them; if the text has to be looked at more closely, ok is false. The text is
// taken as two words that may overlap.
func appendShort(dst, s []byte) (text []byte, ok bool) {
	at, n := len(dst), len(s)
	room := dst[at : at+shortText+2]
	room[0] = '"'
	switch {
	case n >= 8:
		a, b := binary.LittleEndian.Uint64(s), binary.LittleEndian.Uint64(s[n-8:])
		if notPlain(a)|notPlain(b) != 0 {
			return dst, false
		}
		binary.LittleEndian.PutUint64(room[1:], a)
		binary.LittleEndian.PutUint64(room[n-7:], b)
	case n >= 4:
		a, b := binary.LittleEndian.Uint32(s), binary.LittleEndian.Uint32(s[n-4:])
		if notPlain(uint64(a)|uint64(b)<<32) != 0 {
			return dst, false
		}
		binary.LittleEndian.PutUint32(room[1:], a)
		binary.LittleEndian.PutUint32(room[n-3:], b)
	default:
		for i, c := range s {
			if !plain[c] {
				return dst, false
			}
			room[1+i] = c
		}
	}
	room[1+n] = '"'
	return dst[:at+n+2], true
}

// plainPrefix returns how many bytes at the beginning of s a JSON string holds
// as they are. Most text is nothing else, so many bytes are looked at at a time.
func plainPrefix(s []byte) (n int) {
	for ; len(s)-n >= 16; n += 16 {
		pair := s[n : n+16 : n+16]
		if notPlain(binary.LittleEndian.Uint64(pair[:8:8]))|notPlain(binary.LittleEndian.Uint64(pair[8:16:16])) != 0 {
			break
		}
	}
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

// Plain reports whether a text is one that a JSON string holds as it is.
func Plain(s string) bool {
	for i := range len(s) {
		if !plain[s[i]] {
			return false
		}
	}
	return true
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
	del := w + ones
	// A byte of 0x80 and above, or one for which a subtraction borrowed or the addition
	// carried: that may go on into the bytes above.
	return (w | control | quote | backslash | del) & highs
}

// Unseen reports the characters above ASCII that steer a terminal or change the text
// around them without being seen themselves. termsafe.Steers reports fewer: its outputs
// have no escapes, so what is only invisible stays there as it was sent.
func Unseen(r rune) bool { return r >= 0x7f && r < 0xa0 || Formatting(r) }

// Formatting reports characters that reorder, hide or break the text around
// them. The two that join letters or keep them apart are part of how words are
// written in Persian, Indic scripts and with emoji. Most text has none that is near
// one of them.
func Formatting(r rune) bool {
	const zwnj, zwj = 0x200c, 0x200d
	switch {
	case r == 0xad:
		return true
	case r < 0x600, r >= 0x900 && r < 0x2000 && r != 0x180e, r >= 0x2070 && r < 0xfe00, r == zwnj, r == zwj:
		return false
	}
	return unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
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

// AppendHex appends bytes as hexadecimal digits.
func AppendHex(dst, b []byte) []byte {
	for _, c := range b {
		dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
	}
	return dst
}
