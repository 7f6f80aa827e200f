package sqlnorm

import (
	"bytes"

	"github.com/pgsniff/pgsniff/internal/sqltext"
)

// SecretTables calls f with the name of each table, or type, that a text names, if it names a
// secret, too, which may be one of the table's columns: without its schema, as it is kept
// (in lower case if it is not quoted). Of several tables only those count that the text
// is about, not those that it reads from besides. The name is borrowed.
func SecretTables(sql []byte, f func(name []byte)) { tablesOf(sql, f, namesSecret) }

// TablesOf is SecretTables for texts that name something that is called so.
func TablesOf(sql []byte, called func(name []byte) bool, f func(name []byte)) {
	tablesOf(sql, f, called)
}

// Tables calls f with the name of each table that a text names, as [SecretTables] has it.
func Tables(sql []byte, f func(name []byte)) { tablesOf(sql, f, nil) }

// tablesOf is SecretTables for what is called so; called is nil for all texts and tables.
func tablesOf(sql []byte, f func(name []byte), called func(name []byte) bool) {
	const most = 16
	var buf [maxTableName]byte
	var names [most]sqltext.Token
	var about [most]bool
	n, secret := 0, false
	due, named, target := false, false, false // the name of a table is due; it was the token before
	// CREATE or ALTER was the token before, the name of a key, of tokens.
	define, key, tokens := false, false, false
	l := sqltext.Lexer{Src: sql}
	for t := l.Next(); t.Kind != sqltext.EOF; t = l.Next() {
		text := sql[t.Start:t.End]
		name := t.Kind == sqltext.Word || t.Kind == sqltext.QuotedIdent
		secret = secret || key && !(t.Kind == sqltext.Word && inSet(numberTypes, text)) ||
			tokens && t.Kind == sqltext.Word && isOneOf(text, "text", "varchar", "character", "bytea", "citext")
		tokens = called != nil && name && NamesTokens(text)
		found := called != nil && name && called(text)
		key = found && EndsInKey(text)
		secret = secret || found && !key
		defines := define
		define = t.Kind == sqltext.Word && isOneOf(text, "create", "alter")
		switch {
		case t.Kind == sqltext.Dot && named:
			n, due, named = n-1, true, false // it was the schema's
		case t.Kind == sqltext.Word && isOneOf(text, "from", "join"):
			due, named, target = true, false, false
		case t.Kind == sqltext.Word && isOneOf(text, "into", "update", "table", "copy"), defines && t.Kind == sqltext.Word && sqltext.EqualFold(text, "type"):
			due, named, target = true, false, true
		case due && t.Kind == sqltext.Word && isOneOf(text, "only", "if", "not", "exists", "stdin", "temp", "temporary", "unlogged"):
		case due && name && n < most && len(text) <= maxTableName:
			names[n], about[n], due, named = t, target, false, true
			n++
		default:
			due, named = false, false
		}
	}
	secret = secret || key
	for i, t := range names[:n] {
		if called == nil || secret && (about[i] || n == 1) {
			f(tableName(buf[:0], sql[t.Start:t.End]))
		}
	}
}

// maxTableName is the length in bytes of the longest name that is looked at: PostgreSQL
// keeps no more than 63 bytes of one.
const maxTableName = 63 + len(`""`)

// tableName appends a name as it is kept.
func tableName(dst, text []byte) []byte {
	if text[0] == '"' {
		return append(dst, bytes.Trim(text, `"`)...)
	}
	return sqltext.AppendLower(dst, text)
}

// CopiesWhole returns the name of the table that a text copies all columns of, as
// [SecretTables] has it, nil if it does no such thing. It is appended to dst.
func CopiesWhole(dst, sql []byte) []byte {
	l := sqltext.Lexer{Src: sql}
	verb := l.Next()
	if verb.Kind != sqltext.Word || !sqltext.EqualFold(sql[verb.Start:verb.End], "copy") {
		return nil
	}
	name := l.Next()
	next := l.Next()
	for next.Kind == sqltext.Dot {
		name = l.Next()
		next = l.Next()
	}
	if name.Kind != sqltext.Word && name.Kind != sqltext.QuotedIdent || next.Kind != sqltext.Word || name.End-name.Start > maxTableName {
		return nil
	}
	return tableName(dst, sql[name.Start:name.End])
}

// InsertsWhole calls f with the name of each table that a text inserts whole rows into
// without a list of columns, as [SecretTables] has it. The name is borrowed.
func InsertsWhole(sql []byte, f func(name []byte)) {
	var buf [maxTableName]byte
	l := sqltext.Lexer{Src: sql}
	for t := l.Next(); t.Kind != sqltext.EOF; t = l.Next() {
		if t.Kind != sqltext.Word || !sqltext.EqualFold(sql[t.Start:t.End], "into") {
			continue
		}
		name := l.Next()
		next := l.Next()
		for next.Kind == sqltext.Dot {
			name = l.Next()
			next = l.Next()
		}
		if next.Kind == sqltext.Word && sqltext.EqualFold(sql[next.Start:next.End], "as") {
			l.Next()
			next = l.Next()
		}
		list := next.Kind == sqltext.Open && !beginsQuery(sql[l.SkipSpace(next.End):])
		if (name.Kind == sqltext.Word || name.Kind == sqltext.QuotedIdent) && name.End-name.Start <= maxTableName && !list {
			f(tableName(buf[:0], sql[name.Start:name.End]))
		}
	}
}

// beginsQuery tells whether what stands behind a parenthesis is a query, and no list of
// columns.
func beginsQuery(sql []byte) bool {
	w := sql[:skipWord(sql, 0)]
	return len(sql) > 0 && sql[0] == '(' || isOneOf(w, "select", "values", "table", "with")
}

// CopiesHeader tells whether a text is a COPY with the option HEADER.
func CopiesHeader(sql []byte) bool { return hasWord(sql, "header", "header") }

// AppendName appends a name in SQL as it is kept: in lower case if it is not quoted.
func AppendName(dst, text []byte) []byte { return tableName(dst, text) }

// DefinesType tells whether a text begins with CREATE TYPE or ALTER TYPE.
func DefinesType(sql []byte) bool {
	l := sqltext.Lexer{Src: sql}
	l.Next()
	t := l.Next()
	return t.Kind == sqltext.Word && sqltext.EqualFold(sql[t.Start:t.End], "type")
}

// Writes tells whether a text begins with INSERT, UPDATE or MERGE, or may hold one.
func Writes(sql []byte) bool {
	l := sqltext.Lexer{Src: sql}
	t := l.Next()
	return t.Kind == sqltext.Word && isOneOf(sql[t.Start:t.End], "insert", "update", "merge", "with", "explain", "prepare")
}

// BacksUp tells whether a text is the command of a base backup.
func BacksUp(sql []byte) bool {
	l := sqltext.Lexer{Src: sql}
	t := l.Next()
	return t.Kind == sqltext.Word && sqltext.EqualFold(sql[t.Start:t.End], "base_backup")
}
