package sqlnorm

import (
	"bytes"

	"github.com/pgsniff/pgsniff/internal/sqltext"
)

// Redacted is what [Redact] writes in the place of a secret.
const Redacted = "'<redacted>'"

// redactedComment stands for comments that name a secret.
const redactedComment = " /* <redacted> */ "

// maxNesting is how deep dollar quoted code within dollar quoted code is looked
// into; what is deeper down is redacted as a whole.
const maxNesting = 4

// Secrecy is what [Redact] found out about a text.
type Secrecy uint8

const (
	// Hidden: something was redacted. What answers the text may repeat it.
	Hidden Secrecy = 1 << iota
	// Takes: the text takes a secret; what is bound to it may be it.
	Takes
	// Binds: and it has parameters.
	Binds
	// Reads: the text reads a catalog with credentials.
	Reads
	// Names: the text reads or writes rows and names a secret: what it computes may be
	// made of it.
	Names
	// Asks: it has the name of a secret as a constant, as if it looked for its value.
	Asks
)

// Repeats tells whether the replies to a text may repeat its secrets.
func (s Secrecy) Repeats() bool { return s&(Hidden|Binds) != 0 }

// MayHoldSecret tells whether [Redact] could find anything in sql. It is quick
// for the statements that applications send, and true for some without secrets.
func MayHoldSecret(sql []byte) bool {
	for w := findWord(sql, 0); w.use != 0; w = findWord(sql, w.next) {
		switch {
		case (w.use == useFunction || w.use == useLogin || w.use == useSetting) && !calls(sql, w.end):
		case w.use == useShape && !shaped(sql, w), w.use == useTokens && bytes.IndexByte(sql, '\'') < 0 && bytes.IndexByte(sql, '$') < 0:
		case w.end-w.start <= len("pass") && w.start > 0 && sql[w.start-1] == '\'' && w.end < len(sql) && sql[w.end] == '\'':
			// 'pass' is a result more often than a name.
		default:
			return true
		}
	}
	l := sqltext.Lexer{Src: sql}
	if bytes.Contains(sql, []byte("://")) || beginsDefinition(sql[l.SkipSpace(0):]) || findPw(sql, 0) >= 0 {
		return true
	}
	if bytes.IndexByte(sql, '\\') >= 0 && (bytes.Contains(sql, []byte(`&"`)) || bytes.Contains(sql, []byte(`\x`)) || bytes.Contains(sql, []byte(`\u00`))) {
		return true // U&"p\0061ssword", '\x70617373776f7264'
	}
	for {
		i := bytes.IndexByte(sql, ';')
		if i < 0 {
			return false
		}
		sql = bytes.TrimLeft(sql[i+1:], " \t\r\n\f\v")
		if beginsDefinition(sql) || bytes.HasPrefix(sql, []byte("--")) || bytes.HasPrefix(sql, []byte("/*")) {
			return true
		}
	}
}

// beginsDefinition tells whether sql begins with ALTER, CREATE or DO, with SET or SHOW of a
// setting that is not the server's own, or a word that no command of SQL begins with, and
// that lines with passwords do.
func beginsDefinition(sql []byte) bool {
	if len(sql) == 0 {
		return false
	}
	switch sql[0] | 0x20 {
	case 'a', 'c', 'd', 's', 'm', 'w':
		w := sql[:skipWord(sql, 0)]
		const most = 80 // bytes in which the dot of a setting's name is looked for
		return sqltext.EqualFold(w, "alter") || sqltext.EqualFold(w, "create") || sqltext.EqualFold(w, "do") || pastedLine(w) ||
			(sqltext.EqualFold(w, "set") || sqltext.EqualFold(w, "show")) && bytes.IndexByte(sql[:min(len(sql), most)], '.') >= 0
	}
	return false
}

// Defines tells whether a text begins with CREATE or ALTER.
func Defines(sql []byte) bool {
	l := sqltext.Lexer{Src: sql}
	t := l.Next()
	return t.Kind == sqltext.Word && isOneOf(sql[t.Start:t.End], "create", "alter")
}

// pastedLine tells whether a line that begins with a word is one for a shell or a
// client that takes passwords as words: what follows has no sign of its own.
func pastedLine(verb []byte) bool { return len(verb) >= len("curl") && isOneOf(verb, pastedWords...) }

var pastedWords = []string{"connect", "sqlplus", "sshpass", "mysql", "mysqldump", "mongosh", "curl", "wget"}

// Redact appends sql to dst as it is, but with [Redacted] in the place of each
// secret, and returns the extended slice. The two must not overlap.
//
// A text takes secrets if it has
//
//   - CREATE or ALTER of a role, user, group, user mapping, subscription, server or
//     foreign table, or of something unknown;
//   - SET of a setting with a secret's name, set_config of one;
//   - COPY with a program, IDENTIFIED BY, a call of dblink's or pgcrypto's functions;
//   - a constant that names a secret (connection strings, dynamic SQL, documents) or
//     has a URL with a password;
//   - a secret's name where something is inserted into it, assigned to it or compared
//     with it, or where it names a value.
//
// In such a text every constant is redacted, with these exceptions: VALID UNTIL,
// options that say where a server is and who asks (host, port, user, dbname), and
// the like; small numbers that no secret's name stands beside. What is not quoted
// as a constant where a secret is due is redacted, too, and, where the quotes of a
// text are wrong, all that follows. Code in dollar quotes (DO, CREATE FUNCTION) is
// looked into. A comment that names a secret is redacted as a whole.
func Redact(dst, sql []byte) []byte {
	out, _ := RedactText(dst, sql, false)
	return out
}

// RedactText is [Redact], and tells what was found. cut says that the text goes on
// beyond sql, and may name a secret there.
func RedactText(dst, sql []byte, cut bool) ([]byte, Secrecy) {
	return Redactor{}.Text(dst, sql, cut)
}

// Redactor redacts the texts of a session with certain settings. The zero value is for
// those of servers by default.
type Redactor struct {
	// Escapes tells that standard_conforming_strings is off: backslashes in plain
	// constants are escapes.
	Escapes bool
}

// Text is [RedactText].
func (o Redactor) Text(dst, sql []byte, cut bool) ([]byte, Secrecy) {
	if !MayHoldSecret(sql) {
		return append(dst, sql...), 0
	}
	c := redactor{Lexer: sqltext.Lexer{Src: sql, Escapes: o.Escapes}}
	c.run()
	takes := c.takes || cut && c.code || bytes.Contains(sql, []byte(`\'`)) && urlWithSecret(sql) || givesTokens(sql, o.Escapes)
	if !takes && !c.comments {
		return append(dst, sql...), c.catalogs()
	}
	r := redactor{Lexer: sqltext.Lexer{Src: sql, Escapes: o.Escapes}, dst: dst, write: true, takes: takes, library: c.library}
	r.run()
	found := c.catalogs()
	if r.replaced {
		found |= Hidden
	}
	if takes || c.comments {
		found |= Takes
		if r.params {
			found |= Binds
		}
	}
	return append(r.dst, sql[r.copied:]...), found
}

// Taking is Text for a text that takes secrets though it does not say so: it executes
// what takes them.
func (o Redactor) Taking(dst, sql []byte) []byte {
	r := redactor{Lexer: sqltext.Lexer{Src: sql, Escapes: o.Escapes}, dst: dst, write: true, takes: true}
	r.run()
	return append(r.dst, sql[r.copied:]...)
}

// Prepares tells whether a text has a PREPARE, or a DECLARE of a cursor.
func Prepares(sql []byte) bool { return hasWord(sql, "prepare", "declare") }

// Executes tells whether a text has an EXECUTE, be it inside an EXPLAIN or a CREATE
// TABLE, or takes rows of a cursor.
func Executes(sql []byte) bool { return hasWord(sql, "execute", "fetch") }

// Ends tells whether a text may end a transaction, or has what was deferred checked: COMMIT,
// SET CONSTRAINTS, PREPARE TRANSACTION, or a procedure that commits.
func Ends(sql []byte) bool {
	return hasWord(sql, "commit", "end") || hasWord(sql, "constraints", "transaction") || hasWord(sql, "call", "call")
}

func hasWord(sql []byte, a, b string) bool {
	l := sqltext.Lexer{Src: sql}
	for {
		switch t := l.Next(); t.Kind {
		case sqltext.EOF:
			return false
		case sqltext.Word:
			if w := sql[t.Start:t.End]; sqltext.EqualFold(w, a) || sqltext.EqualFold(w, b) {
				return true
			}
		}
	}
}

// RedactAll appends sql to dst with every constant and comment replaced, and what
// [Redact] replaces besides. Of constants the length in bytes is told.
func RedactAll(dst, sql []byte) []byte { return Redactor{}.All(dst, sql) }

// All is [RedactAll].
func (o Redactor) All(dst, sql []byte) []byte {
	c := redactor{Lexer: sqltext.Lexer{Src: sql, Escapes: o.Escapes}}
	c.run()
	r := redactor{Lexer: sqltext.Lexer{Src: sql, Escapes: o.Escapes}, dst: dst, write: true, all: true, takes: true, library: c.library}
	r.run()
	return append(r.dst, sql[r.copied:]...)
}

// catalogs is what was found out about what the text reads.
func (r *redactor) catalogs() (found Secrecy) {
	if r.reads {
		found |= Reads
	}
	if r.names {
		found |= Names
	}
	if r.asks {
		found |= Asks
	}
	return found
}

// CodeWithSecret tells whether a text is a statement, or a part of one, that has a
// secret in it: a server shows those of others, and what objects are made of.
func CodeWithSecret(text []byte) bool {
	return (mayBegin(text) || bytes.IndexByte(text, '(') >= 0) && codeWithSecret(text)
}

// CommandWithSecret is CodeWithSecret for a text, not empty, in which nothing is called.
func CommandWithSecret(text []byte) bool {
	return beginsCommand[text[0]] && mayBegin(text) && codeWithSecret(text)
}

func codeWithSecret(text []byte) bool {
	switch {
	case !MayHoldSecret(text):
		return false
	case Operation(text) == "":
		return callsWithConstant(text) || deparsed(text) // a part of one, or of a document that has it
	}
	r := redactor{Lexer: sqltext.Lexer{Src: text}, constants: true}
	r.run()
	return r.takes && r.found
}

// firstLetters are those that the commands begin with, in lower case.
var firstLetters = func() (letters [256]bool) {
	for word := range operations {
		letters[word[0]|0x20] = true
	}
	return letters
}()

// beginsCommand are the bytes that the text of a command may begin with.
var beginsCommand = func() (bytes [256]bool) {
	for c := range bytes {
		bytes[c] = firstLetters[c|0x20] || sqltext.Classes[c]&sqltext.ClassSpace != 0 || c == '(' || c == ';' || c == '-' || c == '/'
	}
	return bytes
}()

// mayBegin tells whether a text may begin with the first word of a command. It is
// quick, and true for whatever begins with a comment.
func mayBegin(text []byte) bool {
	for i, c := range text {
		switch {
		case sqltext.Classes[c]&sqltext.ClassSpace != 0 || c == '(' || c == ';':
		case c == '-' || c == '/':
			return true
		case firstLetters[c|0x20]:
			end := i
			for end < len(text) && end-i <= maxOperation && sqltext.Classes[text[end]]&sqltext.ClassIdentCont != 0 {
				end++
			}
			return end-i <= maxOperation && lookupOperation(text[i:end]) != ""
		default:
			return false
		}
	}
	return false
}

// callsWithConstant tells whether a text calls a function that takes a secret, with a
// constant behind.
func callsWithConstant(text []byte) bool {
	last := bytes.LastIndexByte(text, '\'')
	for w := findWord(text, 0); w.use != 0 && w.end < last; w = findWord(text, w.next) {
		if w.use == useFunction && calls(text, w.end) {
			return true
		}
	}
	return false
}

// deparsed tells whether a text is an expression as servers write those of constraints,
// policies and plans, with the types of all constants, that has one beside the name of a
// secret: (lower(token) = 'x'::text).
func deparsed(text []byte) bool {
	if !bytes.Contains(text, []byte("'::")) {
		return false
	}
	for w := findWord(text, 0); w.use != 0; w = findWord(text, w.next) {
		if w.use == useName && !plainWord(text, w.start, w.end) && !tellsOf(text, w.start, w.end) {
			return true
		}
	}
	return false
}

// RenamesSecret tells whether a text gives what has a secret's name the name of a
// column: password AS p, password p.
func RenamesSecret(sql, column []byte) (found bool) {
	Renames(sql, namesSecret, func(name []byte) { found = found || sameName(name, column) })
	return found
}

// RenamesAny tells whether a text gives what is called so another name.
func RenamesAny(sql []byte, called func(name []byte) bool) (found bool) {
	var buf [maxWord]byte
	Renames(sql, called, func(name []byte) {
		found = found || !called(name) && (name[0] == '"' || len(name) > maxWord || classify(sqltext.AppendLower(buf[:0], name)) == wordPlain)
	})
	return found
}

// Renames calls f with each name in a text that follows what is called so, with AS between or
// not: as it stands there, with its quotes. It is borrowed.
func Renames(sql []byte, called func(name []byte) bool, f func(name []byte)) {
	if bytes.Contains(sql, []byte(`\'`)) {
		// Which quote ends a constant depends on settings and on the client's encoding, in
		// some of which a backslash is the second half of a character.
		sql = bytes.ReplaceAll(sql, []byte{'\''}, []byte{' '})
	}
	l := sqltext.Lexer{Src: sql}
	found, cast := false, false // the token before is called so, but for AS or a cast between; a type's name is due
	for {
		t := l.Next()
		if t.Kind == sqltext.EOF {
			return
		}
		text := sql[t.Start:t.End]
		name := t.Kind == sqltext.Word || t.Kind == sqltext.QuotedIdent
		if found && (t.Kind == sqltext.Cast || cast && name) {
			cast = t.Kind == sqltext.Cast // password::text AS p
			continue
		}
		cast = false
		if found && name {
			if sqltext.EqualFold(text, "as") {
				continue
			}
			f(text)
		}
		found = name && called(text)
	}
}

// Aliases calls f with each name in the lists of names that a text gives to the columns of
// something: WITH t(a, b) AS (…), (SELECT …) t(a, b), table t(a, b). It is borrowed.
func Aliases(sql []byte, f func(name []byte)) {
	var buf [maxWord]byte
	plain := func(t sqltext.Token) bool {
		text := sql[t.Start:t.End]
		return t.Kind == sqltext.QuotedIdent || t.Kind == sqltext.Word && (len(text) > maxWord || classify(sqltext.AppendLower(buf[:0], text)) == wordPlain)
	}
	l := sqltext.Lexer{Src: sql}
	var last, before sqltext.Token
	for t := l.Next(); t.Kind != sqltext.EOF; t = l.Next() {
		due := before.Kind == sqltext.Close || plain(before) || before.Kind == sqltext.Word && isOneOf(sql[before.Start:before.End], "as", "with")
		if t.Kind == sqltext.Open && plain(last) && due {
			for t = l.Next(); t.Kind == sqltext.Word || t.Kind == sqltext.QuotedIdent; t = l.Next() {
				f(sql[t.Start:t.End])
				if t = l.Next(); t.Kind != sqltext.Comma {
					break
				}
			}
		}
		before, last = last, t
	}
}

// Mentions tells whether a text has something that is called so.
func Mentions(sql []byte, called func(name []byte) bool) bool {
	l := sqltext.Lexer{Src: sql}
	for t := l.Next(); t.Kind != sqltext.EOF; t = l.Next() {
		if (t.Kind == sqltext.Word || t.Kind == sqltext.QuotedIdent) && called(sql[t.Start:t.End]) {
			return true
		}
	}
	return false
}

// sameName tells whether an identifier of SQL is the name of a column.
func sameName(text, column []byte) bool {
	if text[0] == '"' {
		return bytes.Equal(bytes.Trim(text, `"`), column)
	}
	return bytes.EqualFold(text, column)
}
