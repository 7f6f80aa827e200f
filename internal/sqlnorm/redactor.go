package sqlnorm

import (
	"bytes"
	"strconv"
)

// redactor is the state of one pass over SQL. The first pass finds out whether the
// text takes secrets, the second one redacts them.
type redactor struct {
	lexer
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
		t := r.next()
		r.gap(end, t.start)
		if t.kind == tokenEOF {
			return
		}
		r.token(t)
		end = t.end
	}
}

// gap looks at what stands between two tokens: white space and comments.
func (r *redactor) gap(from, to int) {
	if to-from < len("--x") {
		return
	}
	g := r.src[from:to]
	if bytes.Contains(g, []byte("--")) || bytes.Contains(g, []byte("/*")) {
		if r.all || commentNames(g) || r.takes && !r.data && (r.defines || bytes.IndexByte(g, '\'') >= 0) {
			r.comments = true
			r.replaceAs(from, to, redactedComment)
		}
	}
}

func (r *redactor) token(t token) {
	text := r.src[t.start:t.end]
	s := &r.command
	switch t.kind {
	case tokenSemicolon:
		*s = command{}
		return
	case tokenParam:
		r.params = true
		r.takes = r.takes || s.constant() || s.secret() || s.call == callName
	case tokenString:
		r.string(t)
	case tokenNumber:
		modifier := s.items.begun && s.named == namedNone // varchar(64)
		r.takes = r.takes || s.secret() && !modifier || s.setting == setToValue
		if r.all || r.takes && s.redactsNumber(text) {
			r.replace(t)
		}
	case tokenQuotedIdent:
		r.quoted(t)
	case tokenWord:
		r.word(t)
	}
	s.plain = (t.kind == tokenWord || t.kind == tokenQuotedIdent) && EndsInKey(text) && (t.end == r.joined || r.besideNumber(t.end))
	if !r.over && s.follow(t, text, r.nesting) {
		r.takes = true
	}
	r.reads = r.reads || s.mention && equalFold(s.verb, "copy")
	r.names = r.names || s.mention && s.data
	r.defines = r.defines || s.kind != kindOther || s.takes || s.setting == setToValue
}

// quoted looks at a quoted name.
func (r *redactor) quoted(t token) {
	text := r.src[t.start:t.end]
	s := &r.command
	if mentionsSecret(text) && bytes.ContainsAny(text, "=:/'@%(") { // "password=x"
		r.takes = true
		r.replace(t)
		return
	}
	escaped := text[0] != '"' && bytes.IndexByte(text, '\\') >= 0                 // U&"cr\0079pt"
	if calls(r.src, t.end) && (escaped || findWord(text, 0).use == useFunction) { // "crypt"(
		r.takes, r.library = true, true
	}
	program := s.takes && equalFold(s.word, "program") // COPY … PROGRAM "…"
	value := program || s.redactsQuoted(text, r.at(t.end), r.library)
	if program || s.setting == setToValue || s.named != namedNone && value {
		r.takes = true
	}
	if r.takes && value {
		r.replace(t)
	}
}

// word looks at a word that is not quoted.
func (r *redactor) word(t token) {
	text := r.src[t.start:t.end]
	s := &r.command
	if s.words == 0 && r.nesting == 0 && r.pasted(text) {
		r.takes = true
		r.rest(t.start)
		return
	}
	if s.words == 0 && r.nesting == 0 && pastedLine(text) {
		r.takes = true
		r.rest(t.end)
		return
	}
	switch w := findWord(text, 0); {
	case w.use == useCatalog:
		r.reads = true
	case w.use == useSetting && calls(r.src, t.end):
		s.call = callSetting
	case w.use != useFunction && w.use != useLogin || !calls(r.src, t.end):
	case equalFold(text, "set_config"):
		s.call = callSetConfig
	case w.use == useLogin:
		r.takes = r.takes || r.logsIn(text[w.start:w.end], len(text), t.end)
	default:
		r.takes, r.library = true, true
	}
	switch s.bareWord(text) {
	case bareSecret:
		r.takes = true
		r.replace(t)
	case bareRest:
		r.takes = true
		r.rest(t.start)
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
	l := lexer{src: r.src, pos: i, escapes: r.escapes}
	depth := 0
	for range most {
		switch l.next().kind {
		case tokenEOF:
			return true
		case tokenOpen, tokenOpenBracket:
			depth++
		case tokenClose, tokenCloseBracket:
			if depth--; depth == 0 {
				return false
			}
		case tokenComma:
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
	l := lexer{src: r.src, pos: i, escapes: r.escapes}
	if l.next().kind != tokenOperator {
		return false
	}
	t := l.next()
	for t.kind == tokenWord || t.kind == tokenQuotedIdent {
		if next := l; next.next().kind != tokenDot {
			r.joined = t.end
			return EndsInKey(r.src[t.start:t.end])
		}
		l.next()
		t = l.next()
	}
	return t.kind == tokenNumber
}

// pasted tells whether a statement that begins with a word is none, but something
// else that has a secret in it: a shell's command, a connection string.
func (r *redactor) pasted(verb []byte) bool {
	if lookupOperation(verb) != "" || inSet(otherVerbs, verb) {
		return false
	}
	if r.holds == 0 {
		r.holds = no
		if HoldsSecret(r.src) {
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
		case len(verb) >= len("alter") && equalFold(verb[:len("alter")], "alter"):
			verb = verb[:len("alter")]
		case !equalFold(verb, "create"):
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
func (r *redactor) string(t token) {
	text := r.src[t.start:t.end]
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
		r.takes = r.takes || secretSetting(text) || r.computed(t.end)
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
	wrong := !dollar && misquoted(r.src, t)
	if !r.all && s.harmless() && !wrong && !HoldsSecret(text) {
		return
	}
	r.found = true
	if wrong {
		r.rest(t.start)
		return
	}
	r.replace(t)
}

// body goes through code in dollar quotes.
func (r *redactor) body(t token) {
	text := r.src[t.start:t.end]
	start, end := dollarBody(text)
	in := redactor{
		lexer: lexer{src: text[start:end], escapes: r.escapes}, nesting: r.nesting + 1, write: r.write, all: r.all, takes: r.takes, library: r.library,
		constants: r.constants, defines: r.defines,
	}
	if r.write {
		r.dst = append(r.dst, r.src[r.copied:t.start+start]...)
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
		r.dst = append(in.dst, in.src[in.copied:]...)
		r.copied = t.start + end
		if in.over && r.copied < len(r.src) {
			r.rest(r.copied) // nor does anything tell where the code ends
		}
	}
}

// replace redacts a token.
func (r *redactor) replace(t token) {
	if !r.all || !r.write {
		r.replaceAs(t.start, t.end, Redacted)
		return
	}
	r.replaceAs(t.start, t.end, "'<redacted, ")
	r.dst = strconv.AppendInt(r.dst, int64(t.end-t.start), 10)
	r.dst = append(r.dst, " bytes>'"...)
}

// rest redacts all from i on: nothing tells where the secret ends.
func (r *redactor) rest(i int) {
	r.replaceAs(i, len(r.src), Redacted)
	r.over = r.write
}

func (r *redactor) replaceAs(from, to int, with string) {
	if !r.write {
		return
	}
	r.dst = append(r.dst, r.src[r.copied:from]...)
	r.dst = append(r.dst, with...)
	r.copied = to
	r.replaced = true
}

// misquoted tells whether a constant may not end where it seems to: with a backslash
// before one of its quotes, or with text right behind it. Whether a server takes such a
// backslash for an escape depends on standard_conforming_strings, which it reports after
// it has changed, and which is not known where the beginning was not captured.
func misquoted(src []byte, t token) bool {
	text := src[t.start:t.end]
	if text[0]|0x20 != 'e' && bytes.Contains(text, []byte(`\'`)) {
		return true
	}
	if t.end == len(src) {
		return bytes.IndexByte(text, '\'') == len(text)-1 || text[len(text)-1] != '\'' // it does not end
	}
	switch c := src[t.end]; {
	case c == '\'' || c == '"':
		return true
	case class[c]&classIdentCont != 0:
		word := src[t.end:skipWord(src, t.end)]
		var buf [maxWord]byte
		return len(word) > len(buf) || classify(appendLower(buf[:0], word)) == wordPlain
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
	l := lexer{src: r.src, pos: i, escapes: r.escapes}
	t := l.next()
	return t.kind == tokenOperator
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
