package sqltext

// Settings are those of a session that its SQL is read by.
type Settings struct {
	Escapes bool // standard_conforming_strings is off
	Charset Charset
}

// Action is what a command does with names.
type Action uint8

// The actions. Those of one name have it in [Named].
const (
	NoAction       Action = iota // none of these
	Prepare                      // makes a prepared statement
	Execute                      // executes one
	Deallocate                   // removes one
	DeallocateAll                // removes all
	Declare                      // opens a cursor
	CloseCursor                  // closes one
	CloseAll                     // closes all
	DiscardAll                   // removes all statements, and closes all cursors
	EndTransaction               // closes the cursors of the transaction, but for those with Hold
	RollbackTo                   // closes the cursors of a part of the transaction
)

// Named is what a command does with a name.
type Named struct {
	Action Action
	Name   string // as the server keeps it
	Known  bool   // else nobody can say what the name is
	Text   []byte // the statement that Prepare or Declare names; borrowed from the command
	Hold   bool   // the cursor outlives its transaction
}

// Legible reports whether a text can be cut into tokens.
func (s Settings) Legible(sql []byte) bool { return s.Charset != CharsetMixed || IsASCII(sql) }

// Read returns what a command does with names: one command, without its semicolon, as
// the server has carried it out. Its text is not looked at.
func (s Settings) Read(command []byte) Named {
	r := reader{Lexer{Src: command, Escapes: s.Escapes}, s.Charset}
	switch t := r.Next(); {
	case r.is(t, "prepare"):
		return r.prepare()
	case r.is(t, "execute"):
		return r.named(Execute)
	case r.is(t, "deallocate"):
		return r.deallocate()
	case r.is(t, "declare"):
		return r.declare()
	case r.is(t, "close"):
		if r.nextIs("all") {
			return Named{Action: CloseAll}
		}
		return r.named(CloseCursor)
	case r.is(t, "discard") && r.nextIs("all"):
		return Named{Action: DiscardAll}
	case r.is(t, "commit") && !r.nextIs("prepared"), r.is(t, "end"), r.is(t, "abort"):
		return Named{Action: EndTransaction}
	case r.is(t, "rollback"):
		return r.rollback()
	}
	return Named{}
}

// reader reads one command.
type reader struct {
	Lexer
	charset Charset
}

func (r *reader) is(t Token, word string) bool {
	return t.Kind == Word && EqualFold(r.Src[t.Start:t.End], word)
}

// nextIs reports whether the next token is a word, without moving.
func (r *reader) nextIs(word string) bool {
	next := r.Lexer
	return r.is(next.Next(), word)
}

// named reads the name that comes next.
func (r *reader) named(a Action) Named {
	t := r.Next()
	if !t.IsName() {
		return Named{}
	}
	n := Named{Action: a}
	n.Name, n.Known = r.Name(t, r.charset)
	return n
}

// prepare reads what follows PREPARE: a name, types in parentheses, AS and the statement.
// Without AS it is another command, PREPARE TRANSACTION.
func (r *reader) prepare() Named {
	n := r.named(Prepare)
	t := r.Next()
	for depth := 0; t.Kind == Open || depth > 0; t = r.Next() {
		switch t.Kind {
		case Open:
			depth++
		case Close:
			depth--
		case EOF:
			return Named{}
		}
	}
	return r.text(n, t, "as")
}

// text reads the statement that follows a word.
func (r *reader) text(n Named, t Token, after string) Named {
	if !r.is(t, after) {
		return Named{}
	}
	next := r.Lexer
	if next.Next().Kind == EOF {
		return Named{}
	}
	n.Text = trim(r.Src[t.End:])
	return n
}

// trim returns s without white space around it.
func trim(s []byte) []byte {
	for len(s) > 0 && Classes[s[0]]&ClassSpace != 0 {
		s = s[1:]
	}
	for len(s) > 0 && Classes[s[len(s)-1]]&ClassSpace != 0 {
		s = s[:len(s)-1]
	}
	return s
}

// deallocate reads what follows DEALLOCATE: PREPARE is left out, unless it is the name.
func (r *reader) deallocate() Named {
	if r.nextIs("prepare") {
		next := r.Lexer
		next.Next()
		if after := next; after.Next().IsName() {
			r.Lexer = next
		}
	}
	if r.nextIs("all") {
		return Named{Action: DeallocateAll}
	}
	return r.named(Deallocate)
}

// declare reads what follows DECLARE: a name, CURSOR with options before and after it,
// FOR and the query.
func (r *reader) declare() Named {
	n := r.named(Declare)
	cursor := false
	for {
		t := r.Next()
		switch {
		case t.Kind != Word:
			return Named{}
		case r.is(t, "cursor"):
			cursor = true
		case cursor && r.is(t, "with"):
			n.Hold = true // WITHOUT HOLD is another word
		case cursor && r.is(t, "for"):
			return r.text(n, t, "for")
		}
	}
}

// rollback reads what follows ROLLBACK. With PREPARED it ends a transaction that is not of
// this session any more.
func (r *reader) rollback() Named {
	t := r.Next()
	if r.is(t, "work") || r.is(t, "transaction") {
		t = r.Next()
	}
	switch {
	case r.is(t, "to"):
		return Named{Action: RollbackTo}
	case r.is(t, "prepared"):
		return Named{}
	}
	return Named{Action: EndTransaction}
}
