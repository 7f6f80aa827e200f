package stats

import (
	"slices"
	"sort"
)

// active adds up when connections had a query under way: for how long in all, and how
// many at once at most. Queries come when they have ended; what they take of a
// connection's time counts once, also where its client sent several without waiting.
type active struct {
	total  int64 // nanoseconds, of all connections together
	most   int
	ends   map[uint64]*int64 // when the latest query of each open connection ended
	latest uint64            // the connection of the latest query
	end    *int64            // its entry

	// recent are stretches in order of their ends, so that those that come a little
	// late find their place; once there are too many, the first go to peaks.
	recent []stretch
	peaks  []peak
	first  int // active connections at the first peak, which are the most
	last   int // and at the last
}

// stretch is from when to when a connection had queries under way.
type stretch struct{ from, to int64 }

// peak is a moment, just before the end of a stretch, at which so many connections were
// active as at the peak before it, without less. That is at least one: a peak that is not
// below the one before it makes that superfluous, since each stretch that comes covers
// the latest moments. There are never more peaks than connections were active at once.
type peak struct {
	at   int64
	less int // of the first one: nothing
}

// maxRecent is how many stretches wait. Between the end of a query and its record are
// some messages of other connections, not hundreds.
const maxRecent = 256

func (a *active) add(conn uint64, from, to int64) {
	end := a.end
	if end == nil || a.latest != conn {
		if end = a.ends[conn]; end == nil {
			if a.ends == nil {
				a.ends = make(map[uint64]*int64)
			}
			end = new(int64)
			a.ends[conn] = end
		}
		a.latest, a.end = conn, end
	}
	from = max(from, *end)
	if from > to || *end == to {
		return // it was active then
	}
	*end = to
	a.total += to - from
	from = min(from, to-1) // what took no time was there nevertheless
	a.recent = append(a.recent, stretch{from, to})
	for i := len(a.recent) - 1; i > 0 && a.recent[i-1].to > to; i-- {
		a.recent[i-1], a.recent[i] = a.recent[i], a.recent[i-1]
	}
	if len(a.recent) == maxRecent {
		a.settle(maxRecent / 2)
	}
}

// leave forgets a connection that is over.
func (a *active) leave(conn uint64) {
	delete(a.ends, conn)
	if a.latest == conn {
		a.end = nil
	}
}

// settle takes the first n of recent into peaks.
func (a *active) settle(n int) {
	for _, s := range a.recent[:n] {
		a.cover(s)
	}
	a.recent = a.recent[:copy(a.recent, a.recent[n:])]
}

// cover counts a stretch at the peaks that are in it, and makes one of its end.
func (a *active) cover(s stretch) {
	from, to := len(a.peaks), len(a.peaks)
	if from > 0 && a.peaks[from-1].at > s.from {
		from = sort.Search(from, func(i int) bool { return a.peaks[i].at > s.from })
	}
	if to > 0 && a.peaks[to-1].at > s.to { // it came too late
		to = sort.Search(to, func(i int) bool { return a.peaks[i].at > s.to })
		if from < to {
			a.peaks[to].less++
		}
	}
	if from < to {
		if to == len(a.peaks) {
			a.last++
		}
		if from == 0 {
			a.first++
		} else if a.peaks[from].less--; a.peaks[from].less == 0 {
			a.peaks[from].less = a.peaks[from-1].less
			a.peaks = append(a.peaks[:from-1], a.peaks[from:]...)
		}
	}
	a.push(s.to)
	a.most = max(a.most, a.first)
}

// push adds a peak with one active connection, unless there is a later one, or another of
// the same moment.
func (a *active) push(at int64) {
	n := len(a.peaks)
	switch {
	case n == 0:
		a.peaks, a.first = append(a.peaks, peak{at: at}), 1
	case a.peaks[n-1].at >= at:
		return
	case a.last <= 1:
		a.peaks[n-1].at = at
	default:
		a.peaks = append(a.peaks, peak{at, a.last - 1})
	}
	a.last = 1
}

// report returns the sums of what came until now; what waits goes on waiting.
func (a *active) report() (total int64, most int) {
	now := active{most: a.most, peaks: slices.Clone(a.peaks), first: a.first, last: a.last}
	for _, s := range a.recent {
		now.cover(s)
	}
	return a.total, now.most
}
