package app

import (
	"fmt"
	"sync"
	"time"

	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/internal/pcapngw"
)

// watchDrops reports packets that the kernel drops as it does so, beside the loop that
// takes packets: where nobody reads the output, that one stands still, and then they are
// dropped. The returned function ends it.
func (r *run) watchDrops(every time.Duration) (end func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		clock := time.NewTicker(every)
		defer clock.Stop()
		for {
			select {
			case <-done:
				return
			case <-clock.C:
				r.tellDrops()
			}
		}
	}()
	var once sync.Once
	return func() {
		once.Do(func() { close(done) })
		<-ended
	}
}

// tellDrops reports the packets that the kernel dropped since the last time, and
// returns what it counts. Not even -q hides a loss.
func (r *run) tellDrops() (list []capture.LiveStats) {
	l := r.live
	l.counting.Lock()
	defer l.counting.Unlock()
	var sum uint64
	for i := range l.Interfaces() {
		list = append(list, l.Stats(i))
		sum += list[i].Dropped
	}
	if n := sum - l.dropped.Load(); n > 0 {
		fmt.Fprintf(r.env.Err, "pgsniff: the kernel dropped %s (%d in all): a larger --buffer-size or a narrower -f helps\n",
			plural(n, "packet"), sum)
	}
	l.dropped.Store(sum)
	return list
}

// countDrops is tellDrops, and has the counts written with the packets.
func (r *run) countDrops() {
	for i, s := range r.tellDrops() {
		r.keep.statistics(i, pcapngw.Statistics{Received: s.Received, KernelDropped: s.Dropped})
	}
}
