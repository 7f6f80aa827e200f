package attach

import (
	"testing"
	"time"
)

// The probes go when they cost too much, come back when the servers do little, and come
// back later each time that this was in vain.
func TestPace(t *testing.T) {
	const second, stages = time.Second, 4 // for each query
	// Two processors and two hundredths: 40 ms a second, as many as 22,222 stages take.
	var p *pace
	var begun, read uint64
	run := func(queries int, d time.Duration) (changes []time.Duration) {
		t.Helper()
		for at := second; at <= d; at += second {
			before := p.away
			read += uint64(queries)
			if !before {
				begun += uint64(stages * queries)
			}
			if p.next(begun, read, second) != before {
				changes = append(changes, at)
			}
		}
		return changes
	}
	for _, c := range []struct {
		queries int
		away    bool
	}{{0, false}, {5000, false}, {5550, false}, {5560, true}, {100000, true}} {
		p, begun, read = newPace(0.02, 2), 0, 0
		run(c.queries, second)
		if p.away != c.away {
			t.Errorf("%d queries a second: away %v", c.queries, p.away)
		}
	}
	p, begun, read = newPace(0.02, 2), 0, 0
	run(20000, second)
	if run(20000, time.Hour); !p.away {
		t.Error("they came back while the server did as much")
	}
	if run(3000, time.Hour); !p.away {
		t.Error("they came back for what would be close to the limit")
	}
	if got := run(2500, time.Minute); len(got) != 1 || got[0] != leastPatience || p.away {
		t.Errorf("back after %v", got)
	}
	run(20000, second)
	if got := run(0, time.Minute); len(got) != 1 || got[0] != 2*leastPatience {
		t.Errorf("back after %v, the second time", got)
	}
	for range 9 { // one call that does much within, between which nothing is read
		begun += 1e6
		p.next(begun, read, second)
		run(0, mostPatience)
	}
	run(20000, second)
	if got := run(0, time.Hour); len(got) != 1 || got[0] != mostPatience {
		t.Errorf("back after %v, at last", got)
	}
	run(100, mostPatience)
	run(20000, second)
	if got := run(0, time.Hour); len(got) != 1 || got[0] != leastPatience {
		t.Errorf("back after %v, after a long time without", got)
	}
}

// The probes go as soon as a window's share is used up, and not for less, however it comes.
func TestPaceWindow(t *testing.T) {
	const tick = window / 5
	// 20 ms a window, as many as 11,111 stages take.
	for _, c := range []struct {
		name   string
		stages []uint64 // with each tick
		away   int      // after which tick; 0: never
	}{
		{"much at once", []uint64{11200}, 1},
		{"as much in two ticks", []uint64{5600, 5600}, 2},
		{"as much in one window", []uint64{2230, 2230, 2230, 2230, 2230}, 5},
		{"less, at once", []uint64{11000, 0, 0, 0, 0}, 0},
		{"again and again", []uint64{11000, 0, 0, 0, 0, 11000, 0, 0, 0, 0, 0, 0, 11000}, 0},
		{"more than the window before", []uint64{11000, 0, 0, 0, 0, 11200}, 6},
	} {
		p := newPace(0.02, 2)
		away, total := 0, uint64(0)
		for i, n := range c.stages {
			total += n
			if p.next(total, total/4, tick) && away == 0 {
				away = i + 1
				if p.perRead < 3.9 || p.perRead > 4.1 {
					t.Errorf("%s: %v stages for each read", c.name, p.perRead)
				}
			}
		}
		if away != c.away {
			t.Errorf("%s: away after tick %d, not %d", c.name, away, c.away)
		}
	}
}
