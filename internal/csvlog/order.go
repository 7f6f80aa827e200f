package csvlog

// Statements are logged when they begin, and known when they have ended. order holds
// lines back until all that began before them are known.
type order struct {
	write   func(line []byte)
	waiting []*entry // by their begin
	open    map[queryID]*entry
	bytes   int
	late    uint64 // lines written before one that began earlier
}

type queryID struct{ conn, id uint64 }

type entry struct {
	id   queryID
	line []byte
	done bool
}

// What waits is bounded: statements that run for hours hold back the lines of all
// others. Beyond the bound the oldest are given up; they are written when they end.
const (
	maxWaiting      = 100_000
	maxWaitingBytes = 64 << 20
	entryCost       = 128
)

func newOrder(write func([]byte)) *order {
	return &order{write: write, open: make(map[queryID]*entry)}
}

// begin notes that a statement began.
func (o *order) begin(id queryID) {
	if o.open[id] != nil {
		return
	}
	e := &entry{id: id}
	o.open[id] = e
	o.add(e)
}

// end gives the line of a statement; none if it is not logged.
func (o *order) end(id queryID, line []byte) {
	e := o.open[id]
	if e == nil {
		if line != nil {
			o.now(line)
			o.late++
		}
		return
	}
	delete(o.open, id)
	e.line, e.done = append(e.line, line...), true
	o.bytes += len(line)
	o.release()
}

// now gives a line that belongs here.
func (o *order) now(line []byte) { o.add(&entry{line: append([]byte(nil), line...), done: true}) }

func (o *order) add(e *entry) {
	o.waiting = append(o.waiting, e)
	o.bytes += len(e.line) + entryCost
	for len(o.waiting) > maxWaiting || o.bytes > maxWaitingBytes {
		o.giveUp()
	}
	o.release()
}

// release writes what nothing before it is waited for.
func (o *order) release() {
	for len(o.waiting) > 0 && o.waiting[0].done {
		o.pop()
	}
}

func (o *order) pop() {
	e := o.waiting[0]
	o.waiting[0] = nil
	o.waiting = o.waiting[1:]
	o.bytes -= len(e.line) + entryCost
	if len(e.line) > 0 {
		o.write(e.line)
	}
}

// giveUp stops waiting for the oldest statement.
func (o *order) giveUp() {
	if e := o.waiting[0]; !e.done {
		delete(o.open, e.id)
	}
	o.pop()
	o.release()
}

// finish writes all that is left.
func (o *order) finish() {
	for len(o.waiting) > 0 {
		o.pop()
	}
}
