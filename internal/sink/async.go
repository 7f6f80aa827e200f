package sink

import (
	"sync/atomic"

	"github.com/pgsniff/pgsniff/internal/record"
)

// asyncBatch is how many records are handed over at once, asyncBatches how many
// batches may wait: some thousand records, so that a sink that is slow for a moment
// does not stop the run, and one that is slow for long does.
const (
	asyncBatch   = 128
	asyncBatches = 8
)

// Async has a sink work in a goroutine of its own, with copies of the records.
// What it is told, and in which order, is the same.
type Async struct {
	sink   Sink
	wants  Wants
	cur    []record.Record
	work   chan asyncWork
	done   chan error
	failed atomic.Bool
}

type asyncWork struct {
	records []record.Record
	tick    int64          // after the records; 0: none
	flush   chan error     // after the records; nil: none
	end     *record.Totals // after all; nil: not yet
}

// NewAsync starts the goroutine, which ends with End.
func NewAsync(s Sink) *Async {
	a := &Async{sink: s, wants: s.Wants(), work: make(chan asyncWork, asyncBatches), done: make(chan error, 1)}
	go a.run()
	return a
}

func (a *Async) run() {
	for w := range a.work {
		for _, r := range w.records {
			a.sink.Record(r)
		}
		if w.tick != 0 {
			a.sink.Tick(w.tick)
		}
		if w.flush != nil {
			w.flush <- Flush(a.sink)
		}
		if Failed(a.sink) {
			a.failed.Store(true)
		}
		if w.end != nil {
			a.done <- a.sink.End(w.end)
			return
		}
	}
}

// Wants is what the sink wants.
func (a *Async) Wants() Wants { return a.wants }

// Record takes a record.
func (a *Async) Record(r record.Record) {
	a.cur = append(a.cur, r.Clone())
	if len(a.cur) == asyncBatch {
		a.send(asyncWork{})
	}
}

func (a *Async) send(w asyncWork) {
	w.records, a.cur = a.cur, nil
	a.work <- w
}

// Tick passes a tick on, after what came before it.
func (a *Async) Tick(now int64) { a.send(asyncWork{tick: now}) }

// Flush waits until all that came is done, and written.
func (a *Async) Flush() error {
	done := make(chan error, 1)
	a.send(asyncWork{flush: done})
	return <-done
}

// End waits for the end of the sink.
func (a *Async) End(t *record.Totals) error {
	a.send(asyncWork{end: t})
	return <-a.done
}

// Failed reports whether the sink's output has failed.
func (a *Async) Failed() bool { return a.failed.Load() }
