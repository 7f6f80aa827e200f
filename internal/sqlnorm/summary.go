package sqlnorm

import (
	"bytes"

	"github.com/pgsniff/pgsniff/internal/sqltext"
)

// maxSummary is the length at which a summary is cut, between two words
// (OpenTelemetry: "Generating query summary").
const maxSummary = 255

// AppendSummary appends what a statement does to what, in a few words: its commands
// and the relations that they name, in order of appearance and as they are written.
// "select a from b join c" has the summary "select b c". Of a text with several
// statements all are in it. It is empty where the first word is no command that is
// known. Names of relations, and of a procedure that is called, are the only text of the
// statement that it holds.
//
// It is what OpenTelemetry calls db.query.summary.
func AppendSummary(dst, sql []byte) []byte {
	if Operation(sql) == "" {
		return dst
	}
	s := summary{Lexer: sqltext.Lexer{Src: sql}, dst: dst, from: len(dst), first: true}
	for t := s.Next(); t.Kind != sqltext.EOF && !s.full; t = s.Next() {
		s.token(t)
	}
	return s.dst
}

// maxSummaryDepth bounds the parentheses that are told apart; deeper ones are taken
// for what the deepest is.
const maxSummaryDepth = 64

// summary is where AppendSummary is in the statement.
type summary struct {
	sqltext.Lexer
	dst    []byte
	from   int
	full   bool
	first  bool // the next word begins a statement
	object bool // what follows CREATE, ALTER or DROP is to be named
	target bool // a relation's name may follow
	list   bool // a comma brings another one
	prev   sqltext.Token
	depth  int
	// levels tells of each open parenthesis what it is.
	levels [maxSummaryDepth]summaryLevel
}

// summaryLevel is a parenthesis: whether a query stands in it, and whether a list of
// relations goes on after it.
type summaryLevel struct{ query, list bool }

func (s *summary) level() *summaryLevel { return &s.levels[min(s.depth, maxSummaryDepth-1)] }

func (s *summary) token(t sqltext.Token) {
	prev := s.prev
	s.prev = t
	switch t.Kind {
	case sqltext.Word:
		s.word(t, prev)
		return
	case sqltext.QuotedIdent:
		if s.target {
			s.relation(t)
		}
	case sqltext.Open:
		s.level().list = s.list
		s.depth++
		*s.level() = summaryLevel{}
		s.list = false
		return // a relation may follow: from (a join b)
	case sqltext.Close:
		s.depth = max(s.depth-1, 0)
		s.list, s.target = s.level().list, false
	case sqltext.Comma:
		s.target = s.list
		return
	case sqltext.Semicolon:
		s.depth, s.first, s.list = 0, true, false
		s.levels[0] = summaryLevel{}
	}
	s.target = false
}

// word takes a word that is not quoted.
func (s *summary) word(t, prev sqltext.Token) {
	w := s.Src[t.Start:t.End]
	if prev.Kind == sqltext.Dot {
		return
	}
	if s.first || s.command(w, prev) {
		s.operation(w)
		return
	}
	switch {
	case s.object:
		s.objectWord(t, w)
	case s.opensRelations(w, prev):
		s.target, s.list = true, s.level().query
	case s.target && passesOver(w):
	case s.target:
		s.relation(t)
	case endsRelations(w):
		s.list = false
	}
}

// command reports whether a word is a command inside of a statement.
func (s *summary) command(w []byte, prev sqltext.Token) bool {
	before := s.Src[prev.Start:prev.End]
	switch mainCommand(lookupOperation(w)) {
	case "SELECT", "INSERT", "DELETE", "MERGE":
		// A trigger's events and what is granted are words, not commands.
		return prev.Kind != sqltext.Comma && !sqltext.EqualFold(before, "on") && !sqltext.EqualFold(before, "for") && !sqltext.EqualFold(before, "or") &&
			!sqltext.EqualFold(before, "before") && !sqltext.EqualFold(before, "after") && !sqltext.EqualFold(before, "grant") && !sqltext.EqualFold(before, "revoke") && !sqltext.EqualFold(before, "then")
	case "UPDATE":
		return prev.Kind == sqltext.Open || prev.Kind == sqltext.Close || sqltext.EqualFold(before, "explain") || sqltext.EqualFold(before, "analyze")
	}
	return false
}

func (s *summary) operation(w []byte) {
	op := lookupOperation(w)
	first := s.first
	s.first = false
	s.target, s.list = false, false
	switch op {
	case "":
		return // a word that begins no command
	case "WITH":
		return // it is what its queries do
	}
	s.add(w)
	s.level().query = op != "COPY" // from stdin
	switch op {
	case "UPDATE", "COPY", "CALL", "TRUNCATE", "LOCK", "VACUUM", "ANALYZE", "ANALYSE", "CLUSTER", "TABLE", "REPACK":
		s.target = true
		s.list = op != "UPDATE" && op != "COPY" && op != "CALL"
	case "CREATE", "ALTER", "DROP", "REFRESH", "REINDEX", "COMMENT":
		s.object = first
	case "EXPLAIN", "PREPARE", "DECLARE":
		// What is explained, prepared or declared follows and is a command.
	}
}

// objectWord takes a word between CREATE, ALTER or DROP and the object's name.
func (s *summary) objectWord(t sqltext.Token, w []byte) {
	switch {
	case isOneOf(w, "or", "replace", "temp", "temporary", "unlogged", "unique", "materialized", "concurrently", "global", "local", "recursive", "foreign", "on"):
	case isOneOf(w, "table", "view", "index", "sequence", "schema", "database", "type", "domain", "trigger", "extension"):
		s.add(w)
		s.object = false
		s.target = true
	default:
		// Other objects, roles among them, are told by their kind alone.
		s.add(w)
		s.object = false
	}
}

// opensRelations reports whether relations are named after a word.
func (s *summary) opensRelations(w []byte, prev sqltext.Token) bool {
	switch {
	case sqltext.EqualFold(w, "from"):
		// extract(… from …) and is distinct from name none.
		return s.level().query && !sqltext.EqualFold(s.Src[prev.Start:prev.End], "distinct")
	case sqltext.EqualFold(w, "join"), sqltext.EqualFold(w, "into"):
		return true
	case sqltext.EqualFold(w, "using"):
		next := s.Lexer
		return s.level().query && next.Next().Kind != sqltext.Open
	}
	return false
}

// passesOver reports whether a word may stand before the name of a relation.
func passesOver(w []byte) bool {
	return isOneOf(w, "only", "lateral", "table", "if", "not", "exists", "concurrently", "verbose", "full", "freeze", "analyze")
}

// endsRelations reports whether a list of relations ends with a word.
func endsRelations(w []byte) bool {
	return isOneOf(w, "where", "set", "group", "order", "limit", "having", "union", "intersect", "except", "returning", "on", "values", "offset", "fetch", "window", "for")
}

func isOneOf(w []byte, list ...string) bool {
	for _, v := range list {
		if sqltext.EqualFold(w, v) {
			return true
		}
	}
	return false
}

// relation takes a name with its schema, unless it turns out to be a function's.
func (s *summary) relation(t sqltext.Token) {
	end := t.End
	for {
		next := s.Lexer
		dot := next.Next()
		if dot.Kind != sqltext.Dot {
			// insert into t (a) names a relation, from f(a) a function.
			if dot.Kind == sqltext.Open && s.list && !sqltext.EqualFold(s.lastWord(), "into") {
				s.target = false
				return
			}
			break
		}
		name := next.Next()
		if name.Kind != sqltext.Word && name.Kind != sqltext.QuotedIdent {
			break
		}
		s.Lexer, end = next, name.End
	}
	s.target = false
	s.add(s.Src[t.Start:end])
}

// lastWord returns the word before a relation's name.
func (s *summary) lastWord() []byte {
	b := bytes.TrimRight(s.Src[:s.prev.Start], " \t\r\n")
	i := len(b)
	for i > 0 && sqltext.Classes[b[i-1]]&sqltext.ClassIdentCont != 0 {
		i--
	}
	return b[i:]
}

// add appends a word, with white space and comments of qualified names left out.
func (s *summary) add(w []byte) {
	sep := 0
	if len(s.dst) > s.from {
		sep = 1
	}
	if len(s.dst)-s.from+sep+len(w) > maxSummary || bytes.ContainsAny(w, "\n\r\t/") || bytes.Contains(w, []byte("--")) {
		s.full = len(s.dst)-s.from+sep+len(w) > maxSummary
		return
	}
	if sep > 0 {
		s.dst = append(s.dst, ' ')
	}
	s.dst = append(s.dst, w...)
}
