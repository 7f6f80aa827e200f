package findings

import "strings"

// shaped matches the beginning of a text with a shape, in which % stands for a word and #
// for digits, and everything else for itself. It returns what follows. In no shape does
// a word or number stand before what could belong to it, so there is one way to match.
func shaped(text, shape string) (rest string, ok bool) {
	for i := range len(shape) {
		n := 0
		switch shape[i] {
		case '%':
			n = wordLen(text)
		case '#':
			n = digitsLen(text)
		default:
			if text != "" && text[0] == shape[i] {
				n = 1
			}
		}
		if n == 0 {
			return "", false
		}
		text = text[n:]
	}
	return text, true
}

func isShaped(text, shape string) bool {
	_, ok := shaped(text, shape)
	return ok
}

func wordLen(s string) int {
	n := 0
	for n < len(s) && (s[n] == '_' || s[n] >= '0' && s[n] <= '9' || s[n] >= 'a' && s[n] <= 'z' || s[n] >= 'A' && s[n] <= 'Z') {
		n++
	}
	return n
}

func digitsLen(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// mapperOf knows mappers by the texts that they write.
func mapperOf(text string) mapper {
	switch {
	case strings.HasPrefix(text, "select "):
		return mapperOfSelect(text)
	case isShaped(text, `insert into "public"."%"`), isShaped(text, `update "public"."%"`), isShaped(text, `delete from "public"."%"`):
		return prisma
	case isShaped(text, "savepoint sa_savepoint_#"):
		return sqlAlchemy
	case softDeletes(text):
		return gorm
	}
	return unknownMapper
}

func mapperOfSelect(text string) mapper {
	switch {
	case isShaped(text, `select "%".* from "%"`):
		return activeRecord
	case isShaped(text, `select "public"."%"`):
		return prisma
	case isShaped(text, `select "%"."%" as "%", "%"."%" as "%"`) && sharedName(text):
		return typeORM
	case likeSequelize(text):
		return sequelize
	case likeHibernate(text):
		return hibernate
	case isShaped(text, "select %.% as %, %.% as %") && sharedName(text):
		return sqlAlchemy
	case likeDjango(text):
		return django
	case likeGORM(text):
		return gorm
	case isShaped(text, `select * from "%" where "%"."%" = $# and "%"."%" is not null`):
		return laravel
	}
	return unknownMapper
}

// sharedName reports whether the first alias of a select list is made of its table's name,
// as SQLAlchemy and TypeORM make them.
func sharedName(text string) bool {
	fields := strings.FieldsFunc(text[:min(len(text), 512)], func(r rune) bool { return r == ' ' || r == ',' || r == '"' || r == '.' })
	// select table column as table_column
	return len(fields) > 4 && fields[3] == "as" && fields[4] == fields[1]+"_"+fields[2]
}

// likeSequelize looks for the one alias that Sequelize gives to a table, whose name is
// that of the model.
func likeSequelize(text string) bool {
	const from = ` from "`
	for rest := text; ; {
		i := strings.Index(rest, from)
		if i < 0 {
			return false
		}
		rest = rest[i+1:]
		tail, ok := shaped(rest, `from "%" as "%"`)
		switch {
		case !ok:
		case isNumbered(rest): // "t1", as peewee has it
		case tail == "", strings.HasPrefix(tail, " order by"), strings.HasPrefix(tail, " limit"),
			isShaped(tail, ` where "%"."%"`), isShaped(tail, ` where ("%"."%"`):
			return true
		}
	}
}

// isNumbered reports whether the alias of a table is t and a number, no model's name.
func isNumbered(from string) bool {
	alias, ok := shaped(from, `from "%" as "t`)
	return ok && digitsLen(alias) > 0 && strings.HasPrefix(alias[digitsLen(alias):], `"`)
}

// likeHibernate looks for the aliases of Hibernate: o1_0 from 6 on, and order0_ before.
func likeHibernate(text string) bool {
	text = strings.TrimPrefix(text, "select ")
	if numberedAlias(strings.TrimPrefix(text, "distinct ")) {
		return true
	}
	n := wordLen(text)
	if n < 3 || text[n-1] != '_' || digitsLen(text[n-2:]) == 0 {
		return false
	}
	rest, ok := shaped(text[n:], ".% as ")
	if !ok {
		return false
	}
	// column1_0_, of which a longer word is the beginning as well
	for word := rest[:wordLen(rest)]; ; {
		i := strings.IndexByte(word, '_')
		if i < 0 {
			return false
		}
		before := len(word) < wordLen(rest) || i > 0
		word = word[i+1:]
		if d := digitsLen(word); before && d > 0 && d < len(word) && word[d] == '_' {
			return true
		}
	}
}

// numberedAlias is for letters, a digit and _0 before a column.
func numberedAlias(text string) bool {
	n := wordLen(text)
	if n < 4 || text[n-2:n] != "_0" || digitsLen(text[n-3:n-2]) == 0 || !isShaped(text[n:], ".%") {
		return false
	}
	for _, c := range []byte(text[:n-3]) {
		if c < 'a' || c > 'z' {
			return false
		}
	}
	return true
}

// likeDjango looks for tables that are named application_model.
func likeDjango(text string) bool {
	rest, ok := shaped(text, `select "%"."id", "%"."%"`)
	if !ok {
		return false
	}
	first := strings.TrimPrefix(text, `select "`)
	second := first[strings.Index(first, `, "`)+len(`, "`):]
	return inner(first) && inner(second) && len(rest) < len(text)
}

// inner reports whether the word that a text begins with has a _ within it.
func inner(text string) bool {
	word := text[:wordLen(text)]
	return len(word) > 2 && strings.IndexByte(word[1:len(word)-1], '_') >= 0
}

func likeGORM(text string) bool {
	if softDeletes(text) {
		return true
	}
	if !isShaped(text, `select * from "%" where `) {
		return false
	}
	i := strings.LastIndex(text, `order by "`)
	if i < 0 {
		return false
	}
	rest, ok := shaped(text[i:], `order by "%"."id" limit $#`)
	return ok && rest == ""
}

// softDeletes looks for the column by which GORM marks rows as deleted.
func softDeletes(text string) bool {
	const deleted = `"."deleted_at" is null`
	for at := 0; ; at++ {
		i := strings.Index(text[at:], deleted)
		if i < 0 {
			return false
		}
		at += i
		n := at
		for n > 0 && wordLen(text[n-1:n]) > 0 {
			n--
		}
		if n < at && n > 0 && text[n-1] == '"' {
			return true
		}
	}
}

// listsColumns reports whether a text is as Django writes the columns of one table; it
// sets the time zone of each connection first.
func listsColumns(text string) bool {
	const column = `, "%"."%"`
	rest, ok := shaped(text, `select "%"."%"`+column)
	for ok {
		if tail, end := shaped(rest, ` from "%"`); end {
			return tail == "" || tail[0] == ' '
		}
		rest, ok = shaped(rest, column)
	}
	return false
}
