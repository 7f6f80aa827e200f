package value

// charClass is a set of the properties that make a text need quotes somewhere.
type charClass uint8

const (
	space  charClass = 1 << iota // array_isspace, isspace
	escape                       // quote and backslash, which are escaped as well
	brace
	parenthesis
	bracket
	comma
	semicolon

	always charClass = 0xFF // as a set of what is special: quote in any case
)

var charClasses = [256]charClass{
	'\t': space, '\n': space, '\v': space, '\f': space, '\r': space, ' ': space,
	'"': escape, '\\': escape,
	'{': brace, '}': brace, '(': parenthesis, ')': parenthesis, '[': bracket, ']': bracket,
	',': comma, ';': semicolon,
}

// What needs quotes in an array, in an array of boxes (whose delimiter is a
// semicolon), in a row and in a range.
const (
	arraySpecial    = space | escape | brace | comma
	boxArraySpecial = space | escape | brace | semicolon
	recordSpecial   = space | escape | parenthesis | comma
	rangeSpecial    = recordSpecial | bracket
)

// quoteArrayElement quotes dst[start:], an element's text, if it must be; also the
// word NULL, which is not the value NULL.
func (p *printer) quoteArrayElement(dst []byte, start int, special charClass) ([]byte, bool) {
	if text := dst[start:]; len(text) == 4 && isNullWord(text) {
		special = always
	}
	return p.quote(dst, start, special, true)
}

func isNullWord(text []byte) bool {
	return text[0]|32 == 'n' && text[1]|32 == 'u' && text[2]|32 == 'l' && text[3]|32 == 'l'
}

// quote puts dst[start:] in quotes if it is empty or has a special character.
// Quotes and backslashes within get a backslash before them or are doubled.
func (p *printer) quote(dst []byte, start int, special charClass, backslash bool) ([]byte, bool) {
	var seen charClass
	escapes := 0
	for _, c := range dst[start:] {
		class := charClasses[c]
		seen |= class
		if class == escape {
			escapes++
		}
	}
	if seen&special == 0 && len(dst) > start && special != always {
		return dst, true
	}
	end := len(dst)
	if end+escapes+2 > p.limit {
		return dst, false
	}
	dst = extend(dst, escapes+2)
	// From the end backwards, so that no byte is overwritten before it has moved.
	to := len(dst) - 1
	dst[to] = '"'
	for from := end - 1; from >= start; from-- {
		c := dst[from]
		to--
		dst[to] = c
		if charClasses[c] == escape {
			to--
			if backslash {
				dst[to] = '\\'
			} else {
				dst[to] = c
			}
		}
	}
	dst[start] = '"'
	return dst, true
}

// extend makes dst n bytes longer; the new bytes are to be overwritten.
func extend(dst []byte, n int) []byte {
	const blanks = "                                "
	for ; n > len(blanks); n -= len(blanks) {
		dst = append(dst, blanks...)
	}
	return append(dst, blanks[:n]...)
}
