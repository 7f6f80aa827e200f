package sqltext

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxName is how many bytes of a name servers keep (NAMEDATALEN, less one).
const MaxName = 63

// Charset is what the encodings of a client and its server mean for names.
type Charset uint8

const (
	// CharsetUTF8 is that both have UTF-8, which goes without saying.
	CharsetUTF8 Charset = iota
	// CharsetOther is that one of them has another: how long a name is to the server, and
	// what it makes of letters that ASCII does not have, is not known.
	CharsetOther
	// CharsetMixed is that the client's has characters that end in bytes of ASCII, by which
	// a text cannot be cut into tokens where it has any of them.
	CharsetMixed
)

// ClientCharset returns what a client's encoding means, by its name in PostgreSQL.
func ClientCharset(encoding []byte) Charset {
	switch string(encoding) {
	case "SJIS", "BIG5", "GBK", "UHC", "GB18030", "JOHAB", "SHIFT_JIS_2004": // only clients have these
		return CharsetMixed
	}
	return ServerCharset(encoding)
}

// ServerCharset returns what a server's encoding means, by its name in PostgreSQL.
func ServerCharset(encoding []byte) Charset {
	if string(encoding) == "UTF8" {
		return CharsetUTF8
	}
	return CharsetOther
}

// IsName reports whether t is what the name of something may be.
func (t Token) IsName() bool { return t.Kind == Word || t.Kind == QuotedIdent }

// Name returns what the server makes of a name, which t, the latest token, begins, and
// moves behind its UESCAPE. known is false where nobody can say what that is.
func (l *Lexer) Name(t Token, charset Charset) (name string, known bool) {
	text := l.Src[t.Start:t.End]
	ascii := IsASCII(text)
	switch {
	case t.Kind == Word:
		text = AppendLower(nil, text)
	case text[0] == '"':
		text = unquote(text)
	default:
		escape, ok := l.unicodeEscape()
		if !ok {
			return "", false
		}
		if text, ok = unescape(unquote(text[2:]), escape); !ok {
			return "", false
		}
		if !ascii || !IsASCII(text) {
			// Characters are asked for by their numbers in Unicode.
			return cutName(text), charset == CharsetUTF8 && utf8.Valid(text)
		}
	}
	if len(text) == 0 {
		return "", false // the server refuses it
	}
	if ascii {
		return cutName(text), true
	}
	// A name in quotes is what it is in any encoding, unless it may be too long in that of
	// the server, in which a byte can take three.
	same := charset == CharsetOther && t.Kind == QuotedIdent && 3*len(text) <= MaxName
	return cutName(text), same || charset == CharsetUTF8 && utf8.Valid(text)
}

// IsASCII reports whether no byte of s is beyond ASCII.
func IsASCII(s []byte) bool {
	for _, c := range s {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// cutName cuts a name to the characters that servers keep of it.
func cutName(s []byte) string {
	if len(s) <= MaxName {
		return string(s)
	}
	n := MaxName
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return string(s[:n])
}

// unquote returns what stands in double quotes, of which the closing one may be missing.
func unquote(s []byte) []byte {
	s = s[1:]
	if n := len(s); n > 0 && s[n-1] == '"' {
		s = s[:n-1]
	}
	return bytes.ReplaceAll(s, []byte(`""`), []byte(`"`))
}

// unicodeEscape returns the escape character of a name U&"…" that was just read, and moves
// behind the UESCAPE that names it, if there is one.
func (l *Lexer) unicodeEscape() (escape byte, ok bool) {
	next := *l
	t := next.Next()
	if t.Kind != Word || !EqualFold(l.Src[t.Start:t.End], "uescape") {
		return '\\', true
	}
	t = next.Next()
	*l = next
	text := l.Src[t.Start:t.End]
	if t.Kind != String || len(text) != len(`'!'`) || text[0] != '\'' {
		return 0, false // a string of another form, which nobody writes
	}
	escape = text[1]
	wrong := Classes[escape]&(ClassHex|ClassSpace) != 0 || bytes.IndexByte([]byte(`+'"`), escape) >= 0 || escape >= utf8.RuneSelf
	return escape, !wrong
}

// unescape returns a text without its Unicode escapes (manual: "Identifiers and Key
// Words"); ok is false where the server refuses them.
func unescape(s []byte, escape byte) (text []byte, ok bool) {
	for len(s) > 0 {
		if s[0] != escape {
			text, s = append(text, s[0]), s[1:]
			continue
		}
		if len(s) > 1 && s[1] == escape {
			text, s = append(text, escape), s[2:]
			continue
		}
		r, size := codePoint(s)
		if utf16.IsSurrogate(r) {
			second, more := codePoint(s[size:])
			if len(s) == size || s[size] != escape {
				return nil, false
			}
			r, size = utf16.DecodeRune(r, second), size+more
		}
		if r == 0 || r == utf8.RuneError || !utf8.ValidRune(r) {
			return nil, false
		}
		text, s = utf8.AppendRune(text, r), s[size:]
	}
	return text, true
}

// codePoint returns the character of the escape that s begins with, \XXXX or \+XXXXXX,
// and its length; 0 if it is none.
func codePoint(s []byte) (r rune, size int) {
	from, to := 1, 5
	if len(s) > 1 && s[1] == '+' {
		from, to = 2, 8
	}
	if len(s) < to {
		return 0, len(s)
	}
	for _, c := range s[from:to] {
		switch {
		case Classes[c]&ClassHex == 0:
			return 0, to
		case c <= '9':
			r = r<<4 | rune(c-'0')
		default:
			r = r<<4 | rune(c|0x20-'a'+10)
		}
	}
	return r, to
}
