package sqltext

// Command is the place of a command in a text.
type Command struct {
	Start, End int // its first token, and the end of its last
	// Stop is the semicolon that ends it, or the end of the text: comments may stand
	// between End and Stop.
	Stop int
}

// Command returns the next command that has a token at all, and moves behind the
// semicolon that ends it; ok is false where there is none. No semicolon ends a command
// in parentheses, as in the actions of a rule, nor in a function's body of statements
// (manual: "CREATE FUNCTION", sql_body).
func (l *Lexer) Command() (c Command, ok bool) {
	var b body
	for depth := 0; ; {
		t := l.Next()
		switch t.Kind {
		case EOF:
			c.Stop = t.Start
			return c, ok
		case Open:
			depth++
		case Close:
			depth = max(depth-1, 0)
		case Semicolon:
			if depth == 0 && !b.open {
				if ok {
					c.Stop = t.Start
					return c, ok
				}
				continue
			}
		}
		if !ok {
			c.Start, ok = t.Start, true
		}
		c.End = t.End
		if depth == 0 && b.step != bodyNone {
			b.follow(l.Src[t.Start:t.End], t.Kind)
		}
	}
}

// body follows a command up to the body of statements of a function that it may create:
// the words BEGIN ATOMIC, statements that each end with a semicolon, and END.
type body struct {
	step bodyStep
	open bool
}

type bodyStep uint8

const (
	bodyCreate  bodyStep = iota // CREATE is due, else there is no body
	bodyOr                      // OR, or what is created
	bodyReplace                 // REPLACE
	bodyWhat                    // FUNCTION or PROCEDURE
	bodyBegin                   // BEGIN may come
	bodyAtomic                  // ATOMIC may come
	bodyEnd                     // END may come: a statement has just ended, or none began
	bodyIn                      // a statement is open, in which END ends a CASE
	bodyNone
)

// follow takes a token that does not stand in parentheses.
func (b *body) follow(text []byte, k Kind) {
	is := func(word string) bool { return k == Word && EqualFold(text, word) }
	created := is("function") || is("procedure")
	switch b.step {
	case bodyCreate:
		b.expect(is("create"), bodyOr)
	case bodyOr:
		if b.expect(created, bodyBegin); is("or") {
			b.step = bodyReplace
		}
	case bodyReplace:
		b.expect(is("replace"), bodyWhat)
	case bodyWhat:
		b.expect(created, bodyBegin)
	case bodyBegin:
		if is("begin") {
			b.step = bodyAtomic
		}
	case bodyAtomic:
		switch {
		case is("atomic"):
			b.step, b.open = bodyEnd, true
		case !is("begin"):
			b.step = bodyBegin
		}
	case bodyEnd, bodyIn:
		switch {
		case b.step == bodyEnd && is("end"):
			b.step, b.open = bodyNone, false
		case k == Semicolon:
			b.step = bodyEnd
		default:
			b.step = bodyIn
		}
	}
}

// expect goes on with a step if what was due has come; else there is no body.
func (b *body) expect(come bool, next bodyStep) {
	if b.step = bodyNone; come {
		b.step = next
	}
}
