package sqlnorm

import "github.com/pgsniff/pgsniff/internal/sqltext"

// kept follows a statement and knows the numbers in it that are no constants: the
// ordinals of ORDER BY and GROUP BY, which name columns of the result, and the modifiers
// of types, numeric(10,2). pg_stat_statements keeps them apart, too. It also knows labels
// (select x as true).
type kept struct {
	depth  int
	levels [maxKeptDepth]keptLevel
	word   keptWord
	item   bool // an item of the list behind BY begins here
	named  namedType
}

// maxKeptDepth is how deep parentheses are told apart; deeper down all numbers are
// constants.
const maxKeptDepth = 32

// keptLevel is an open parenthesis.
type keptLevel struct {
	query bool // a SELECT stands in it
	by    bool // the list behind its ORDER BY or GROUP BY goes on
	cast  bool // it is CAST's
	mods  bool // it has the modifiers of a type
}

// keptWord is the word before, if it is one of those.
type keptWord uint8

const (
	keptOther keptWord = iota
	keptOrder
	keptGroup
	keptAs
	keptCast
)

// namedType says how much of a type's name was seen.
type namedType uint8

const (
	noType namedType = iota
	typeBegins
	typeNamed
)

func (k *kept) level() *keptLevel {
	if k.depth >= maxKeptDepth {
		return &k.levels[maxKeptDepth-1]
	}
	return &k.levels[k.depth]
}

// next takes the next token. It reports whether that is a number that stays, or a word
// that is a label; l is behind the token.
func (k *kept) next(t sqltext.Token, l *sqltext.Lexer) bool {
	word, item, named := k.word, k.item, k.named
	k.word, k.item, k.named = keptOther, false, noType
	lv := k.level()
	switch t.Kind {
	case sqltext.Word:
		k.nextWord(l.Src[t.Start:t.End], word, named)
		return word == keptAs && !lv.cast
	case sqltext.QuotedIdent:
		if named == typeBegins {
			k.named = typeNamed
		}
	case sqltext.Dot:
		if named == typeNamed { // of a schema
			k.named = typeBegins
		}
	case sqltext.Cast:
		k.named = typeBegins
	case sqltext.Comma:
		k.item = lv.by
	case sqltext.Number:
		whole := digitsAt(l.Src, t.Start) == t.End
		return whole && k.depth < maxKeptDepth && (lv.mods || lv.by && item && endsItem(*l))
	case sqltext.Open:
		k.depth++
		if k.depth < maxKeptDepth {
			k.levels[k.depth] = keptLevel{cast: word == keptCast, mods: named == typeNamed}
		}
	case sqltext.Close:
		k.depth = max(k.depth-1, 0)
	case sqltext.Semicolon:
		k.depth = 0
		k.levels[0] = keptLevel{}
	}
	return false
}

// endsItem reports whether an item of a list ends before the next token: nothing is
// reckoned with the number.
func endsItem(l sqltext.Lexer) bool {
	switch l.Next().Kind {
	case sqltext.Comma, sqltext.Close, sqltext.Semicolon, sqltext.EOF, sqltext.Word:
		return true
	}
	return false
}

// nextWord takes a word that is not quoted.
func (k *kept) nextWord(w []byte, before keptWord, named namedType) {
	lv := k.level()
	switch {
	case named == typeBegins, named == typeNamed && isOneOf(w, "varying", "character", "char"):
		k.named = typeNamed
		return
	}
	switch len(w) {
	case 2:
		switch {
		case sqltext.EqualFold(w, "by"):
			lv.by = lv.query && (before == keptOrder || before == keptGroup)
			k.item = lv.by
		case sqltext.EqualFold(w, "as"):
			k.word = keptAs
			if lv.cast {
				k.named = typeBegins
			}
		}
	case 3:
		if sqltext.EqualFold(w, "for") {
			lv.by = false
		}
	case 4:
		if sqltext.EqualFold(w, "cast") {
			k.word = keptCast
		}
	case 5:
		switch {
		case sqltext.EqualFold(w, "order"):
			k.word = keptOrder
		case sqltext.EqualFold(w, "group"):
			k.word = keptGroup
		case isOneOf(w, "limit", "fetch", "union", "where"):
			lv.by = false
		}
	case 6:
		switch {
		case sqltext.EqualFold(w, "select"):
			lv.query, lv.by = true, false
		case isOneOf(w, "having", "offset", "window", "except"):
			lv.by = false
		}
	case 9:
		if sqltext.EqualFold(w, "intersect") || sqltext.EqualFold(w, "returning") {
			lv.by = false
		}
	}
}
