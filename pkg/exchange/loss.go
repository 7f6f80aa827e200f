package exchange

import "github.com/pgsniff/pgsniff/pkg/messages"

// lost are bytes of the frontend that are missing and belong to nobody yet: to
// the request before them, to the one after, or to one that they hold whole.
type lost struct {
	bytes  uint64
	holes  bool // and an unknown number more
	latest bool // no request was seen since
}

// to makes x the one that they belong to.
func (l *lost) to(x *Exchange) {
	x.LostBytes += l.bytes
	if l.holes {
		x.flags |= flagHoles
	}
	*l = lost{}
}

func (l *lost) add(n int) {
	if n < 0 {
		l.holes = true
	} else {
		l.bytes += uint64(n)
	}
}

// Lost tells that n bytes of a direction are missing at this place, between
// messages or with the heads of messages, n < 0 for an unknown number. What is
// being asked or answered is not complete. Bytes that are missing inside a
// message are told with it (Message.Lost).
func (l *Log) Lost(d messages.Direction, n int) {
	l.lossy = l.first + uint64(l.n) // the next one, too
	missing := lost{latest: true}
	missing.add(n)
	x := l.answered()
	switch {
	case d == messages.Backend:
		if x != nil { // else it was asynchronous, or startup's
			missing.to(x)
		}
	case x != nil && (x.Copy == CopyIn || x.Copy == CopyBoth):
		missing.to(x) // its data
	default:
		l.lost.add(n)
		l.lost.latest = true
	}
}

// answered returns the exchange that the next reply is for, nil if there is none.
func (l *Log) answered() *Exchange {
	for i := range min(l.n, maxLook) {
		if x := *l.slot(l.first + uint64(i)); x != nil && x.waiting() && x.flags&flagDiscarded == 0 {
			return x
		}
	}
	return nil
}

// blame finds whose bytes were lost before a request, which belongs to x.
func (l *Log) blame(x *Exchange, m *Message) {
	switch {
	case !l.lost.latest:
	case !m.Step.Begins:
		l.lost.to(x)
	case m.Kind == messages.KindBind || m.Kind == messages.KindDescribe || m.Kind == messages.KindExecute:
		l.lost.to(x) // what the unit began with, most likely
	default:
		l.lost.latest = false // a request of their own, which only its replies show
	}
}

// blameLatest is for the end: what was asked last may have been longer.
func (l *Log) blameLatest() {
	if !l.lost.latest || l.n == 0 {
		return
	}
	if x := *l.slot(l.first + uint64(l.n) - 1); x != nil && x.waiting() {
		l.lost.to(x)
	}
}
