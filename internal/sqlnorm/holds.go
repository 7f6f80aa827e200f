package sqlnorm

import (
	"bytes"
	"encoding/binary"

	"github.com/pgsniff/pgsniff/internal/sqltext"
)

// HoldsSecret tells whether a text that is no SQL has a secret in it: a name of one
// with what gives it a value behind, or a URL with a password. It is stricter than
// what is asked of constants, since most values are data.
func HoldsSecret(s []byte) bool {
	if privateKey(s) || webToken(s) {
		return true
	}
	if !MayGiveValue(s) || !mayName(s) {
		return false
	}
	if bytes.IndexByte(s, '\\') >= 0 && disguisedName(s) {
		return true
	}
	pairs := false // that the text has names and values apart was looked for
	for w := findWord(s, 0); w.use != 0; w = findWord(s, w.next) {
		if w.use == useShape && shaped(s, w) {
			return true
		}
		if w.use == useTokens && givenText(s[w.end:]) {
			return true
		}
		if w.use != useName || w.end-w.start <= len("pass") && plainWord(s, w.start, w.end) || tellsOf(s, w.start, w.end) {
			continue
		}
		end := skipWord(s, w.end)
		if !pairs && end < len(s) && (s[end] == '"' || s[end] == '\'') {
			if pairsIn(s, s[end]) {
				return true
			}
			pairs = true
		}
		if s[w.end-1] == ':' || s[w.end-1] == '$' || valued(s[end:]) || tagged(s, w.start, end) {
			return true
		}
	}
	for i := findPw(s, 0); i >= 0; i = findPw(s, i) {
		if valued(s[i:]) {
			return true
		}
	}
	return urlWithSecret(s) || hasBasic(s)
}

// disguisedName tells whether a document has a name in which a letter or a digit is written as
// its code, which is never needed: {"\u0070assword": "x"}.
func disguisedName(s []byte) bool {
	const escape = `\u00`
	for {
		i := bytes.Index(s, []byte(escape))
		if i < 0 || len(s)-i < len(escape)+2 {
			return false
		}
		a, b := s[i+len(escape)], s[i+len(escape)+1]
		if sqltext.Classes[a]&sqltext.Classes[b]&sqltext.ClassHex != 0 {
			if c := hexValue(a)<<4 | hexValue(b); c < 0x80 && c != '$' && sqltext.Classes[c]&sqltext.ClassIdentCont != 0 && namesPair(s[:i], s[i:]) {
				return true
			}
		}
		s = s[i+len(escape):]
	}
}

// namesPair tells whether a text and what goes on behind it are the halves of a name in a
// document of JSON.
func namesPair(before, rest []byte) bool {
	const most = 64 // bytes of such a name
	if bytes.IndexByte(before[max(0, len(before)-most):], '"') < 0 {
		return false
	}
	rest = rest[:min(len(rest), most)]
	i := bytes.IndexByte(rest, '"')
	return i >= 0 && bytes.HasPrefix(bytes.TrimLeft(rest[i+1:], " "), []byte(":"))
}

// pairsIn tells whether a document in which something is called a secret by a string in such
// quotes has names and values apart: {"name": "password", "value": "x"}, as wal2json has it, or
// key[text]:'password' value[text]:'x', as test_decoding has.
func pairsIn(s []byte, quote byte) bool {
	if quote == '\'' {
		return bytes.Contains(s, []byte("text]:'")) || bytes.Contains(s, []byte("varying]:'"))
	}
	return bytes.Contains(s, []byte(`value":`)) || bytes.Contains(s, []byte(`values":`)) || bytes.Contains(s, []byte(`"v":`)) ||
		bytes.Contains(s, []byte(`"val":`)) || bytes.Contains(s, []byte(`"setting":`))
}

// findPw returns where a name ends that is pw, or ends in _pw, from i on; -1: there is
// none. It is too short for the watched words.
func findPw(s []byte, i int) int {
	const pw = "pw"
	for {
		n := bytes.Index(s[i:], []byte(pw))
		if n < 0 {
			return -1
		}
		start := i + n
		i = start + len(pw)
		before := start == 0 || s[start-1] == '_' || sqltext.Classes[s[start-1]]&sqltext.ClassIdentCont == 0
		if before && (i == len(s) || sqltext.Classes[s[i]]&sqltext.ClassIdentCont == 0) {
			return i
		}
	}
}

// tagged tells whether a name is that of an element of XML.
func tagged(s []byte, start, end int) bool {
	for start > 0 && sqltext.Classes[s[start-1]]&sqltext.ClassIdentCont != 0 {
		start--
	}
	return start > 0 && s[start-1] == '<' && end < len(s) && (s[end] == '>' || sqltext.Classes[s[end]]&sqltext.ClassSpace != 0)
}

// privateKey tells whether a text is a private key in PEM, which has no name to know it
// by but its own.
func privateKey(s []byte) bool {
	const most = 64 // bytes of the first line
	return bytes.HasPrefix(s, []byte("-----BEGIN ")) && bytes.Contains(s[:min(len(s), most)], []byte("PRIVATE KEY-----"))
}

// webToken tells whether a text is a JSON Web Token, which need not have a name either.
func webToken(s []byte) bool {
	return bytes.HasPrefix(s, []byte("eyJ")) && len(s) > len("eyJhbGci") && shaped(s, wordAt(s, len("ey")))
}

// MayGiveValue tells whether s has one of the signs without which no text gives a name
// a value, has a URL or calls a function: those that [valued] looks for, those that end
// a word, and the parenthesis. Most values are data and have none.
func MayGiveValue(s []byte) bool {
	switch {
	case len(s) >= longText:
		return bytes.IndexByte(s, '=') >= 0 || bytes.IndexByte(s, ':') >= 0 || bytes.IndexByte(s, '\'') >= 0 || bytes.IndexByte(s, '(') >= 0 ||
			bytes.IndexByte(s, '$') >= 0 || bytes.IndexByte(s, '%') >= 0 || bytes.IndexByte(s, '<') >= 0
	case len(s) >= 16:
		i := 0
		for ; i < len(s)-16; i += 16 {
			if hasSign(binary.LittleEndian.Uint64(s[i:]))|hasSign(binary.LittleEndian.Uint64(s[i+8:])) != 0 {
				return true
			}
		}
		last := s[len(s)-16:]
		return hasSign(binary.LittleEndian.Uint64(last))|hasSign(binary.LittleEndian.Uint64(last[8:])) != 0
	case len(s) >= 8:
		return hasSign(binary.LittleEndian.Uint64(s))|hasSign(binary.LittleEndian.Uint64(s[len(s)-8:])) != 0
	}
	for _, c := range s {
		if c-'$' <= '('-'$' || c-':' <= '='-':' {
			return true
		}
	}
	return false
}

// mayName tells whether s has a letter, without which nothing is named, or a slash,
// without which there is no URL. Times and intervals of days have none, but colons.
func mayName(s []byte) bool {
	if len(s) >= 8 {
		for i := 0; i < len(s)-8; i += 8 {
			if hasLetter(binary.LittleEndian.Uint64(s[i:])) {
				return true
			}
		}
		return hasLetter(binary.LittleEndian.Uint64(s[len(s)-8:]))
	}
	for _, c := range s {
		if c >= '@' || c == '/' {
			return true
		}
	}
	return false
}

// hasLetter tells whether one of eight bytes is a slash, or lies where the letters are
// or beyond.
func hasLetter(w uint64) bool {
	const (
		ones  = 0x0101010101010101
		highs = 0x80 * ones
	)
	slash := w ^ '/'*ones
	slash = (slash - ones) &^ slash
	beyond := (w&^highs + (0x80-'@')*ones) | w
	return (slash|beyond)&highs != 0
}

// longText is the length in bytes from which on it is quicker to look for one sign
// after the other, which the processor does with many bytes at once.
const longText = 512

// hasSign is not 0 if one of eight bytes is a sign: $ % ' ( or : < =. Those between
// them, & and ;, are let through, so that there are two ranges.
func hasSign(w uint64) uint64 {
	const (
		ones  = 0x0101010101010101
		highs = 0x80 * ones
	)
	x := w &^ highs
	first := (x + (0x80-'$')*ones) &^ (x + (0x80-'('-1)*ones)
	second := (x + (0x80-':')*ones) &^ (x + (0x80-'='-1)*ones)
	return (first | second) &^ w & highs
}

// valued tells whether what follows a name gives it a value: name = x, name: x,
// "name": x, name 'x', name text DEFAULT 'x'.
func valued(rest []byte) bool {
	const (
		most     = 16 // white space
		typeName = 48 // the longest name of a type that is looked over
	)
	if len(rest) > 0 && rest[0] == '[' && bytes.Contains(rest[:min(len(rest), typeName)], []byte("]:")) {
		return true // test_decoding: name[type]:'x'
	}
	if i := bytes.Index(rest[:min(len(rest), typeName)], []byte(" DEFAULT '")); i > 0 && bytes.IndexByte(rest[:i], ',') < 0 {
		return true
	}
	option := bytes.HasPrefix(rest, []byte(`" '`)) // "api-token" 'x', as psql lists options
	quoted := false                                // or more than once: in a document in a row, or in a document
	for len(rest) > 0 && (rest[0] == '"' || rest[0] == '\'' || rest[0] == '\\') {
		quoted, rest = true, rest[1:]
	}
	n := 0
	for n < len(rest) && n < most && sqltext.Classes[rest[n]]&sqltext.ClassSpace != 0 {
		n++
	}
	if n == len(rest) {
		return false
	}
	switch rest[n] {
	case '=', ':':
		return true
	case '<', '!', '~': // password <> 'x'
		return n > 0 && n+1 < len(rest) && bytes.IndexByte(rest[n:min(len(rest), n+valuedWithin)], '\'') > 0
	case '\'', '$', '%':
		return n > 0 && (!quoted || option)
	case '-':
		return bytes.HasPrefix(rest, []byte("-----")) // of a key in PEM
	}
	return false
}

// valuedWithin is how far behind an operator the constant is looked for.
const valuedWithin = 8
