package sqlnorm

import "bytes"

// Casts calls f with the name of each type that a text makes a value of: 'x'::t,
// CAST(x AS t), t 'x', x::s.t[]. It is without its schema, as [SecretTables] has it, and
// borrowed.
func Casts(sql []byte, f func(name []byte)) {
	if !mayCast(sql) {
		return
	}
	var buf [maxTableName]byte
	l := lexer{src: sql}
	due, casting := false, 0 // the name of a type is due; so many parentheses of CAST are open
	var name token           // the word before
	tell := func(t token) {
		if t.end > t.start && t.end-t.start <= maxTableName {
			f(tableName(buf[:0], sql[t.start:t.end]))
		}
	}
	for t := l.next(); t.kind != tokenEOF; t = l.next() {
		text := sql[t.start:t.end]
		switch t.kind {
		case tokenCast:
			due = true
			continue
		case tokenWord, tokenQuotedIdent:
			switch {
			case equalFold(text, "cast"):
				casting++
			case casting > 0 && t.kind == tokenWord && equalFold(text, "as"):
				due = true
				continue
			case due:
				if next := l; next.next().kind != tokenDot {
					tell(t)
				} else {
					continue
				}
			}
			name, due = t, false
			continue
		case tokenDot:
			continue
		case tokenString:
			tell(name)
		}
		name, due = token{}, false
	}
}

// mayCast tells whether a text may make a value of a type.
func mayCast(sql []byte) bool {
	return bytes.Contains(sql, []byte("::")) || bytes.Contains(sql, []byte(" '")) || bytes.Contains(sql, []byte("CAST")) || bytes.Contains(sql, []byte("cast"))
}

// Parents calls f with the name of each table that a text makes or attaches a partition
// of, as [SecretTables] has it: the bounds are values of its columns. It is borrowed.
func Parents(sql []byte, f func(name []byte)) {
	var buf [maxTableName]byte
	l := lexer{src: sql}
	var table, last, before token // the table that is altered, and the words before
	word := func(t token, w string) bool { return t.kind == tokenWord && equalFold(sql[t.start:t.end], w) }
	for t := l.next(); t.kind != tokenEOF; t = l.next() {
		if t.kind != tokenWord && t.kind != tokenQuotedIdent {
			if t.kind != tokenDot {
				last, before = token{}, token{}
			}
			continue
		}
		switch {
		case word(last, "table"), word(before, "table") && !word(t, "attach"):
			table = t
		case word(t, "partition") && word(last, "attach"):
			if n := table.end - table.start; n > 0 && n <= maxTableName {
				f(tableName(buf[:0], sql[table.start:table.end]))
			}
		case word(before, "partition") && word(last, "of"):
			name := t
			for next := l; next.next().kind == tokenDot; next = l {
				l.next()
				name = l.next()
			}
			if n := name.end - name.start; n > 0 && n <= maxTableName {
				f(tableName(buf[:0], sql[name.start:name.end]))
			}
		}
		before, last = last, t
	}
}
