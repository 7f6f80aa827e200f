package replication

import "github.com/pgsniff/pgsniff/pkg/messages"

// Stage is how far the client of a replication connection is.
type Stage uint8

// The stages that a standby status update tells.
const (
	StageWrite Stage = iota
	StageFlush
	StageApply
	NumStages
)

var stageNames = [NumStages]string{"write", "flush", "apply"}

func (s Stage) String() string { return stageNames[s] }

// maxSent bounds the positions whose times wait for an answer. An answer comes
// every ten seconds at the latest (wal_receiver_status_interval); beyond the bound
// every second position is dropped, so that times are told to within less than a
// hundredth of the way.
const maxSent = 1024

// Lag follows how far the client of one connection is behind the server, on the
// clock of the capture. The zero value is ready.
//
// Bytes are bytes of WAL, whatever of it concerns the client: a server that sends
// keepalives to an idle slot is ahead of it in bytes and not in time.
type Lag struct {
	sent    []sample // ring: as long as was needed so far, in powers of two
	head    int      // oldest
	n       int
	spacing uint64 // positions passed over between two samples
	skipped uint64
	stages  [NumStages]stage

	// Sent is the position up to which WAL was sent, End that up to which the
	// server has it, both as told; 0 if not known.
	Sent, End LSN
	// Acknowledged tells that a status update was seen.
	Acknowledged bool
}

type sample struct {
	lsn  LSN
	time int64
}

type stage struct {
	lsn  LSN
	last int64 // latest lag
	has  bool
}

// Sample is what one status update tells of one stage.
type Sample struct {
	Stage Stage
	LSN   LSN
	// Bytes is what had been sent and was not yet at the stage.
	Bytes uint64
	// Time is how long the newest position that the stage has passed was on its
	// way, in nanoseconds; only if HasTime: not where the stage did not move, or
	// when the position was sent is not known.
	Time    int64
	HasTime bool
}

// Report is what a status update tells, by stage.
type Report [NumStages]Sample

// Observe takes each message outside of a base backup with its time, in
// nanoseconds. ok is true for a status update.
func (l *Lag) Observe(m *Meaning, outer Message, at int64) (r Report, ok bool) {
	switch msg := outer.(type) {
	case *WALData:
		end := msg.Start
		if m.Mode != ModeLogical {
			end += LSN(m.Size)
		}
		l.sentTo(end, at)
		l.End = max(l.End, msg.End, end)
	case *PrimaryKeepalive:
		l.End = max(l.End, msg.End)
	case *PrimaryStatusUpdate:
		l.End = max(l.End, msg.Write)
	case *StandbyStatusUpdate:
		return l.status(msg, at), true
	}
	return r, false
}

// Lost tells that messages of a direction may be missing: when positions were sent
// is then not known.
func (l *Lag) Lost(d messages.Direction) {
	if d == messages.Backend {
		l.forget()
	}
}

func (l *Lag) forget() {
	l.head, l.n, l.spacing, l.skipped = 0, 0, 0, 0
}

// Restart tells of a new START_REPLICATION.
func (l *Lag) Restart() { *l = Lag{sent: l.sent} }

func (l *Lag) at(i int) *sample { return &l.sent[(l.head+i)&(len(l.sent)-1)] }

func (l *Lag) sentTo(lsn LSN, at int64) {
	if lsn <= l.Sent && l.Sent != 0 {
		return // a piece of a message of the same position
	}
	l.Sent = lsn
	if l.skipped < l.spacing {
		l.skipped++
		return
	}
	l.skipped = 0
	if l.n == maxSent {
		l.release()
	}
	if l.n == len(l.sent) && l.n < maxSent {
		l.grow()
	}
	if l.n == maxSent {
		l.thin()
	}
	*l.at(l.n) = sample{lsn, at}
	l.n++
}

// grow doubles the ring: many connections stand still, and each has one.
func (l *Lag) grow() {
	const first = 8
	sent := make([]sample, max(2*len(l.sent), first))
	for i := range l.n {
		sent[i] = *l.at(i)
	}
	l.sent, l.head = sent, 0
}

// thin drops every second sample.
func (l *Lag) thin() {
	l.n = (l.n + 1) / 2
	for i := range l.n {
		*l.at(i) = *l.at(2 * i)
	}
	l.spacing = 2*l.spacing + 1
}

func (l *Lag) status(m *StandbyStatusUpdate, at int64) (r Report) {
	l.Acknowledged = true
	for i, lsn := range [NumStages]LSN{m.Write, m.Flush, m.Apply} {
		s := &l.stages[i]
		r[i] = Sample{Stage: Stage(i), LSN: lsn}
		if l.Sent > lsn {
			r[i].Bytes = uint64(l.Sent - lsn)
		}
		if lsn <= s.lsn {
			continue
		}
		if t, ok := l.passed(s.lsn, lsn); ok {
			r[i].Time, r[i].HasTime = at-t, true
			s.last, s.has = at-t, true
		}
		s.lsn = lsn
	}
	return r
}

// passed returns when the newest position after from and up to to was sent. It is
// found by halving: positions only grow.
func (l *Lag) passed(from, to LSN) (at int64, ok bool) {
	low, high := 0, l.n
	for low < high {
		mid := (low + high) / 2
		if l.at(mid).lsn <= to {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low == 0 || l.at(low-1).lsn <= from {
		return 0, false
	}
	return l.at(low - 1).time, true
}

// release drops the samples that all stages have passed. A stage of which nothing
// was ever told (0), as applying to a client that only stores WAL, is not waited
// for.
func (l *Lag) release() {
	done := LSN(0)
	for i := range l.stages {
		if p := l.stages[i].lsn; p != 0 && (done == 0 || p < done) {
			done = p
		}
	}
	for l.n > 0 && l.at(0).lsn <= done {
		l.head = (l.head + 1) & (len(l.sent) - 1)
		l.n--
	}
	if l.n < maxSent/4 {
		l.spacing, l.skipped = 0, 0
	}
}

// Position returns the latest position of a stage, 0 if none was told.
func (l *Lag) Position(s Stage) LSN { return l.stages[s].lsn }

// Latest returns the latest lag of a stage in nanoseconds, and whether there was
// one.
func (l *Lag) Latest(s Stage) (ns int64, ok bool) { return l.stages[s].last, l.stages[s].has }

// Waiting returns since when the oldest position that a stage has not passed is
// on its way; ok is false where there is none: the client has all that was sent
// and the slot is idle.
func (l *Lag) Waiting(s Stage) (since int64, ok bool) {
	for low, high := 0, l.n; low < high; {
		mid := (low + high) / 2
		if l.at(mid).lsn > l.stages[s].lsn {
			high = mid
		} else {
			low = mid + 1
		}
		if low == high && low < l.n {
			return l.at(low).time, true
		}
	}
	return 0, false
}
