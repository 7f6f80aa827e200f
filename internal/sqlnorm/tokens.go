package sqlnorm

import (
	"bytes"

	"github.com/pgsniff/pgsniff/internal/sqltext"
)

// What is called tokens may be tokens, or how many of them there are: language models
// count them. The value tells which: a number is no secret.

// NamesTokens tells whether a name is that of tokens: of a column or a parameter.
func NamesTokens(name []byte) bool {
	name = bytes.Trim(name, `"`)
	n := len(name) - len("tokens")
	if n < 0 || !sqltext.EqualFold(name[n:], "tokens") {
		return false
	}
	return n == 0 || sqltext.Classes[name[n-1]]&sqltext.ClassIdentCont == 0 || name[n-1] == '_' || name[n] == 'T'
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
	return len(rest) < n || sqltext.Classes[rest[0]]&sqltext.ClassIdentStart != 0 && !isOneOf(rest[:skipWord(rest, 0)], "null", "true", "false")
}

// isNumber tells whether a text begins with a number, and no letter follows it.
func isNumber(s []byte) bool {
	s = bytes.TrimLeft(s, "-+ ")
	i := 0
	for i < len(s) && (sqltext.Classes[s[i]]&sqltext.ClassDigit != 0 || s[i] == '.' || s[i] == ',') {
		i++
	}
	return i > 0 && (i == len(s) || sqltext.Classes[s[i]]&sqltext.ClassIdentCont == 0)
}

// givesTokens tells whether a text compares, sets or inserts a text where tokens are.
func givesTokens(sql []byte, escapes bool) bool {
	given := false
	tokensIn(sql, escapes, func(t sqltext.Token) {
		given = given || t.Kind == sqltext.String && !isNumber(bytes.TrimLeft(sql[t.Start:t.End], "'"))
	})
	return given
}

// TokenParameters returns which of the first 64 parameters of a text are compared with
// tokens, or given to them.
func TokenParameters(sql []byte) (set uint64) {
	tokensIn(sql, false, func(t sqltext.Token) {
		if t.Kind == sqltext.Param {
			n := 0
			for _, c := range sql[t.Start+1 : min(t.End, t.Start+4)] {
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
func tokensIn(sql []byte, escapes bool, f func(sqltext.Token)) {
	if !bytes.Contains(sql, []byte("okens")) && !bytes.Contains(sql, []byte("OKENS")) {
		return
	}
	l := sqltext.Lexer{Src: sql, Escapes: escapes}
	var in insertion
	named, beside := false, false // right behind a name of tokens; behind what is compared with it
	depth, list := 0, 0           // of parentheses; that of the list which it is compared with
	for t := l.Next(); t.Kind != sqltext.EOF; t = l.Next() {
		text := sql[t.Start:t.End]
		in.next(t, text)
		switch t.Kind {
		case sqltext.Word, sqltext.QuotedIdent:
			word := t.Kind == sqltext.Word && isOneOf(text, "in", "like", "ilike", "any", "is", "distinct", "from", "array", "not", "to")
			if NamesTokens(text) {
				named, beside = true, false
			} else if named = named && word; !named {
				beside = beside && word
			}
		case sqltext.Operator:
			beside, named = named || beside, false
		case sqltext.Open, sqltext.OpenBracket:
			if depth++; (beside || named) && list == 0 {
				list = depth
			}
			beside, named = beside || named, false
		case sqltext.Close, sqltext.CloseBracket:
			if depth--; depth < list {
				beside, list = false, 0
			}
			named = false
		case sqltext.String, sqltext.Param:
			if beside || named || in.tokens() {
				f(t)
			}
		case sqltext.Number:
		case sqltext.Comma:
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
func (n *insertion) next(t sqltext.Token, text []byte) {
	switch t.Kind {
	case sqltext.Word, sqltext.QuotedIdent:
		switch {
		case t.Kind == sqltext.Word && sqltext.EqualFold(text, "into"):
			*n = insertion{state: insertTable}
		case n.state == insertColumns && NamesTokens(text) && n.item < maxTokenColumns:
			n.columns[n.item], n.any = true, true
		case n.state == insertRows && n.depth == 0 && isOneOf(text, "select", "values"):
			n.item = 0
		case n.state == insertRows && n.depth == 0 && isOneOf(text, "from", "on", "returning", "where"):
			n.state = insertNone
		}
	case sqltext.Semicolon:
		*n = insertion{}
	case sqltext.Open:
		if n.state == insertTable {
			n.state, n.item = insertColumns, 0
			return
		}
		if n.depth++; n.depth == 1 && n.state == insertRows {
			n.item = 0
		}
	case sqltext.Close:
		if n.state == insertColumns {
			n.state, n.depth = insertRows, 0
			return
		}
		n.depth = max(n.depth-1, 0)
	case sqltext.Comma:
		if n.state == insertColumns || n.state == insertRows && n.depth <= 1 {
			n.item++
		}
	}
}

// tokens tells whether a value that comes now is inserted into a column of tokens.
func (n *insertion) tokens() bool {
	return n.any && n.state == insertRows && n.item < maxTokenColumns && n.columns[n.item]
}
