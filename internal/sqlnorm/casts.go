package sqlnorm

import (
	"bytes"

	"github.com/pgsniff/pgsniff/internal/sqltext"
)

// Casts calls f with the name of each type that a text makes a value of: 'x'::t,
// CAST(x AS t), t 'x', x::s.t[]. It is without its schema, as [SecretTables] has it, and
// borrowed.
func Casts(sql []byte, f func(name []byte)) {
	if !mayCast(sql) {
		return
	}
	var buf [maxTableName]byte
	l := sqltext.Lexer{Src: sql}
	due, casting := false, 0 // the name of a type is due; so many parentheses of CAST are open
	var name sqltext.Token   // the word before
	tell := func(t sqltext.Token) {
		if t.End > t.Start && t.End-t.Start <= maxTableName {
			f(tableName(buf[:0], sql[t.Start:t.End]))
		}
	}
	for t := l.Next(); t.Kind != sqltext.EOF; t = l.Next() {
		text := sql[t.Start:t.End]
		switch t.Kind {
		case sqltext.Cast:
			due = true
			continue
		case sqltext.Word, sqltext.QuotedIdent:
			switch {
			case sqltext.EqualFold(text, "cast"):
				casting++
			case casting > 0 && t.Kind == sqltext.Word && sqltext.EqualFold(text, "as"):
				due = true
				continue
			case due:
				if next := l; next.Next().Kind != sqltext.Dot {
					tell(t)
				} else {
					continue
				}
			}
			name, due = t, false
			continue
		case sqltext.Dot:
			continue
		case sqltext.String:
			tell(name)
		}
		name, due = sqltext.Token{}, false
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
	l := sqltext.Lexer{Src: sql}
	var table, last, before sqltext.Token // the table that is altered, and the words before
	word := func(t sqltext.Token, w string) bool {
		return t.Kind == sqltext.Word && sqltext.EqualFold(sql[t.Start:t.End], w)
	}
	for t := l.Next(); t.Kind != sqltext.EOF; t = l.Next() {
		if t.Kind != sqltext.Word && t.Kind != sqltext.QuotedIdent {
			if t.Kind != sqltext.Dot {
				last, before = sqltext.Token{}, sqltext.Token{}
			}
			continue
		}
		switch {
		case word(last, "table"), word(before, "table") && !word(t, "attach"):
			table = t
		case word(t, "partition") && word(last, "attach"):
			if n := table.End - table.Start; n > 0 && n <= maxTableName {
				f(tableName(buf[:0], sql[table.Start:table.End]))
			}
		case word(before, "partition") && word(last, "of"):
			name := t
			for next := l; next.Next().Kind == sqltext.Dot; next = l {
				l.Next()
				name = l.Next()
			}
			if n := name.End - name.Start; n > 0 && n <= maxTableName {
				f(tableName(buf[:0], sql[name.Start:name.End]))
			}
		}
		before, last = last, t
	}
}
