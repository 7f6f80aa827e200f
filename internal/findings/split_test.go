package findings_test

import (
	"testing"

	"github.com/pgsniff/pgsniff/internal/findings"
)

// TestSplit looks where the time of slow queries went, in captures of which that is
// known: who waits for a lock, in a pooler, or for its own reading.
func TestSplit(t *testing.T) {
	for name, c := range map[string]struct {
		main  func(p *findings.Split) int64 // the part that is most of it
		share float64
	}{
		"pooler_queue_slow":      {func(p *findings.Split) int64 { return p.QueueNS }, 0.5},
		"mixed_three":            {func(p *findings.Split) int64 { return p.LockNS }, 0.9},
		"lock_wait_hot_row":      {func(p *findings.Split) int64 { return p.LockNS }, 0.9},
		"slow_consumer_psycopg3": {func(p *findings.Split) int64 { return p.ClientNS }, 0.3},
	} {
		found := false
		for _, f := range diagnose(packets(t, "illness/"+name+".pcap.xz"), 1, nil) {
			if f.Code != "slow_query" {
				for _, x := range f.Evidence {
					if x.Split != nil {
						t.Errorf("%s: %s has a split", name, f.Code)
					}
				}
				continue
			}
			found = true
			var all, main int64
			for i, x := range f.Evidence {
				p := x.Split
				if p == nil {
					t.Fatalf("%s: no split of %q", name, x.Text)
				}
				for _, ns := range []int64{p.ServerNS, p.LockNS, p.QueueNS, p.NetworkNS, p.ClientNS, p.SendingNS} {
					if ns < 0 {
						t.Errorf("%s: %+v", name, *p)
					}
					all += ns
				}
				if i == 0 {
					main = c.main(p)
					if whole := all; float64(main) < c.share*float64(whole) {
						t.Errorf("%s: the slowest: %+v", name, *p)
					}
				}
			}
			if all > f.Cost.TimeNS || all < f.Cost.TimeNS/2 {
				t.Errorf("%s: the parts are %d ns of %d", name, all, f.Cost.TimeNS)
			}
		}
		if !found {
			t.Errorf("%s: no slow query", name)
		}
	}
}
