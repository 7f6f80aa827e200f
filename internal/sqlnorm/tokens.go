package sqlnorm

import "bytes"

// What is called tokens may be tokens, or how many of them there are: language models
// count them. The value tells which: a number is no secret.

// NamesTokens tells whether a name is that of tokens: of a column or a parameter.
func NamesTokens(name []byte) bool {
	name = bytes.Trim(name, `"`)
	n := len(name) - len("tokens")
	if n < 0 || !equalFold(name[n:], "tokens") {
		return false
	}
	return n == 0 || class[name[n-1]]&classIdentCont == 0 || name[n-1] == '_' || name[n] == 'T'
}

// givenText tells whether what follows the name of tokens gives it a text: "tokens": ["x"],
// tokens=x.
func givenText(rest []byte) bool {
	name := len(rest)
	rest = bytes.TrimLeft(rest, `"'\`)
	quoted := len(rest) < name
	rest = bytes.TrimLeft(rest, " \t\r\n")
	if len(rest) == 0 || rest[0] != '=' && (rest[0] != ':' || !quoted) {
		return false
	}
	rest = bytes.TrimLeft(rest[1:], "> \t\r\n[\\")
	n := len(rest)
	rest = bytes.TrimLeft(rest, `"'\`)
	if len(rest) == 0 || isNumber(rest) {
		return false
	}
	return len(rest) < n || class[rest[0]]&classIdentStart != 0 && !isOneOf(rest[:skipWord(rest, 0)], "null", "true", "false")
}

// isNumber tells whether a text begins with a number, and no letter follows it.
func isNumber(s []byte) bool {
	s = bytes.TrimLeft(s, "-+ ")
	i := 0
	for i < len(s) && (class[s[i]]&classDigit != 0 || s[i] == '.' || s[i] == ',') {
		i++
	}
	return i > 0 && (i == len(s) || class[s[i]]&classIdentCont == 0)
}

// givesTokens tells whether a text compares, sets or inserts a text where tokens are.
func givesTokens(sql []byte, escapes bool) bool {
	given := false
	tokensIn(sql, escapes, func(t token) {
		given = given || t.kind == tokenString && !isNumber(bytes.TrimLeft(sql[t.start:t.end], "'"))
	})
	return given
}

// TokenParameters returns which of the first 64 parameters of a text are compared with
// tokens, or given to them.
func TokenParameters(sql []byte) (set uint64) {
	tokensIn(sql, false, func(t token) {
		if t.kind == tokenParam {
			n := 0
			for _, c := range sql[t.start+1 : min(t.end, t.start+4)] {
				n = n*10 + int(c-'0')
			}
			if n > 0 && n <= 64 {
				set |= 1 << (n - 1)
			}
		}
	})
	return set
}

// tokensIn calls f with the constants and parameters of a text that are compared with
// what is called tokens, set there or inserted.
func tokensIn(sql []byte, escapes bool, f func(token)) {
	if !bytes.Contains(sql, []byte("okens")) && !bytes.Contains(sql, []byte("OKENS")) {
		return
	}
	l := lexer{src: sql, escapes: escapes}
	var in insertion
	named, beside := false, false // right behind a name of tokens; behind what is compared with it
	depth, list := 0, 0           // of parentheses; that of the list which it is compared with
	for t := l.next(); t.kind != tokenEOF; t = l.next() {
		text := sql[t.start:t.end]
		in.next(t, text)
		switch t.kind {
		case tokenWord, tokenQuotedIdent:
			word := t.kind == tokenWord && isOneOf(text, "in", "like", "ilike", "any", "is", "distinct", "from", "array", "not", "to")
			if NamesTokens(text) {
				named, beside = true, false
			} else if named = named && word; !named {
				beside = beside && word
			}
		case tokenOperator:
			beside, named = named || beside, false
		case tokenOpen, tokenOpenBracket:
			if depth++; (beside || named) && list == 0 {
				list = depth
			}
			beside, named = beside || named, false
		case tokenClose, tokenCloseBracket:
			if depth--; depth < list {
				beside, list = false, 0
			}
			named = false
		case tokenString, tokenParam:
			if beside || named || in.tokens() {
				f(t)
			}
		case tokenNumber:
		case tokenComma:
			named, beside = false, beside && list > 0
		default:
			named, beside = false, false
		}
	}
}

// insertion is where in an INSERT with a list of columns a text is.
type insertion struct {
	state   insertState
	depth   int
	item    int // the place in the list of columns, or in a row
	columns [maxTokenColumns]bool
	any     bool
}

const maxTokenColumns = 64

type insertState uint8

const (
	insertNone insertState = iota
	insertTable
	insertColumns
	insertRows
)

// next takes note of a token.
func (n *insertion) next(t token, text []byte) {
	switch t.kind {
	case tokenWord, tokenQuotedIdent:
		switch {
		case t.kind == tokenWord && equalFold(text, "into"):
			*n = insertion{state: insertTable}
		case n.state == insertColumns && NamesTokens(text) && n.item < maxTokenColumns:
			n.columns[n.item], n.any = true, true
		case n.state == insertRows && n.depth == 0 && isOneOf(text, "select", "values"):
			n.item = 0
		case n.state == insertRows && n.depth == 0 && isOneOf(text, "from", "on", "returning", "where"):
			n.state = insertNone
		}
	case tokenSemicolon:
		*n = insertion{}
	case tokenOpen:
		if n.state == insertTable {
			n.state, n.item = insertColumns, 0
			return
		}
		if n.depth++; n.depth == 1 && n.state == insertRows {
			n.item = 0
		}
	case tokenClose:
		if n.state == insertColumns {
			n.state, n.depth = insertRows, 0
			return
		}
		n.depth = max(n.depth-1, 0)
	case tokenComma:
		if n.state == insertColumns || n.state == insertRows && n.depth <= 1 {
			n.item++
		}
	}
}

// tokens tells whether a value that comes now is inserted into a column of tokens.
func (n *insertion) tokens() bool {
	return n.any && n.state == insertRows && n.item < maxTokenColumns && n.columns[n.item]
}
