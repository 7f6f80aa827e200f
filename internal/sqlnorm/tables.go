package sqlnorm

import "bytes"

// SecretTables calls f with the name of each table that a text names, if it names a
// secret, too, which may be one of the table's columns: without its schema, as it is kept
// (in lower case if it is not quoted). Of several tables only those count that the text
// is about, not those that it reads from besides. The name is borrowed.
func SecretTables(sql []byte, f func(name []byte)) { tablesOf(sql, f, false) }

// Tables calls f with the name of each table that a text names, as [SecretTables] has it.
func Tables(sql []byte, f func(name []byte)) { tablesOf(sql, f, true) }

func tablesOf(sql []byte, f func(name []byte), all bool) {
	const most = 16
	var buf [maxTableName]byte
	var names [most]token
	var about [most]bool
	n, secret := 0, false
	due, named, target := false, false, false // the name of a table is due; it was the token before
	l := lexer{src: sql}
	for t := l.next(); t.kind != tokenEOF; t = l.next() {
		text := sql[t.start:t.end]
		name := t.kind == tokenWord || t.kind == tokenQuotedIdent
		secret = secret || name && namesSecret(text)
		switch {
		case t.kind == tokenDot && named:
			n, due, named = n-1, true, false // it was the schema's
		case t.kind == tokenWord && isOneOf(text, "from", "join"):
			due, named, target = true, false, false
		case t.kind == tokenWord && isOneOf(text, "into", "update", "table", "copy"):
			due, named, target = true, false, true
		case due && t.kind == tokenWord && isOneOf(text, "only", "if", "not", "exists", "stdin", "temp", "temporary", "unlogged"):
		case due && name && n < most && len(text) <= maxTableName:
			names[n], about[n], due, named = t, target, false, true
			n++
		default:
			due, named = false, false
		}
	}
	for i, t := range names[:n] {
		if all || secret && (about[i] || n == 1) {
			f(tableName(buf[:0], sql[t.start:t.end]))
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
	return appendLower(dst, text)
}

// CopiesWhole returns the name of the table that a text copies all columns of, as
// [SecretTables] has it, nil if it does no such thing. It is appended to dst.
func CopiesWhole(dst, sql []byte) []byte {
	l := lexer{src: sql}
	verb := l.next()
	if verb.kind != tokenWord || !equalFold(sql[verb.start:verb.end], "copy") {
		return nil
	}
	name := l.next()
	next := l.next()
	for next.kind == tokenDot {
		name = l.next()
		next = l.next()
	}
	if name.kind != tokenWord && name.kind != tokenQuotedIdent || next.kind != tokenWord || name.end-name.start > maxTableName {
		return nil
	}
	return tableName(dst, sql[name.start:name.end])
}

// InsertsWhole calls f with the name of each table that a text inserts whole rows into
// without a list of columns, as [SecretTables] has it. The name is borrowed.
func InsertsWhole(sql []byte, f func(name []byte)) {
	var buf [maxTableName]byte
	l := lexer{src: sql}
	for t := l.next(); t.kind != tokenEOF; t = l.next() {
		if t.kind != tokenWord || !equalFold(sql[t.start:t.end], "into") {
			continue
		}
		name := l.next()
		next := l.next()
		for next.kind == tokenDot {
			name = l.next()
			next = l.next()
		}
		if next.kind == tokenWord && equalFold(sql[next.start:next.end], "as") {
			l.next()
			next = l.next()
		}
		list := next.kind == tokenOpen && !beginsQuery(sql[l.skipSpace(next.end):])
		if (name.kind == tokenWord || name.kind == tokenQuotedIdent) && name.end-name.start <= maxTableName && !list {
			f(tableName(buf[:0], sql[name.start:name.end]))
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
