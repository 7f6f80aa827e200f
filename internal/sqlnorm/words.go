package sqlnorm

// wordClass is what the normaliser needs to know of a word that is not quoted.
type wordClass uint8

const (
	wordPlain   wordClass = iota // an identifier, or a keyword that may stand where one does
	wordSpaced                   // the same, but a parenthesis after it stands apart
	wordOperand                  // a keyword that an operand follows; a parenthesis stands apart
	wordIn
	wordValues
	wordArray
	wordBool // true, false
	wordNull
	wordIs
	wordNot
	wordOn
)

// maxWord is the length of the longest word that classify knows.
const maxWord = 12

// classify returns the class of a word in lower case. An operand follows those
// words only that PostgreSQL lets nobody give to a column without quotes (and BY
// and BETWEEN): after a column's name a minus is an operator, not a sign. A
// keyword that is missing costs little: a space before a parenthesis, or a sign
// that is kept beside its constant.
func classify(w []byte) wordClass {
	if len(w) < 2 || len(w) > maxWord {
		return wordPlain
	}
	switch string(w) {
	case "in":
		return wordIn
	case "values":
		return wordValues
	case "array":
		return wordArray
	case "true", "false":
		return wordBool
	case "null":
		return wordNull
	case "is":
		return wordIs
	case "not":
		return wordNot
	case "on":
		return wordOn
	case "select", "from", "where", "and", "or", "as", "by", "having", "distinct", "all",
		"limit", "offset", "fetch", "for", "with", "using", "returning", "when", "then",
		"else", "case", "between", "symmetric", "asymmetric", "like", "ilike", "similar",
		"to", "union", "except", "intersect", "default", "lateral", "variadic":
		return wordOperand
	case "exists", "over", "filter", "within", "join", "check", "key", "unique", "set",
		"materialized", "conflict", "options", "include", "sets", "rollup", "cube", "into":
		return wordSpaced
	}
	return wordPlain
}
