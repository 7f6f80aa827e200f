package exchange

import "bytes"

// afterCommand forgets the statements that a command removed. Unnamed ones are
// not touched, nor are those of a pipelining frontend's next cycles.
func (l *Log) afterCommand(x *Exchange, tag []byte) {
	switch string(tag) {
	case "DISCARD ALL", "DEALLOCATE ALL":
		l.reused()
		for name, s := range l.statements {
			if s.exchange <= x.ID {
				l.forget(name)
			}
		}
		l.replacedAll(x)
	case "DEALLOCATE":
		l.reused()
		name, _, ok := x.command(deallocated)
		switch {
		case x.cutBy() > 0:
			l.forgetAll() // the name may be longer
		case ok:
			if s := l.statements[name]; s == nil || s.exchange > x.ID {
				l.replaced(x, name, nil)
			} else {
				l.forget(name)
			}
		}
	case "PREPARE":
		if name, text, ok := x.command(prepared); ok {
			l.madeBySQL(x, name, text)
		} else if x.cutBy() > 0 {
			l.forgetAll() // one of them may have been made anew
			l.forgot = true
		}
	case "DECLARE CURSOR":
		if name, text, ok := x.command(declared); ok {
			l.cursorBySQL(x, name, text)
		}
	}
}

// command finds the next command of x's text that read can make something of: those
// of a string are done in their order.
func (x *Exchange) command(read func(sql []byte) (name string, text []byte, ok bool)) (name string, text []byte, ok bool) {
	for x.scanned < len(x.SQL) {
		command, rest := nextCommand(x.SQL[x.scanned:])
		x.scanned = len(x.SQL) - len(rest)
		if name, text, ok = read(command); ok {
			return name, text, true
		}
	}
	return "", nil, false
}

// deallocated reads the name from the text of a DEALLOCATE.
func deallocated(sql []byte) (name string, _ []byte, ok bool) {
	var word []byte
	if word, sql = nextWord(sql); !bytes.EqualFold(word, []byte("deallocate")) {
		return "", nil, false
	}
	word, sql = nextWord(sql)
	if next, _ := nextWord(sql); len(next) > 0 && bytes.EqualFold(word, []byte("prepare")) {
		word = next
	}
	if len(word) == 0 {
		return "", nil, false
	}
	return identifier(word), nil, true
}

// identifier is what the server makes of a name.
func identifier(word []byte) string {
	if word[0] == '"' {
		return string(bytes.ReplaceAll(bytes.Trim(word, `"`), []byte(`""`), []byte(`"`)))
	}
	return string(bytes.ToLower(word))
}

// nextWord returns the first word or quoted name of b, after blanks and comments.
func nextWord(b []byte) (word, rest []byte) {
	for len(b) > 0 {
		n := 1
		switch c := b[0]; {
		case c == '-' || c == '/':
			n = span(b)
		case c == '"':
			n = span(b)
			return b[:n], b[n:]
		case c > ' ' && c != ';':
			for n < len(b) && b[n] > ' ' && b[n] != ';' && b[n] != '/' && b[n] != '-' {
				n++
			}
			return b[:n], b[n:]
		}
		b = b[n:]
	}
	return nil, nil
}

// nextCommand returns the text up to the first semicolon that ends a command.
func nextCommand(b []byte) (command, rest []byte) {
	for i := 0; i < len(b); {
		if b[i] == ';' {
			return b[:i], b[i+1:]
		}
		i += span(b[i:])
	}
	return b, nil
}

// span is the length of the comment, string or quoted name that b begins with;
// 1 if it begins with none (manual: "Lexical Structure"). Backslashes are taken
// as in standard_conforming_strings.
func span(b []byte) int {
	switch c := b[0]; {
	case c == '\'' || c == '"':
		return upTo(b, b[:1], 1) // a doubled quote is two strings, which is as good
	case c == '-' && len(b) > 1 && b[1] == '-':
		return upTo(b, []byte("\n"), 2)
	case c == '/' && len(b) > 1 && b[1] == '*':
		return comment(b)
	case c == '$':
		n := 1
		for n < len(b) && (b[n] == '_' || b[n] >= '0' && b[n] <= '9' || b[n]|0x20 >= 'a' && b[n]|0x20 <= 'z' || b[n] >= 0x80) {
			n++
		}
		if n < len(b) && b[n] == '$' && (n == 1 || b[1] > '9') {
			return upTo(b, b[:n+1], n+1)
		}
		return n
	case (c|0x20) == 'e' && len(b) > 1 && b[1] == '\'':
		return escaped(b)
	}
	return 1
}

// upTo returns the length of b up to the end of mark, which is looked for from i on.
func upTo(b, mark []byte, i int) int {
	if j := bytes.Index(b[i:], mark); j >= 0 {
		return i + j + len(mark)
	}
	return len(b)
}

// escaped returns the length of a string in the manner of E'…'.
func escaped(b []byte) int {
	for i := 2; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '\'':
			return i + 1
		}
	}
	return len(b)
}

// comment returns the length of a comment, which may hold others.
func comment(b []byte) int {
	depth := 0
	for i := 0; i+1 < len(b); i++ {
		switch {
		case b[i] == '/' && b[i+1] == '*':
			depth++
			i++
		case b[i] == '*' && b[i+1] == '/':
			i++
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(b)
}
