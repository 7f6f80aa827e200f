package analyze

import (
	"time"

	"github.com/pgsniff/pgsniff/internal/friend"
	"github.com/pgsniff/pgsniff/internal/netfacts"
	"github.com/pgsniff/pgsniff/pkg/codec"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/reassembly"
)

// Batches of two thousand chunks, or half a mebibyte, keep the hand-over rare and the
// data in the processors' caches; three are enough to keep both stages busy.
const (
	batchBytes  = 512 << 10
	batchEvents = 2 << 10
	batchParts  = 4 * batchEvents
	batches     = 3
)

type eventKind uint8

const (
	eventData eventKind = iota
	eventGap
	eventConflict
	eventClose
	eventLook
	eventKeys
	eventNetwork
	eventStalled
	eventTick
	eventDo
	eventPlain
	eventLostPlain
)

// event is a call of output, to be made later.
type event struct {
	conn    *conn
	at      reassembly.Stamp
	n       int64 // bytes of data in the batch; bytes lost; reason of a close; time
	unacked int32 // of data
	kind    eventKind
	dir     reassembly.Dir
	// parts is how many parts the data was divided into ahead.
	parts uint8
	shape friend.Shape
}

// batch is a run of events with their data, one after the other.
type batch struct {
	events []event
	data   []byte
	parts  []friend.Part
	closed []*conn  // whose last event it was
	loads  []func() // of the eventKeys and eventDos
	ticks  []Tick
	by     []string // of the eventPlains and eventLostPlains
	nets   []netfacts.Event
	last   bool
	_      [128]byte // the other stage works on the next one
}

// pipe carries the first stage's output to the second in another goroutine.
// Data is copied into the batch: captured bytes live no longer than a packet.
type pipe struct {
	cur    *batch
	full   chan *batch
	free   chan *batch
	done   chan struct{}
	stage  *sessions
	conns  *conns
	split  friend.Splitter[codec.StreamOptions]
	onIdle func()
	timer  *time.Timer
	_      [48]byte // see TestLines
}

func newPipe(stage *sessions, over *conns, onIdle, guard func()) *pipe {
	p := &pipe{
		full: make(chan *batch, batches), free: make(chan *batch, batches),
		done: make(chan struct{}), stage: stage, conns: over, split: chunks.Splitter(stage.shared), onIdle: onIdle, timer: time.NewTimer(idleAfter),
	}
	p.timer.Stop()
	for range batches {
		p.free <- nil // made when it is needed: most captures are small
	}
	p.take()
	if guard == nil {
		guard = func() {}
	}
	go func() {
		defer guard()
		p.run()
	}()
	return p
}

func (p *pipe) run() {
	defer close(p.done)
	for {
		b := p.next()
		p.play(b)
		if b.last {
			return
		}
		b.events, b.data, b.parts, b.loads = b.events[:0], b.data[:0], b.parts[:0], nil
		b.ticks, b.by = nil, nil
		b.nets = b.nets[:0]
		p.free <- b
	}
}

// idleAfter is how long nothing must come before the second stage calls itself
// idle: flushing output because the first is a little behind would have all stages
// wait for each other.
const idleAfter = 5 * time.Millisecond

// next waits for a batch.
func (p *pipe) next() *batch {
	select {
	case b := <-p.full:
		return b
	default:
	}
	if p.onIdle == nil {
		return <-p.full
	}
	p.timer.Reset(idleAfter)
	select {
	case b := <-p.full:
		p.timer.Stop()
		return b
	case <-p.timer.C:
		p.onIdle()
		return <-p.full
	}
}

// play makes the calls of a batch.
func (p *pipe) play(b *batch) {
	data, parts, events := b.data, b.parts, b.events
	for i := range events {
		e := &events[i]
		switch e.kind {
		case eventData:
			p.stage.chunk(e.conn, e.dir, data[:e.n:e.n], parts[:e.parts], e.shape, e.unacked, e.at)
			data, parts = data[e.n:], parts[e.parts:]
		case eventGap:
			p.stage.gap(e.conn, e.dir, e.n, e.at)
		case eventConflict:
			p.stage.conflict(e.conn, e.dir, e.at)
		case eventStalled:
			p.stage.stalled(e.conn, e.n, e.at)
		case eventClose:
			p.stage.close(e.conn, reassembly.Reason(e.n), e.at)
			b.closed = append(b.closed, e.conn)
		case eventLook:
			p.stage.look(e.at)
		case eventKeys:
			p.stage.keys(b.loads[0], e.n)
			b.loads = b.loads[1:]
		case eventNetwork:
			p.stage.network(&b.nets[e.n])
		case eventTick:
			p.stage.tick(int(e.n), b.ticks[0])
			b.ticks = b.ticks[1:]
		case eventDo:
			b.loads[0]()
			b.loads = b.loads[1:]
		case eventPlain:
			p.stage.plain(e.conn, messages.Direction(e.dir), data[:e.n:e.n], e.at, b.by[0])
			data, b.by = data[e.n:], b.by[1:]
		case eventLostPlain:
			p.stage.lostPlain(e.conn, messages.Direction(e.dir), e.n, e.at, b.by[0])
			b.by = b.by[1:]
		}
	}
}

// flush sends the current batch off.
func (p *pipe) flush() {
	if len(p.cur.events) > 0 {
		p.full <- p.cur
		p.take()
	}
}

// take takes a batch to fill.
func (p *pipe) take() {
	if p.cur = <-p.free; p.cur == nil {
		p.cur = &batch{
			data: make([]byte, 0, batchBytes), events: make([]event, 0, batchEvents),
			parts: make([]friend.Part, 0, batchParts),
		}
	}
	for _, k := range p.cur.closed {
		p.conns.put(k)
	}
	clear(p.cur.closed)
	p.cur.closed = p.cur.closed[:0]
}

// finish sends the rest and waits until all is done.
func (p *pipe) finish() {
	p.cur.last = true
	p.full <- p.cur
	<-p.done
}

// place returns that of another event in the current batch, of a kind and at a time. The fields of the
// event are those of an earlier one: a literal would be built elsewhere and copied,
// and wait for its own small writes.
func (p *pipe) place(kind eventKind, at reassembly.Stamp) *event {
	if len(p.cur.events) == batchEvents {
		p.flush()
	}
	b := p.cur
	n := len(b.events)
	b.events = b.events[:n+1]
	e := &b.events[n]
	e.kind, e.at = kind, at
	return e
}

func (p *pipe) data(k *conn, d reassembly.Dir, b []byte, unacked int32, at reassembly.Stamp) {
	if len(p.cur.data)+len(b) > batchBytes || batchParts-len(p.cur.parts) < friend.MaxParts {
		p.flush()
	}
	e := p.place(eventData, at)
	cur := p.cur
	// The chunk is in this processor's cache, and the second stage has more to do.
	n, shape := chunks.Split(&p.split, k.direction(d), b, cur.parts[len(cur.parts):cap(cur.parts)])
	cur.parts = cur.parts[:len(cur.parts)+n]
	e.conn, e.dir, e.n, e.parts, e.shape = k, d, int64(len(b)), uint8(n), shape
	e.unacked = unacked
	cur.data = append(cur.data, b...)
}

func (p *pipe) gap(k *conn, d reassembly.Dir, n int64, at reassembly.Stamp) {
	e := p.place(eventGap, at)
	e.conn, e.dir, e.n = k, d, n
}

func (p *pipe) conflict(k *conn, d reassembly.Dir, at reassembly.Stamp) {
	e := p.place(eventConflict, at)
	e.conn, e.dir = k, d
}

func (p *pipe) stalled(k *conn, since int64, at reassembly.Stamp) {
	e := p.place(eventStalled, at)
	e.conn, e.n = k, since
}

func (p *pipe) close(k *conn, why reassembly.Reason, at reassembly.Stamp) {
	e := p.place(eventClose, at)
	e.conn, e.n = k, int64(why)
}

func (p *pipe) look(at reassembly.Stamp) { p.place(eventLook, at) }

func (p *pipe) network(e *netfacts.Event) {
	to := p.place(eventNetwork, e.At)
	to.n = int64(len(p.cur.nets))
	p.cur.nets = append(p.cur.nets, *e)
}
