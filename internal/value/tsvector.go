package value

import (
	"bytes"
	"strconv"
)

// appendTSVector prints a count of lexemes, each zero-terminated, with a count of
// positions, each of 14 bits below a weight of two (tsvectorsend,
// src/backend/utils/adt/tsvector.c), as "'fat':2A,4 'rat'".
func appendTSVector(dst []byte, b []byte) ([]byte, bool) {
	if len(b) < 4 {
		return dst, false
	}
	n, rest := uint32At(b, 0), b[4:]
	for i := range n {
		end := bytes.IndexByte(rest, 0)
		if end < 0 || len(rest) < end+3 {
			return dst, false
		}
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = appendLexeme(dst, rest[:end])
		positions := 2 * int(uint16At(rest, end+1))
		rest = rest[end+3:]
		if len(rest) < positions {
			return dst, false
		}
		dst = appendPositions(dst, rest[:positions])
		rest = rest[positions:]
	}
	return dst, len(rest) == 0
}

// appendLexeme quotes a lexeme; quotes and backslashes are doubled.
func appendLexeme(dst, lexeme []byte) []byte {
	dst = append(dst, '\'')
	for _, c := range lexeme {
		if c == '\'' || c == '\\' {
			dst = append(dst, c)
		}
		dst = append(dst, c)
	}
	return append(dst, '\'')
}

func appendPositions(dst, b []byte) []byte {
	for i := 0; i < len(b); i += 2 {
		dst = append(dst, ":,"[min(i, 1)])
		position := uint16At(b, i)
		dst = strconv.AppendUint(dst, uint64(position&0x3FFF), 10)
		if weight := position >> 14; weight > 0 {
			dst = append(dst, " CBA"[weight])
		}
	}
	return dst
}
