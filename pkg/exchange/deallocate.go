package exchange

import (
	"slices"

	"github.com/pgsniff/pgsniff/internal/sqltext"
)

// afterCommand takes what a command has done to statements and cursors: those that it
// removed are forgotten. Unnamed ones are not touched, nor are those of a pipelining
// frontend's next cycles. The text is read only where the tag says that it matters.
func (l *Log) afterCommand(x *Exchange, tag []byte) {
	switch string(tag) {
	case "DISCARD ALL":
		l.deallocatedAll(x)
		l.closedAllBySQL(x)
	case "DEALLOCATE ALL":
		l.deallocatedAll(x)
	case "DEALLOCATE":
		l.deallocated(x)
	case "PREPARE":
		if c, cut, ok := l.command(x, sqltext.Prepare); ok {
			l.madeBySQL(x, c.Name, c.Text, cut)
		} else {
			l.forgetAll() // one of them may have been made anew
			l.forgot = true
		}
	case "DECLARE CURSOR":
		if c, cut, ok := l.command(x, sqltext.Declare); ok {
			l.cursorBySQL(x, c, cut)
		} else {
			l.dropPortals(x.ID)
		}
	case "CLOSE CURSOR":
		if c, cut, ok := l.command(x, sqltext.CloseCursor); ok && cut == 0 {
			l.closedBySQL(x, c.Name)
		} else {
			l.closedAllBySQL(x)
		}
	case "CLOSE CURSOR ALL":
		l.closedAllBySQL(x)
	case "COMMIT", "ROLLBACK":
		if len(l.portals) > 0 {
			l.endedBySQL(x, len(tag) == len("COMMIT"))
		}
	}
}

// deallocated forgets the statement that a DEALLOCATE has removed.
func (l *Log) deallocated(x *Exchange) {
	l.reused()
	c, cut, ok := l.command(x, sqltext.Deallocate)
	if !ok || cut > 0 { // the name may be longer
		l.forgetAll()
		l.forgot = true
		return
	}
	if s := l.statements[c.Name]; s == nil || s.exchange > x.ID {
		l.replaced(x, c.Name, nil)
	} else {
		l.forget(c.Name)
	}
}

func (l *Log) deallocatedAll(x *Exchange) {
	l.reused()
	for name, s := range l.statements {
		if s.exchange <= x.ID {
			l.forget(name)
		}
	}
	l.replacedAll(x)
}

// command finds the next command of x's text that is of one of some actions: those of
// a string are done in their order. cut is how many bytes of that command are missing. ok
// is false where there is none, or its name is not known.
func (l *Log) command(x *Exchange, actions ...sqltext.Action) (c sqltext.Named, cut int, ok bool) {
	s := l.settings(x)
	if !s.Legible(x.SQL) {
		return c, 0, false
	}
	for {
		text, cut, more := x.nextCommand(s)
		if !more {
			return c, 0, false
		}
		if c = s.Read(text); slices.Contains(actions, c.Action) {
			return c, cut, c.Known
		}
	}
}

// settings are those that the text of x was read by.
func (l *Log) settings(x *Exchange) sqltext.Settings {
	return sqltext.Settings{Escapes: x.Escapes, Charset: l.Encodings.charset()}
}

// nextCommand returns the command of x's text after those that were looked at; cut is how
// many bytes are missing of it: the end of the text.
func (x *Exchange) nextCommand(s sqltext.Settings) (text []byte, cut int, ok bool) {
	l := sqltext.Lexer{Src: x.SQL, Pos: x.scanned, Escapes: s.Escapes}
	c, ok := l.Command()
	if x.scanned = l.Pos; c.Stop == len(x.SQL) {
		cut = x.SQLLen - len(x.SQL)
	}
	return x.SQL[c.Start:c.Stop], cut, ok
}
