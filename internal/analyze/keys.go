package analyze

import "github.com/pgsniff/pgsniff/pkg/reassembly"

// Keys calls load, which adds secrets to the key log that the sessions use, at
// this place in the order of the packets, and has what waited for them
// decrypted. With several workers load is called from another goroutine.
func (a *Analyzer) Keys(load func()) { a.out.keys(load, 0) }

// PollKeys has the connections whose keys were not there look again: for key
// logs that grow while nothing else happens. now is the time in nanoseconds since
// the epoch.
func (a *Analyzer) PollKeys(now int64) { a.out.keys(nil, now) }

func (t *sessions) keys(load func(), now int64) {
	if load != nil {
		load()
	}
	t.shared.PollTLS(now)
}

func (p *pipe) keys(load func(), now int64) {
	p.place(eventKeys, reassembly.Stamp{}).n = now
	p.cur.loads = append(p.cur.loads, load)
}
