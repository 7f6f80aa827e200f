package stats

const (
	// maxScript bounds what is kept to run a call again, maxScripts what all of these
	// take together. What is cut could not be run.
	maxScript  = 8 << 10
	maxScripts = 16 << 20
)

// Example is the slowest call of a query.
type Example struct {
	At       int64 // when it was asked for, in nanoseconds since the epoch
	Conn, ID uint64
	Duration int64  // nanoseconds
	Script   string // runs it again in psql; empty where it cannot be, or is too long
}

// worstCall is the slowest call so far. Its script keeps its memory.
type worstCall struct {
	Example
	script []byte
}

// worst keeps a call if it is the slowest of its query so far. Of many calls few are, so
// that making their scripts costs little.
func (s *Stats) worst(known *query, q *QuerySample) {
	if q.Script == nil || known.worst != nil && q.Duration <= known.worst.Duration {
		return
	}
	if known.worst == nil {
		known.worst = new(worstCall)
	}
	w := known.worst
	s.scripts -= cap(w.script)
	script := q.Script()
	if len(script) > maxScript || len(script) > cap(w.script) && s.scripts+len(script) > maxScripts {
		script = nil
	}
	if w.script = append(w.script[:0], script...); len(script) == 0 {
		w.script = nil
	}
	s.scripts += cap(w.script)
	w.Example = Example{At: q.At, Conn: q.Conn, ID: q.ID, Duration: q.Duration}
}

func (w *worstCall) report() *Example {
	if w == nil {
		return nil
	}
	e := w.Example
	e.Script = string(w.script)
	return &e
}

// less reports whether o is there and slower, or as slow and earlier.
func (e *Example) less(o *Example) bool {
	return o != nil && (e == nil || e.Duration < o.Duration || e.Duration == o.Duration && o.At < e.At)
}

// elsewhere returns the example as a merged report has it: the numbers of one capture's
// connections say nothing in it.
func (e *Example) elsewhere() *Example {
	c := *e
	c.Conn, c.ID = 0, 0
	return &c
}
