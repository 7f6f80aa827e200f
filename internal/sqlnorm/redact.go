package sqlnorm

import "bytes"

// Redacted is what [Redact] writes in the place of a secret.
const Redacted = "'<redacted>'"

// maxNesting is how deep dollar quoted code within dollar quoted code is looked
// into; what is deeper down and may hold a secret is redacted as a whole.
const maxNesting = 4

// MayHoldSecret tells whether [Redact] could find anything in sql. It is quick
// for the statements that applications send, and true for some without secrets.
func MayHoldSecret(sql []byte) bool {
	if mentionsPassword(sql) || bytes.Contains(sql, []byte("://")) {
		return true
	}
	switch Operation(sql) {
	case "ALTER", "CREATE", "SET", "DO":
		return true
	}
	semicolon := bytes.IndexByte(sql, ';')
	return semicolon >= 0 && len(bytes.TrimSpace(sql[semicolon+1:])) > 0
}

// Redact appends sql to dst as it is, but with [Redacted] in the place of each
// password, and returns the extended slice. The two must not overlap. Passwords
// are:
//
//   - the constant after PASSWORD, or after an option or setting whose name ends
//     in password, passwd, secret, token or the like: CREATE and ALTER of roles,
//     user mappings, servers and subscriptions, SET. In a statement about a role,
//     what is not quoted as a constant there, which the server refuses, too;
//   - connection strings and URIs that carry a password, wherever they stand
//     (CREATE SUBSCRIPTION, dblink, ALTER SYSTEM);
//   - constants that are dynamic SQL with PASSWORD in it, and those that follow in
//     the same statement. Dollar quoted code (DO, CREATE FUNCTION) is looked into.
//
// A constant that a query compares with a column or inserts into it is data, not
// a password in this sense, whatever the column's name. So are comments.
func Redact(dst, sql []byte) []byte {
	if !MayHoldSecret(sql) {
		return append(dst, sql...)
	}
	return redactCode(dst, sql, 0)
}

func redactCode(dst, sql []byte, nesting int) []byte {
	r := redactor{lexer: lexer{src: sql}, dst: dst, nesting: nesting}
	for {
		t := r.next()
		if t.kind == tokenEOF {
			return append(r.dst, sql[r.copied:]...)
		}
		r.token(t)
	}
}

// redactor is the state of one pass over SQL whose secrets are looked for.
type redactor struct {
	lexer
	dst     []byte
	copied  int // how much of src is in dst
	nesting int

	words   int  // of this statement so far
	defines bool // it is a CREATE, ALTER or SET
	role    bool // it is a CREATE or ALTER of a role
	all     bool // it builds dynamic SQL with a password
	named   bool // the token before names a secret
	bare    bool // the token before is PASSWORD in a statement about a role
}

func (r *redactor) token(t token) {
	text := r.src[t.start:t.end]
	named, bare := r.named, r.bare
	r.named, r.bare = false, false
	switch t.kind {
	case tokenSemicolon:
		r.words, r.defines, r.role, r.all = 0, false, false, false
	case tokenString:
		r.constant(t, named)
	case tokenNumber:
		if bare {
			r.replace(t)
		}
	case tokenQuotedIdent:
		if bare {
			r.replace(t)
		}
		r.named = namesSecret(bytes.Trim(text, `"`))
	case tokenOperator, tokenOther: // PASSWORD = '…'
		if r.defines && (string(text) == "=" || string(text) == ":=") {
			r.named, r.bare = named, bare
		}
	case tokenWord:
		switch {
		case r.defines && equalFold(text, "to"): // SET app.password TO '…'
			r.named, r.bare = named, bare
		case bare && !equalFold(text, "null"):
			r.replace(t)
		default:
			r.word(text)
		}
	}
}

// word takes note of what a word says about the statement and the next token.
func (r *redactor) word(w []byte) {
	r.words++
	switch r.words {
	case 1:
		r.role = equalFold(w, "create") || equalFold(w, "alter")
		r.defines = r.role || equalFold(w, "set")
	case 2:
		r.role = r.role && (equalFold(w, "role") || equalFold(w, "user") || equalFold(w, "group"))
	default:
		r.bare = r.role && r.words > 3 && equalFold(w, "password")
	}
	r.named = namesSecret(w)
}

// constant copies or redacts a string.
func (r *redactor) constant(t token, named bool) {
	text := r.src[t.start:t.end]
	switch {
	case named || r.all:
		r.replace(t)
	case text[0] == '$':
		r.code(t)
	case buildsPassword(text):
		r.all = true
		r.replace(t)
	case carriesPassword(text):
		r.replace(t)
	}
}

// code copies a dollar quoted string, redacting what is inside.
func (r *redactor) code(t token) {
	text := r.src[t.start:t.end]
	start, end := dollarBody(text)
	body := text[start:end]
	switch {
	case !MayHoldSecret(body):
	case carriesPassword(body) && isConnectionString(body), r.nesting == maxNesting:
		r.replace(t)
	default:
		r.dst = append(r.dst, r.src[r.copied:t.start+start]...)
		r.dst = redactCode(r.dst, body, r.nesting+1)
		r.copied = t.start + end
	}
}

// replace redacts a token.
func (r *redactor) replace(t token) {
	r.dst = append(r.dst, r.src[r.copied:t.start]...)
	r.dst = append(r.dst, Redacted...)
	r.copied = t.end
}
