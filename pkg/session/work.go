package session

import (
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// work finds the exchange that a server was working at. The server works at what it
// has read, one request after the other, and reads again when all of it is done; so
// where all that a read brought belongs to one exchange, that is it. Of what came
// with others in one read nothing is told.
type work struct {
	read  uint64 // bytes of the frontend so far
	next  uint64 // number that the next exchange had before the latest read
	open  bool   // requests of the exchange before could still come
	large bool   // the latest read is more than a server takes at once
	// doubtful tells that bytes were lost, and no exchange after lossy, the next one
	// then, has left the session idle since.
	doubtful bool
	lossy    uint64
	some     bool // there was a read since reads was written to
	reads    [keptReads]read
	last     int // of reads
}

// read is a run of reads whose requests belong to one exchange.
type read struct {
	from, to uint64 // work.read after the first and the last of them
	sole     uint64 // the exchange; 0: several
}

// keptReads is how many are remembered: during a COPY, a server is at work on what it
// read before, and clients may send ahead.
const keptReads = 4

// serverRead is the most that a server reads at once, in bytes (PQ_RECV_BUFFER_SIZE of
// src/backend/libpq/pqcomm.c).
const serverRead = 8 << 10

// Reads tells, before Data or Plaintext, that the server read n bytes from its client
// in one piece, which come next.
func (s *Session) Reads(n int) {
	if s.work == nil {
		s.work = new(work)
	}
	w := s.work
	w.settle(s.log)
	if w.doubtful && s.log.Next() > w.lossy && s.log.Quiet() && s.tracker.Phase(messages.Frontend) == messages.PhaseReady {
		w.doubtful = false
	}
	w.read += uint64(n)
	w.next, w.open, w.large, w.some = s.log.Next(), s.log.Unfinished(), n > serverRead, true
}

// MissedRead is Reads for n bytes that the server read and that will not come, n < 0 for
// an unknown number.
func (s *Session) MissedRead(n int64) {
	s.Reads(int(max(n, 0)))
	s.work.doubtful, s.work.lossy = true, s.log.Next()
}

// settle finds out which exchange the latest read was for.
func (w *work) settle(log *exchange.Log) {
	if !w.some {
		return
	}
	w.some = false
	next := log.Next()
	sole, n := w.next, next-w.next
	if w.open {
		sole, n = w.next-1, n+1
	}
	if n == 0 {
		return // it was for none, such as data of a COPY
	}
	if n > 1 || w.large || w.doubtful {
		sole = 0
	}
	if r := &w.reads[w.last]; sole != 0 && r.sole == sole {
		r.to = w.read
		return
	}
	w.last = (w.last + 1) % keptReads
	w.reads[w.last] = read{from: w.read, to: w.read, sole: sole}
}

// Worked tells what the server's work took on what it had read when that were after
// bytes. failed tells that an error ended it. What is not certain to belong to one
// exchange is left out.
func (s *Session) Worked(after uint64, t *exchange.ServerTimes, failed bool) {
	w := s.work
	if w == nil || s.over {
		return
	}
	w.settle(s.log)
	for i := range w.reads {
		r := &w.reads[i]
		if r.sole == 0 || after < r.from || after > r.to {
			continue
		}
		if x := s.log.Find(r.sole); x != nil && (!failed || x.Error != nil) {
			x.Worked(t)
		}
		return
	}
}
