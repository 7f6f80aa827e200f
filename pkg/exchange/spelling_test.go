package exchange_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// generator makes strings of commands up.
type generator struct {
	*rand.Rand
	encoding
	made    int  // texts
	escapes bool // standard_conforming_strings is off
}

func pick[T any](g *generator, list ...T) T { return list[g.IntN(len(list))] }

// names are those that statements and cursors are given: keywords, long ones, and such
// that only quotes or escapes can spell.
var names = []string{
	"a", "prepare", "cursor", "all", "as", "A", `q"u'o;te`, "é", "É", "x$1$", "/*", " ", "日本",
	strings.Repeat("long", 20), "z" + strings.Repeat("é", 40), strings.Repeat("😀", 16),
}

// plainName reports whether a name needs no quotes.
func plainName(name string) bool {
	return name != "all" && name != "as" && name != "A" && !strings.ContainsAny(name, "\"'/* ")
}

func (g *generator) oneOf() string {
	return g.instead.Replace(pick(g, names[:len(names)-g.without]...))
}

// name spells one of the names.
func (g *generator) name() string {
	name := g.oneOf()
	switch g.IntN(3) {
	case 0:
		if plainName(name) {
			return g.anyCase(name)
		}
	case 1:
		return g.escaped(name)
	}
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

// anyCase writes some letters of ASCII as capitals.
func (g *generator) anyCase(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' && g.IntN(2) == 0 {
			return r - 'a' + 'A'
		}
		return r
	}, s)
}

// escaped spells a name with Unicode escapes.
func (g *generator) escaped(name string) string {
	escape := pick(g, `\`, `\`, "!", "~")
	var b strings.Builder
	for _, r := range name {
		switch {
		case g.IntN(3) == 0 && r > 0xFFFF:
			r -= 0x10000
			fmt.Fprintf(&b, "%s%04x%s%04X", escape, 0xD800+r>>10, escape, 0xDC00+r&0x3FF)
		case g.IntN(3) == 0:
			fmt.Fprintf(&b, "%s+%06x", escape, r)
		case g.IntN(2) == 0 && r <= 0xFFFF:
			fmt.Fprintf(&b, "%s%04X", escape, r)
		case r == '"':
			b.WriteString(`""`)
		default:
			b.WriteRune(r)
		}
	}
	s := pick(g, "U", "u") + `&"` + b.String() + `"`
	if escape != `\` {
		s += g.gap(false) + g.anyCase("uescape") + g.gap(false) + "'" + escape + "'"
	}
	return s
}

// gap stands between two tokens: where one is due, it is not empty.
func (g *generator) gap(due bool) string {
	gaps := []string{
		" ", "\n", "\t\r\n", "/**/", "/* a; ' /* \" ; */ $a$ */", "-- ; ' \" /* $$\n", " --\r", "\f/*-- */ ",
	}
	if !due {
		gaps = append(gaps, "", "", "")
	}
	return pick(g, gaps...)
}

// join puts gaps between tokens.
func (g *generator) join(tokens ...string) string {
	var b strings.Builder
	for i, t := range tokens {
		if i > 0 {
			last := tokens[i-1]
			b.WriteString(g.gap(wordByte(last[len(last)-1]) && wordByte(t[0])))
		}
		b.WriteString(t)
	}
	return b.String()
}

// wordByte tells that a byte may go on in a word, or go on with one as a string: e'…'.
func wordByte(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '_' || c == '$' || c >= 0x80 || c == '\'' || c == '&'
}

// constant is one that no other has.
func (g *generator) constant() string {
	g.made++
	switch m := fmt.Sprintf("m%d", g.made); g.IntN(8) {
	case 0:
		return "$$" + m + ";'$$"
	case 1:
		return "$é$" + m + "$$;$é $e$ \"$é$"
	case 2:
		return pick(g, "e", "E") + `'` + m + `\';''\\'`
	case 3:
		if g.IntN(2) == 0 {
			return "e'" + m + "'" + "\n -- '\n" + ` '\';"'`
		}
		return "'" + m + "'" + "\n -- '\n" + ` ';"'`
	case 4:
		return "n'" + m + ";/*'"
	case 5:
		if g.escapes {
			return `'` + m + `\';'`
		}
		return `'` + m + `\'`
	case 6:
		if !g.escapes {
			return `U&'` + m + `\003b'`
		}
		fallthrough
	default:
		return "'" + m + ";--'''"
	}
}

// query is what is prepared or declared.
func (g *generator) query() string { return g.encode(g.anyQuery()) }

func (g *generator) anyQuery() string {
	c := g.constant()
	switch g.IntN(5) {
	case 0:
		return g.join("select", c, "as", `"a;b"`)
	case 1:
		return g.join("(", "select", c, ")")
	case 2:
		return g.join("values", "(", c, ")")
	case 3:
		return g.join("with", "namee", "as", "(", "select", c, ")", "select", "*", "from", "namee")
	}
	return g.join("select", "case", "when", "true", "then", c, "end")
}

// command is one with or without names.
func (g *generator) command() string { return g.encode(g.anyCommand()) }

func (g *generator) anyCommand() string {
	word := g.anyCase
	switch g.IntN(12) {
	case 0, 1, 2:
		types := pick(g, "", "", "(int)", "(numeric(10,2)[],\"pg_catalog\".\"text\")", "( timestamp /*)*/ with time zone )")
		if types == "" {
			return g.join(word("prepare"), g.name(), word("as"), g.query())
		}
		return g.join(word("prepare"), g.name(), types, word("as"), g.query())
	case 3:
		return g.join(word("deallocate"), g.name())
	case 4:
		return g.join(word("deallocate"), word("prepare"), pick(g, g.name(), g.name(), g.name(), "all"))
	case 5, 6, 7:
		options := pick(g, []string{}, []string{"scroll"}, []string{"no", "scroll"}, []string{"insensitive"})
		tokens := append([]string{word("declare"), g.name()}, options...)
		tokens = append(tokens, pick(g, []string{"cursor"}, []string{"cursor", "without", "hold"}, []string{"cursor", "with", "hold"})...)
		return g.join(append(tokens, word("for"), g.query())...)
	case 8:
		return g.join(word("close"), pick(g, g.name(), g.name(), g.name(), "all"))
	case 9:
		return pick(g, "begin", "begin", "commit", "rollback")
	case 10:
		return pick(g, "select 1/0", "", "execute a", `select 'a;b' as "c;d"`, "deallocate")
	}
	return g.join("create or replace function pg_temp.f() returns int language sql", "begin", "atomic", "select 1", ";", "select case when true then 2 end", ";", "end")
}

// set changes how strings are read.
func (g *generator) set() string {
	g.escapes = !g.escapes
	return g.join("set standard_conforming_strings", "to", map[bool]string{true: "off", false: "on"}[g.escapes])
}

// string is one or several commands, or what changes how they are read.
func (g *generator) string() string {
	if g.IntN(12) == 0 {
		return g.set()
	}
	sql := g.gap(false)
	for range 1 + g.IntN(4) {
		sql += g.command() + g.gap(false) + pick(g, ";", ";", ";;") + g.gap(false)
	}
	return sql
}
