package exchange

// ServerTimes is what a server's work on an exchange took as the server itself sees it,
// in nanoseconds: sums over all of its commands, 0 for what was not done or is not known.
// It does not change once the exchange is over.
type ServerTimes struct {
	Parse   int64 // of the text
	Rewrite int64 // analysis and rewriting
	Plan    int64
	Execute int64
	// LockWait is what it waited for locks of the database, within the others or
	// between them; Longest is the longest wait told at once, Lock what that was for.
	LockWait, Longest int64
	Lock              string
}

// Worked adds to what the server's work on the exchange took.
func (x *Exchange) Worked(t *ServerTimes) {
	s := x.Server
	if s == nil {
		x.Server = t
		return
	}
	s.Parse += t.Parse
	s.Rewrite += t.Rewrite
	s.Plan += t.Plan
	s.Execute += t.Execute
	s.LockWait += t.LockWait
	if t.Longest > s.Longest {
		s.Longest, s.Lock = t.Longest, t.Lock
	}
}

// Next is the number that the next exchange will have; the first has 1.
func (l *Log) Next() uint64 { return max(1, l.first+uint64(l.n)) }

// Unfinished reports whether requests of the latest exchange may still come.
func (l *Log) Unfinished() bool {
	if l.n == 0 {
		return false
	}
	x := *l.slot(l.Next() - 1)
	return x != nil && x.Protocol == ProtocolExtended && x.flags&(flagExecuted|flagSynced) != flagExecuted|flagSynced
}

// Quiet reports whether no exchange is open.
func (l *Log) Quiet() bool { return l.n == 0 }
