package render

import (
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/replication"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// Batches keep the hand-over rare and what is handed over in the processor's
// cache; with six a side that gets ahead need not wait at once, which matters where
// there are more goroutines than processors.
const (
	pipeItems   = 512
	pipeBytes   = 128 << 10
	pipeNotes   = 64
	pipeQueries = 128
	pipes       = 6
)

// writer is a Writer that can also be told what a session reported earlier.
type writer interface {
	Writer
	message(m *message)
	notice(c *conn, n *record.Notice)
	close(c *conn, r *record.Connection)
	leave(c *conn)
	output() *Output
	memory() int // its slot of connections, see connOf
}

// queryWriter is a writer that is also worth copying queries for.
type queryWriter interface {
	// parts is how the records are to be made.
	parts() record.Parts
	query(c *conn, q *record.Query)
}

// CopiesQueries reports whether a Pipe before w has it write queries in its goroutine.
func CopiesQueries(w Writer) bool {
	_, ok := w.(queryWriter)
	return ok
}

// Pipe is a Writer that has another one write in a goroutine of its own. What that
// writes, and in which order, is the same. Its methods belong to one goroutine.
//
// Exchanges that are not written as JSON are written when they come, after what came
// before them: many of them are better written without a Pipe.
type Pipe struct {
	w       writer
	queries queryWriter // nil if w is none
	maker   *record.Maker
	failed  *flag // of w's output
	cur     *pipeBatch
	full    chan *pipeBatch
	free    chan *pipeBatch
	done    chan struct{}
	running bool
	places  bool // w shows where in a text an error is
	ends    bool // w tells of connections that are over
	slot    int  // of w, see connOf
	rows    int  // that w shows in a row, 0: all
	conns   connMemo
}

// pipeBatch is a run of messages, notices and ends of connections.
type pipeBatch struct {
	items  []pipeItem
	more   []more
	notes  []session.Note
	means  []replication.Meaning
	data   []byte
	others []pipeOther
	asked  []record.Query
	last   bool      // nothing follows for now
	_      [128]byte // the other goroutine works on the next one
}

type pipeItem struct {
	message
	what pipeWhat
	rows uint32 // of a pipeRows
}

type pipeWhat uint8

const (
	pipeMessage pipeWhat = iota
	pipeRows             // only counted
	pipeNotice
	pipeClose
	pipeLeave
	pipeExchange
)

// pipeOther is the rest of an item that is a notice or the end of a connection.
type pipeOther struct {
	notice record.Notice
	end    record.Connection
}

// NewPipe returns a Pipe before a writer, which must be one of this package's.
func NewPipe(w Writer) *Pipe {
	inner := w.(writer)
	p := &Pipe{
		w: inner, slot: inner.memory(), failed: inner.output().failed, full: make(chan *pipeBatch, pipes), free: make(chan *pipeBatch, pipes),
		done: make(chan struct{}, 1), maker: new(record.Maker),
	}
	switch w := w.(type) {
	case *Pretty:
		p.rows, p.places, p.ends = w.opt.Rows, true, !w.opt.NoConnections
	case *JSON:
		p.ends = !w.opt.NoConnections
	}
	for range pipes {
		p.free <- nil // made when it is needed: most captures are small
	}
	if p.queries, _ = w.(queryWriter); p.queries != nil {
		p.maker.Parts = p.queries.parts()
	}
	p.begin()
	return p
}

// run writes what comes, up to the last batch.
func (p *Pipe) run() {
	for {
		b := <-p.full
		p.play(b)
		last := b.last
		clear(b.items) // connections must not live on in them
		clear(b.more)
		clear(b.others)
		clear(b.means)
		*b = pipeBatch{
			items: b.items[:0], more: b.more[:0], notes: b.notes[:0], data: b.data[:0], others: b.others[:0],
			asked: b.asked[:0], means: b.means[:0],
		}
		if cap(b.data) > 4*pipeBytes {
			b.data = make([]byte, 0, pipeBytes)
		}
		p.free <- b
		if last {
			p.done <- struct{}{}
			return
		}
	}
}

func (p *Pipe) play(b *pipeBatch) {
	others, asked := b.others, b.asked
	items := b.items
	for i := range items {
		m := &items[i]
		switch m.what {
		case pipeMessage:
			p.w.message(&m.message)
			continue
		case pipeRows:
			p.w.(*Pretty).counted(m.conn, int(m.rows), m.len)
			continue
		case pipeNotice:
			p.w.notice(m.conn, &others[0].notice)
		case pipeClose:
			p.w.close(m.conn, &others[0].end)
		case pipeLeave:
			p.w.leave(m.conn)
			continue
		case pipeExchange:
			p.queries.query(m.conn, &asked[0])
			asked = asked[1:]
			continue
		}
		others = others[1:]
	}
}

// send hands the current batch over.
func (p *Pipe) send(last bool) {
	if !p.running {
		p.running = true
		go p.run()
	}
	p.cur.last = last
	p.full <- p.cur
	if last {
		<-p.done
		p.running = false
	}
	p.begin()
}

// begin takes a batch to fill.
func (p *Pipe) begin() {
	if p.cur = <-p.free; p.cur == nil {
		p.cur = &pipeBatch{
			items: make([]pipeItem, 0, pipeItems), more: make([]more, 0, pipeItems),
			notes: make([]session.Note, 0, pipeNotes), data: make([]byte, 0, pipeBytes),
		}
	}
}

// drain waits until all is written.
func (p *Pipe) drain() {
	if p.running || len(p.cur.items) > 0 {
		p.send(true)
	}
}

// Message takes a message to write.
func (p *Pipe) Message(e *session.Event) {
	if p.passes(e) { // nobody looks at more of it
		m := p.add(pipeMessage)
		m.take(e, p.conns.of(e.Session, p.slot), nil)
		m.body = nil
		p.added()
		return
	}
	var sql []byte
	if p.places {
		sql = failedText(e)
	}
	if b := p.cur; len(e.Body)+len(sql) > cap(b.data)-len(b.data) || len(e.Notes) > cap(b.notes)-len(b.notes) {
		if len(e.Body)+len(sql) > pipeBytes || len(e.Notes) > pipeNotes {
			p.drain()
			p.w.Message(e)
			return
		}
		p.send(false)
	}
	b := p.cur
	m := p.add(pipeMessage)
	rest := len(b.more)
	m.take(e, p.conns.of(e.Session, p.slot), &b.more[:rest+1][rest])
	if sql != nil {
		m.takeText(b.keep(sql), &b.more[:rest+1][rest])
	}
	if m.more != nil {
		b.more = b.more[:rest+1]
		at := len(b.notes)
		b.notes = append(b.notes, e.Notes...)
		m.more.notes = b.notes[at:len(b.notes):len(b.notes)]
		if m.more.replication != nil {
			m.more.replication = b.meaning(m.more.replication)
		}
	}
	m.body = b.keep(e.Body)
	p.added()
}

// keep copies bytes that there is room for.
func (b *pipeBatch) keep(v []byte) []byte {
	at := len(b.data)
	b.data = append(b.data, v...)
	return b.data[at:len(b.data):len(b.data)]
}

// meaning copies what a CopyData holds; there is room for each item.
func (b *pipeBatch) meaning(m *replication.Meaning) *replication.Meaning {
	if cap(b.means) == 0 {
		b.means = make([]replication.Meaning, 0, pipeItems)
	}
	b.means = append(b.means, *m)
	return &b.means[len(b.means)-1]
}

// add returns the place for another item; there is always one.
func (p *Pipe) add(what pipeWhat) *pipeItem {
	b := p.cur
	n := len(b.items)
	b.items = b.items[:n+1]
	m := &b.items[n]
	m.what = what
	return m
}

// added hands the batch over when there is no place left.
func (p *Pipe) added() {
	if len(p.cur.items) == pipeItems {
		p.send(false)
	}
}

// Notice takes a notice to write.
func (p *Pipe) Notice(s *session.Session, n *session.Notice) {
	m := p.add(pipeNotice)
	m.conn = connOf(s, p.slot)
	m.conn.ahead = rowRun{} // it ends a run of rows
	p.cur.others = append(p.cur.others, pipeOther{notice: *p.maker.Notice(s, n)})
	p.added()
}

// End takes the end of a connection to write.
func (p *Pipe) End(s *session.Session) {
	c := connOf(s, p.slot)
	if !p.ends {
		c.ahead = rowRun{}
		p.add(pipeLeave).conn = c
		p.added()
		return
	}
	p.add(pipeClose).conn = c
	p.cur.others = append(p.cur.others, pipeOther{end: *p.maker.Connection(s)})
	p.added()
}

// Exchange takes an exchange to write.
func (p *Pipe) Exchange(s *session.Session, x *exchange.Exchange) {
	if p.queries == nil || !p.take(s, x) {
		p.drain()
		p.w.Exchange(s, x)
	}
}

// take takes a copy of an exchange; it returns false for those that are too large.
func (p *Pipe) take(s *session.Session, x *exchange.Exchange) bool {
	if len(p.cur.asked) == cap(p.cur.asked) && len(p.cur.asked) > 0 || len(p.cur.data) > pipeBytes/2 {
		p.send(false)
	}
	b := p.cur
	if cap(b.asked) == 0 {
		b.asked = make([]record.Query, 0, pipeQueries)
	}
	q := &b.asked[:len(b.asked)+1][len(b.asked)]
	p.maker.QueryTo(q, s, x)
	data, ok := q.Keep(b.data)
	if !ok {
		return false
	}
	b.asked, b.data = b.asked[:len(b.asked)+1], data
	p.add(pipeExchange).conn = connIn(q.Conn, p.slot)
	p.added()
	return true
}

// Record writes a record that a view has derived.
func (p *Pipe) Record(r record.Record) {
	p.drain()
	p.w.Record(r)
}

// Flush writes all that came and returns the first error of the output.
func (p *Pipe) Flush() error {
	p.drain()
	return p.w.Flush()
}

// Failed reports whether the output has failed.
func (p *Pipe) Failed() bool { return p.failed.Load() }

var (
	_ Writer = (*Pipe)(nil)
	_ writer = (*JSON)(nil)
	_ writer = (*Pretty)(nil)
)
