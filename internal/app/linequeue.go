package app

import (
	"bytes"
	"io"
	"sync"
	"time"
)

const (
	// queueLimit is how many bytes of lines wait at most for the reader of a pipe.
	queueLimit = 16 << 20
	// queuePatience is how long the end of a run waits for a reader that takes nothing.
	queuePatience = 5 * time.Second
	// queueTold is how often, at most, it is told that lines are dropped.
	queueTold = time.Second
	// atomicWrite is how many bytes a pipe takes whole or not at all: PIPE_BUF of Linux.
	// Other systems take less whole, which counts only where the end gives up.
	atomicWrite = 4096
)

// lineQueue stands between an output of lines and a pipe, so that a reader that stands
// still does not stop the other outputs of a run. What finds it full is dropped by whole
// lines. Write and Close belong to the goroutine of the output.
type lineQueue struct {
	limit   int                       // bytes that wait at most
	now     func() time.Time          // for told
	tell    func(lost, losses uint64) // tells of lines that were dropped since the last time, and in all
	started []byte                    // the line that is not whole yet
	tooLong bool                      // that line alone is over the limit, and its rest is to be dropped
	told    time.Time
	untold  uint64

	mu      sync.Mutex
	changed sync.Cond
	chunks  [][]byte // whole lines, the oldest first
	spare   []byte   // of a chunk that was written
	size    int      // bytes in chunks and in what is being written
	rest    []byte   // of the chunk that is being written
	taken   uint64   // pieces that the pipe took: its reader is alive
	lost    uint64   // lines that were dropped
	closed  bool     // no more will come
	err     error    // of writing; stays
	ended   chan struct{}
}

func newLineQueue(w io.Writer, limit int, now func() time.Time, tell func(lost, losses uint64)) *lineQueue {
	q := &lineQueue{limit: limit, now: now, tell: tell, ended: make(chan struct{})}
	q.changed.L = &q.mu
	go q.run(w)
	return q
}

// Write takes a text that may end within a line. Its error is that of an earlier write.
func (q *lineQueue) Write(b []byte) (int, error) {
	n := len(b)
	if q.tooLong {
		end := bytes.IndexByte(b, '\n') + 1
		if end == 0 {
			return n, q.failed()
		}
		b, q.tooLong = b[end:], false
	}
	last := bytes.LastIndexByte(b, '\n') + 1
	if last > 0 && len(q.started) > 0 {
		end := bytes.IndexByte(b, '\n') + 1
		q.started = append(q.started, b[:end]...)
		q.add(q.started)
		q.started = q.started[:0]
		b, last = b[end:], last-end
	}
	if last > 0 {
		q.add(b[:last])
	}
	if q.started = append(q.started, b[last:]...); len(q.started) > q.limit {
		q.started, q.tooLong = nil, true
		q.drop(1)
	}
	return n, q.failed()
}

func (q *lineQueue) failed() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.err
}

// add has whole lines wait, and drops the ones that there is no room for.
func (q *lineQueue) add(lines []byte) {
	q.mu.Lock()
	if q.err != nil {
		lines = nil // nobody reads them
	}
	if room := q.limit - q.size; room < len(lines) {
		fits := bytes.LastIndexByte(lines[:room], '\n') + 1
		rest := bytes.Count(lines[fits:], []byte{'\n'})
		lines = lines[:fits]
		defer q.drop(uint64(rest))
	}
	if len(lines) > 0 {
		q.put(lines)
		q.changed.Signal()
	}
	q.mu.Unlock()
}

// put adds to the newest chunk, or makes one.
func (q *lineQueue) put(lines []byte) {
	const size = 64 << 10
	q.size += len(lines)
	if n := len(q.chunks); n > 0 && len(q.chunks[n-1])+len(lines) <= cap(q.chunks[n-1]) {
		q.chunks[n-1] = append(q.chunks[n-1], lines...)
		return
	}
	chunk := q.spare
	if q.spare = nil; cap(chunk) < len(lines) {
		chunk = make([]byte, 0, max(size, len(lines)))
	}
	q.chunks = append(q.chunks, append(chunk, lines...))
}

// drop counts lines that were dropped, and tells of them now and then.
func (q *lineQueue) drop(lines uint64) {
	q.mu.Lock()
	q.lost += lines
	all := q.lost
	q.mu.Unlock()
	q.untold += lines
	if now := q.now(); now.Sub(q.told) >= queueTold {
		q.told = now
		q.tell(q.untold, all)
		q.untold = 0
	}
}

// run writes what waits until no more will come.
func (q *lineQueue) run(w io.Writer) {
	defer close(q.ended)
	for {
		chunk := q.next()
		if chunk == nil {
			return
		}
		for rest := chunk; len(rest) > 0; {
			piece := rest[:pieceLen(rest)]
			if _, err := w.Write(piece); err != nil {
				q.fail(err)
				return
			}
			rest = rest[len(piece):]
			q.wrote(rest, len(piece))
		}
		q.mu.Lock()
		q.spare = chunk[:0]
		q.mu.Unlock()
	}
}

// pieceLen is how much of lines is written at once: those that a pipe takes whole
// together, or a longer one alone.
func pieceLen(lines []byte) int {
	if len(lines) <= atomicWrite {
		return len(lines)
	}
	if n := bytes.LastIndexByte(lines[:atomicWrite], '\n') + 1; n > 0 {
		return n
	}
	if n := bytes.IndexByte(lines, '\n') + 1; n > 0 {
		return n
	}
	return len(lines)
}

// next waits for a chunk, and returns nil where no more will come.
func (q *lineQueue) next() []byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.chunks) == 0 && !q.closed {
		q.changed.Wait()
	}
	if len(q.chunks) == 0 {
		return nil
	}
	q.rest = q.chunks[0]
	q.chunks[0] = nil
	q.chunks = q.chunks[1:]
	return q.rest
}

func (q *lineQueue) wrote(rest []byte, n int) {
	q.mu.Lock()
	q.rest = rest
	q.size -= n
	q.taken++
	q.mu.Unlock()
}

// fail keeps what was not written, for giveUp.
func (q *lineQueue) fail(err error) {
	q.mu.Lock()
	q.err = err
	q.mu.Unlock()
}

// Close says that no more will come. It does not wait: other outputs end meanwhile.
func (q *lineQueue) Close() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.started) > 0 && q.err == nil {
		q.put(q.started) // whoever wrote it left it so
		q.started = nil
	}
	q.closed = true
	q.changed.Signal()
	return q.err
}

// finish returns when all is written, when writing has failed, or when the reader has taken
// nothing for as long as patience says. Then it gives up: interrupt ends a write that does
// not return, and what was left is dropped, too. It returns how many lines were dropped in
// all, and why writing failed. over tells that nothing is being written any more.
func (q *lineQueue) finish(patience time.Duration, interrupt func() error) (lost uint64, over bool, err error) {
	over = q.wait(patience)
	if over {
		return q.lost, true, q.failed()
	}
	if interrupt() == nil {
		<-q.ended
		over = true
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, lines := range append(q.chunks, q.rest) {
		q.lost += uint64(bytes.Count(lines, []byte{'\n'}))
	}
	return q.lost, over, nil
}

// wait reports whether writing has ended; if not, the reader took nothing for that long.
func (q *lineQueue) wait(patience time.Duration) (ended bool) {
	for {
		before := q.progress()
		timer := time.NewTimer(patience)
		select {
		case <-q.ended:
			timer.Stop()
			return true
		case <-timer.C:
		}
		if q.progress() == before {
			return false
		}
	}
}

func (q *lineQueue) progress() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.taken
}
