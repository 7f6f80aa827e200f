package sqlnorm

import (
	"bytes"
	"strconv"

	"github.com/pgsniff/pgsniff/internal/sqltext"
)

// redactor is the state of one pass over SQL. The first pass finds out whether the
// text takes secrets, the second one redacts them.
type redactor struct {
	sqltext.Lexer
	dst     []byte
	copied  int // how much of src is in dst
	nesting int
	write   bool // this is the second pass
	all     bool // every constant is redacted, whatever it is

	// Of the text.
	takes    bool // it takes secrets
	comments bool // a comment names one
	replaced bool
	params   bool
	reads    bool // it reads a catalog with credentials
	code     bool // it has code in dollar quotes
	library  bool // it calls a function that takes a secret
	over     bool // the rest was redacted as a whole
	names    bool // a statement about rows names a secret
	asks     bool // a constant of one is the name of a secret
	defines  bool // it has, or had, a statement that is no such one and takes secrets

	joined    int   // where the name ends that the latest one ending in key is compared with
	holds     uint8 // whether the text holds a secret, if it is no SQL: no or yes, once asked
	constants bool  // whether there are constants that are secrets is asked for
	found     bool  // there are

	command
}

// run goes through the text.
func (r *redactor) run() {
	for end := 0; !r.over; {
		t := r.Next()
		r.gap(end, t.Start)
		if t.Kind == sqltext.EOF {
			return
		}
		r.token(t)
		end = t.End
	}
}

// gap looks at what stands between two tokens: white space and comments.
func (r *redactor) gap(from, to int) {
	if to-from < len("--x") {
		return
	}
	g := r.Src[from:to]
	if bytes.Contains(g, []byte("--")) || bytes.Contains(g, []byte("/*")) {
		if r.all || commentNames(g) || r.takes && !r.data && (r.defines || bytes.IndexByte(g, '\'') >= 0) {
			r.comments = true
			r.replaceAs(from, to, redactedComment)
		}
	}
}

func (r *redactor) token(t sqltext.Token) {
	text := r.Src[t.Start:t.End]
	s := &r.command
	switch t.Kind {
	case sqltext.Semicolon:
		*s = command{}
		return
	case sqltext.Param:
		r.params = true
		r.takes = r.takes || s.constant() || s.secret() || s.call == callName
	case sqltext.String:
		r.string(t)
	case sqltext.Number:
		modifier := s.items.begun && s.named == namedNone // varchar(64)
		r.takes = r.takes || s.secret() && !modifier || s.setting == setToValue
		if r.all || r.takes && s.redactsNumber(text) {
			r.replace(t)
		}
	case sqltext.QuotedIdent:
		r.quoted(t)
	case sqltext.Word:
		r.word(t)
	}
	s.plain = (t.Kind == sqltext.Word || t.Kind == sqltext.QuotedIdent) && EndsInKey(text) && (t.End == r.joined || r.besideNumber(t.End))
	if !r.over && s.follow(t, text, r.nesting) {
		r.takes = true
	}
	r.reads = r.reads || s.mention && sqltext.EqualFold(s.verb, "copy")
	r.names = r.names || s.mention && s.data
	r.defines = r.defines || s.kind != kindOther || s.takes || s.setting == setToValue
}

// quoted looks at a quoted name.
func (r *redactor) quoted(t sqltext.Token) {
	text := r.Src[t.Start:t.End]
	s := &r.command
	if mentionsSecret(text) && bytes.ContainsAny(text, "=:/'@%(") { // "password=x"
		r.takes = true
		r.replace(t)
		return
	}
	escaped := text[0] != '"' && bytes.IndexByte(text, '\\') >= 0                 // U&"cr\0079pt"
	if calls(r.Src, t.End) && (escaped || findWord(text, 0).use == useFunction) { // "crypt"(
		r.takes, r.library = true, true
	}
	program := s.takes && sqltext.EqualFold(s.word, "program") // COPY … PROGRAM "…"
	value := program || s.redactsQuoted(text, r.At(t.End), r.library)
	if program || s.setting == setToValue || s.named != namedNone && value {
		r.takes = true
	}
	if r.takes && value {
		r.replace(t)
	}
}

// word looks at a word that is not quoted.
func (r *redactor) word(t sqltext.Token) {
	text := r.Src[t.Start:t.End]
	s := &r.command
	if s.words == 0 && r.nesting == 0 && r.pasted(text) {
		r.takes = true
		r.rest(t.Start)
		return
	}
	if s.words == 0 && r.nesting == 0 && pastedLine(text) {
		r.takes = true
		r.rest(t.End)
		return
	}
	switch w := findWord(text, 0); {
	case w.use == useCatalog:
		r.reads = true
	case w.use == useSetting && calls(r.Src, t.End):
		s.call = callSetting
	case w.use != useFunction && w.use != useLogin || !calls(r.Src, t.End):
	case sqltext.EqualFold(text, "set_config"):
		s.call = callSetConfig
	case w.use == useLogin:
		r.takes = r.takes || r.logsIn(text[w.start:w.end], len(text), t.End)
	default:
		r.takes, r.library = true, true
	}
	switch s.bareWord(text) {
	case bareSecret:
		r.takes = true
		r.replace(t)
	case bareRest:
		r.takes = true
		r.rest(t.Start)
	}
}

// logsIn tells whether a call of a function that may take a secret does: of one whose
// name, of so many bytes and up to end, has a word for it. What makes and checks JSON Web
// Tokens has several arguments; of a number's sign there is one.
func (r *redactor) logsIn(word []byte, name, end int) bool {
	if isOneOf(word, "sign", "verify") {
		return len(word) == name && r.severalArguments(end)
	}
	return !inSet(placeWords, r.command.word) // INSERT INTO login (…)
}

// severalArguments tells whether a call whose name ends at i has several arguments, or
// more than are looked at.
func (r *redactor) severalArguments(i int) bool {
	const most = 64 // tokens
	l := sqltext.Lexer{Src: r.Src, Pos: i, Escapes: r.Escapes}
	depth := 0
	for range most {
		switch l.Next().Kind {
		case sqltext.EOF:
			return true
		case sqltext.Open, sqltext.OpenBracket:
			depth++
		case sqltext.Close, sqltext.CloseBracket:
			if depth--; depth == 0 {
				return false
			}
		case sqltext.Comma:
			if depth == 1 {
				return true
			}
		}
	}
	return true
}

// besideNumber tells whether what ends in key and at i is compared with a number, or with
// something else that ends so: tables are joined by it.
func (r *redactor) besideNumber(i int) bool {
	l := sqltext.Lexer{Src: r.Src, Pos: i, Escapes: r.Escapes}
	if l.Next().Kind != sqltext.Operator {
		return false
	}
	t := l.Next()
	for t.Kind == sqltext.Word || t.Kind == sqltext.QuotedIdent {
		if next := l; next.Next().Kind != sqltext.Dot {
			r.joined = t.End
			return EndsInKey(r.Src[t.Start:t.End])
		}
		l.Next()
		t = l.Next()
	}
	return t.Kind == sqltext.Number
}

// pasted tells whether a statement that begins with a word is none, but something
// else that has a secret in it: a shell's command, a connection string.
func (r *redactor) pasted(verb []byte) bool {
	if lookupOperation(verb) != "" || inSet(otherVerbs, verb) {
		return false
	}
	if r.holds == 0 {
		r.holds = no
		if HoldsSecret(r.Src) {
			r.holds = yes
		}
	}
	return r.holds == yes
}

const (
	no  = 1
	yes = 2
)

// definesRole tells whether a constant is, or begins, a command about a role.
func definesRole(text []byte) bool {
	for i := range text {
		verb := text[i:min(len(text), i+len("create"))]
		switch {
		case len(verb) >= len("alter") && sqltext.EqualFold(verb[:len("alter")], "alter"):
			verb = verb[:len("alter")]
		case !sqltext.EqualFold(verb, "create"):
			continue
		}
		rest := text[i+len(verb):]
		rest = rest[:min(len(rest), len("  \r\n\t  group"))]
		word := bytes.TrimLeft(rest, " \t\r\n")
		if len(word) < len(rest) && isOneOf(word[:skipWord(word, 0)], "role", "user", "group") {
			return true
		}
	}
	return false
}

// string copies or redacts a constant.
func (r *redactor) string(t sqltext.Token) {
	text := r.Src[t.Start:t.End]
	s := &r.command
	dollar := text[0] == '$'
	code := dollar && s.holdsCode()
	r.code = r.code || code
	if code && r.nesting < maxNesting {
		r.body(t)
		return
	}
	switch {
	case s.call == callName:
		r.takes = r.takes || secretSetting(text) || r.computed(t.End)
		if !r.all {
			return // the name itself is none
		}
	case s.constant() || s.secret() || mentionsSecret(text) || holdsOtherwise(text) || s.call == callRead && secretSetting(text) || (r.nesting > 0 || s.code) && definesRole(text):
		r.takes = true
		r.asks = r.asks || s.data && namesSecret(bytes.Trim(text, "'"))
	}
	if !r.all && !r.takes && !r.constants {
		return
	}
	wrong := !dollar && misquoted(r.Src, t)
	if !r.all && s.harmless() && !wrong && !HoldsSecret(text) {
		return
	}
	r.found = true
	if wrong {
		r.rest(t.Start)
		return
	}
	r.replace(t)
}

// body goes through code in dollar quotes.
func (r *redactor) body(t sqltext.Token) {
	text := r.Src[t.Start:t.End]
	start, end := sqltext.DollarBody(text)
	in := redactor{
		Lexer: sqltext.Lexer{Src: text[start:end], Escapes: r.Escapes}, nesting: r.nesting + 1, write: r.write, all: r.all, takes: r.takes, library: r.library,
		constants: r.constants, defines: r.defines,
	}
	if r.write {
		r.dst = append(r.dst, r.Src[r.copied:t.Start+start]...)
		in.dst = r.dst
	}
	in.run()
	r.takes = r.takes || in.takes
	r.comments = r.comments || in.comments
	r.replaced = r.replaced || in.replaced
	r.params = r.params || in.params
	r.reads = r.reads || in.reads
	r.names = r.names || in.names
	r.defines = r.defines || in.defines
	r.found = r.found || in.found
	r.library = r.library || in.library
	if r.write {
		r.dst = append(in.dst, in.Src[in.copied:]...)
		r.copied = t.Start + end
		if in.over && r.copied < len(r.Src) {
			r.rest(r.copied) // nor does anything tell where the code ends
		}
	}
}

// replace redacts a token.
func (r *redactor) replace(t sqltext.Token) {
	if !r.all || !r.write {
		r.replaceAs(t.Start, t.End, Redacted)
		return
	}
	r.replaceAs(t.Start, t.End, "'<redacted, ")
	r.dst = strconv.AppendInt(r.dst, int64(t.End-t.Start), 10)
	r.dst = append(r.dst, " bytes>'"...)
}

// rest redacts all from i on: nothing tells where the secret ends.
func (r *redactor) rest(i int) {
	r.replaceAs(i, len(r.Src), Redacted)
	r.over = r.write
}

func (r *redactor) replaceAs(from, to int, with string) {
	if !r.write {
		return
	}
	r.dst = append(r.dst, r.Src[r.copied:from]...)
	r.dst = append(r.dst, with...)
	r.copied = to
	r.replaced = true
}

// misquoted tells whether a constant may not end where it seems to: with a backslash
// before one of its quotes, or with text right behind it. Whether a server takes such a
// backslash for an escape depends on standard_conforming_strings, which it reports after
// it has changed, and which is not known where the beginning was not captured.
func misquoted(src []byte, t sqltext.Token) bool {
	text := src[t.Start:t.End]
	if text[0]|0x20 != 'e' && bytes.Contains(text, []byte(`\'`)) {
		return true
	}
	if t.End == len(src) {
		return bytes.IndexByte(text, '\'') == len(text)-1 || text[len(text)-1] != '\'' // it does not end
	}
	switch c := src[t.End]; {
	case c == '\'' || c == '"':
		return true
	case sqltext.Classes[c]&sqltext.ClassIdentCont != 0:
		word := src[t.End:skipWord(src, t.End)]
		var buf [maxWord]byte
		return len(word) > len(buf) || classify(sqltext.AppendLower(buf[:0], word)) == wordPlain
	}
	return false
}

// secretSetting tells whether the first argument of set_config is the name of a
// setting that holds a secret.
func secretSetting(text []byte) bool {
	return namesSecret(bytes.Trim(text, "'")) || mentionsSecret(text)
}

// holdsOtherwise tells whether a constant holds a secret that none of the watched words tells
// of.
func holdsOtherwise(text []byte) bool {
	inner := bytes.TrimLeft(text, "'")
	return findPw(text, 0) >= 0 && HoldsSecret(text) || IsToken(inner) || InHex(text)
}

// computed tells whether an argument goes on behind a constant that ends at i, so that
// this is a part of it only.
func (r *redactor) computed(i int) bool {
	l := sqltext.Lexer{Src: r.Src, Pos: i, Escapes: r.Escapes}
	t := l.Next()
	return t.Kind == sqltext.Operator
}

// commentNames tells whether a comment names a secret. Of those that applications
// are marked with (/*route='/password/reset'*/) only what gives it a value counts.
func commentNames(g []byte) bool {
	if !mentionsSecret(g) {
		return findPw(g, 0) >= 0 && HoldsSecret(g)
	}
	_, rest, ok := bytes.Cut(g, []byte("/*"))
	rest = bytes.TrimLeft(rest, " ")
	n := skipWord(rest, 0)
	if marks := ok && n > 0 && bytes.HasPrefix(rest[n:], []byte("='")); marks {
		return HoldsSecret(g)
	}
	return true
}
