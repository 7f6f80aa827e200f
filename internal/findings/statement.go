package findings

import "strings"

// maxText is how much of a normalised text is kept and looked at.
const maxText = 2 << 10

// use is how a statement uses a table.
type use uint8

const (
	reads use = 1 << iota
	writes
	locks // rows, as SELECT FOR UPDATE does
	alters
)

// table is a relation that a statement names, without its schema.
type table struct {
	name string
	use  use
}

// statement is what the text of a statement tells, found out once for each
// fingerprint.
type statement struct {
	print     uint64
	text      string // normalised
	verb      string // its first word, lower case
	tables    []table
	isSelect  bool // reads rows and changes nothing, as far as the text tells
	forUpdate bool
	limited   bool // has LIMIT or FETCH FIRST
	catalog   bool // reads system catalogs only
	ping      bool // asks nothing of the data
	setup     bool // of the session
	begins    bool // a transaction
	ends      bool
	rollback  bool
	neutral   bool // savepoints and the like
	insertRow bool // INSERT with one row of values
	constants bool // it has parameters or constants
	dml       bool // SELECT, INSERT, UPDATE, DELETE, MERGE
	fetch     bool
	sleeps    bool  // pg_sleep, so that its time is on purpose
	latest    *uses // by whom it was used last
}

func (s *statement) writes() bool {
	for i := range s.tables {
		if s.tables[i].use&(writes|locks|alters) != 0 {
			return true
		}
	}
	return false
}

// overhead reports whether s does nothing that an application wants.
func (s *statement) overhead() bool { return s.ping || s.setup || s.begins || s.ends || s.neutral }

// words splits normalised SQL: words, quoted identifiers, and single characters.
type words struct {
	rest string
	word string
}

// isWord tells of each byte whether it may be in a word: a table, since texts are many bytes.
var isWord = func() (is [256]bool) {
	for c := range is {
		is[c] = c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
	}
	return is
}()

func wordByte(c byte) bool { return isWord[c] }

func (w *words) next() bool {
	s := strings.TrimLeft(w.rest, " \n\t")
	if s == "" {
		w.rest, w.word = "", ""
		return false
	}
	n := 1
	switch {
	case s[0] == '"':
		for n < len(s) && s[n] != '"' {
			n++
		}
		n = min(n+1, len(s))
	case wordByte(s[0]):
		for n < len(s) && isWord[s[n]] {
			n++
		}
	}
	w.word, w.rest = s[:n], s[n:]
	return true
}

func (w *words) peek() string {
	c := *w
	c.next()
	return c.word
}

func isName(word string) bool {
	return word != "" && word[0] != '$' && (word[0] == '"' || wordByte(word[0]) && (word[0] < '0' || word[0] > '9'))
}

// newStatement reads a normalised text.
func newStatement(print uint64, normalized []byte) *statement {
	s := &statement{print: print, text: string(normalized[:min(len(normalized), maxText)])}
	text := strings.TrimLeft(s.text, "( ")
	w := words{rest: text}
	w.next()
	s.verb = w.word
	s.constants = strings.Contains(text, "$1")
	s.classify(text)
	s.findTables(text)
	s.catalog = s.isSelect && s.readsCatalogs(text)
	return s
}

func (s *statement) classify(text string) {
	has := func(part string) bool { return strings.Contains(text, part) }
	switch s.verb {
	case "":
		s.ping = true
	case "select", "values", "table":
		s.isSelect, s.dml = true, true
	case "with":
		s.dml = true
		s.isSelect = !has("insert into ") && !has("delete from ") && !has("update ")
	case "insert", "update", "delete", "merge":
		s.dml = true
	case "begin", "start":
		s.begins = true
	case "commit", "end", "abort":
		s.ends, s.rollback = true, s.verb == "abort"
	case "rollback":
		s.ends = !strings.HasPrefix(text, "rollback to") && !strings.HasPrefix(text, "rollback transaction to") && !strings.HasPrefix(text, "rollback work to")
		s.rollback, s.neutral = s.ends, !s.ends
	case "savepoint", "release":
		s.neutral = true
	case "set", "reset", "show", "discard":
		s.setup = true
	case "fetch", "move":
		s.fetch = true
	}
	switch {
	case strings.HasPrefix(text, "select set_config") || strings.HasPrefix(text, "select pg_catalog.set_config") ||
		strings.HasPrefix(text, "select current_setting"):
		s.setup = true
	case text == "select $1" || text == "select $1 as one" || text == "select $1 as result" || text == "select version()" ||
		text == "select pg_catalog.version()" || text == "select ping()":
		s.ping = true
	}
	s.forUpdate = s.isSelect && has(" for ") && (has(" for update") || has(" for no key update") || has(" for share") || has(" for key share"))
	s.limited = s.isSelect && (has(" limit $") || has(" fetch first ") || has(" fetch next ") || has(" limit all"))
	s.sleeps = has("pg_sleep")
	if s.verb == "insert" {
		if _, values, ok := strings.Cut(text, " values ("); ok {
			s.insertRow = !strings.Contains(values, "), (") && !strings.Contains(values, "), ...")
		}
	}
}

// tableWords are the words that a table's name follows, with the use of it.
var tableWords = map[string]use{
	"from": reads, "join": reads, "into": writes, "update": writes, "using": reads, "table": alters,
	"truncate": alters, "reindex": alters, "cluster": alters, "vacuum": alters, "lock": alters,
}

// fillers may stand between those words and the name.
var fillers = map[string]bool{
	"only": true, "table": true, "if": true, "exists": true, "not": true, "concurrently": true, "lateral": true,
	"index": true, "verbose": true, "full": true, "analyze": true, "view": true, "materialized": true,
}

func (s *statement) findTables(text string) {
	ddl := s.verb == "alter" || s.verb == "drop" || s.verb == "create" || s.verb == "truncate" || s.verb == "lock" ||
		s.verb == "reindex" || s.verb == "cluster" || s.verb == "vacuum" || s.verb == "refresh" || s.verb == "comment"
	if !ddl && !s.dml && s.verb != "copy" {
		return
	}
	w := words{rest: text}
	before := ""
	for w.next() {
		word := w.word
		q, ok := tableWords[word]
		switch {
		case word == "on" && ddl && s.verb == "create":
			q, ok = alters, true
		case (word == "copy" || word == "lock" || word == "truncate" || word == "vacuum") && before == "":
			ok = true
			if q = alters; word == "copy" {
				q = reads
			}
		case word == "update" && (before == "for" || before == "key" || before == "do" || before == "on"):
			ok = false
		case word == "table" && !ddl, word == "from" && before == "distinct", word == "using" && w.peek() == "(":
			ok = false
		case word == "delete":
			before = word
			continue
		case word == "from" && before == "delete":
			q = writes
		}
		before = word
		if !ok {
			continue
		}
		if s.forUpdate && q == reads {
			q |= locks
		}
		s.tableList(&w, q)
	}
}

// tableList takes the names that follow: one, or several with commas.
func (s *statement) tableList(w *words, q use) {
	for {
		for fillers[w.peek()] {
			w.next()
		}
		if !isName(w.peek()) {
			return
		}
		w.next()
		name := w.word
		for w.peek() == "." {
			w.next()
			if w.next(); name != "" {
				name = schemaName(name, w.word)
			}
		}
		if w.peek() == "(" && q&reads != 0 {
			return // a function
		}
		s.addTable(strings.Trim(name, `"`), q)
		// An alias, and a comma, may follow.
		c := *w
		c.next()
		if c.word == "as" {
			c.next()
			c.next()
		} else if isName(c.word) && !keyword[c.word] {
			c.next()
		}
		if c.word != "," || q&(reads|alters) == 0 {
			return
		}
		*w = c
	}
}

// keyword are words that end a list of tables.
var keyword = map[string]bool{
	"where": true, "join": true, "left": true, "right": true, "inner": true, "cross": true, "full": true, "natural": true,
	"on": true, "order": true, "group": true, "having": true, "limit": true, "offset": true, "for": true, "set": true,
	"values": true, "select": true, "returning": true, "union": true, "using": true, "in": true, "default": true,
}

// schemaName keeps the schemas of the system's own tables and drops others, since
// a search path usually hides those.
func schemaName(schema, name string) string {
	switch schema {
	case "pg_catalog", "information_schema", `"pg_catalog"`, `"information_schema"`:
		return "pg_catalog." + strings.Trim(name, `"`)
	}
	return name
}

// maxTables bounds the tables kept of a statement: more do not help to tell who
// waits for whom.
const maxTables = 8

func (s *statement) addTable(name string, q use) {
	for i := range s.tables {
		if s.tables[i].name == name {
			s.tables[i].use |= q
			return
		}
	}
	if len(s.tables) < maxTables {
		s.tables = append(s.tables, table{name, q})
	}
}

// readsCatalogs reports whether the tables of a query are the system's own.
func (s *statement) readsCatalogs(text string) bool {
	if len(s.tables) == 0 {
		return strings.Contains(text, "pg_catalog.") || strings.Contains(text, "current_schema") || strings.Contains(text, "pg_is_in_recovery")
	}
	for _, t := range s.tables {
		if !strings.HasPrefix(t.name, "pg_") {
			return false
		}
	}
	return true
}

// conflict returns the first table on which one of two may have to wait for the
// other.
func conflict(waiter, holder []table) (string, bool) {
	for _, a := range waiter {
		for _, b := range holder {
			if a.name != b.name {
				continue
			}
			switch {
			case a.use&alters != 0 || b.use&alters != 0:
				return a.name, true
			case a.use&(writes|locks) != 0 && b.use&(writes|locks) != 0:
				return a.name, true
			}
		}
	}
	return "", false
}
