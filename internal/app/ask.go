package app

import "fmt"

// ask has the totals so far written to standard error, after the packets so far. It
// may be called from any goroutine.
func (r *run) ask() { r.asked.Store(true) }

// answer does what was asked for since the last packet.
func (r *run) answer() {
	if !r.asked.Swap(false) {
		return
	}
	if f := r.opt.hooks.asked; f != nil && f(r) {
		return
	}
	counts := r.analyzer.Counts // of now, not of when the sessions get there
	counts.Ports = nil
	r.analyzer.Do(func() {
		fmt.Fprintf(r.env.Err, "pgsniff: so far %s\n", r.totalsText(&counts, "ended connection"))
	})
}
