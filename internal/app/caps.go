package app

import (
	"fmt"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"time"
)

const (
	// capTime is how often it is looked whether a cap holds.
	capTime = 2 * time.Second
	// calm is how many times in a row there has to be room before more is told again.
	calm = 5
	// roomCPU and roomMemory are the parts in a hundred of a cap below which there is
	// room. Garbage takes what memory there is: what counts is what lives.
	roomCPU, roomMemory, fullMemory = 60, 60, 80
)

// governor keeps a run below its caps.
type governor struct {
	r      *run
	caps   choiceFlags
	before time.Duration // of the processor
	at     time.Time
	calm   int
}

// govern has the caps kept until the function that it returns is called.
func (r *run) govern() (end func()) {
	f := r.opt.choice
	if !f.caps() || r.agent.sampler == nil {
		return func() {}
	}
	if f.maxMemory > 0 {
		debug.SetMemoryLimit(int64(f.maxMemory) << 20)
	}
	g := &governor{r: r, caps: f, before: cpuTime(), at: time.Now()}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		clock := time.NewTicker(capTime)
		defer clock.Stop()
		for {
			select {
			case <-done:
				return
			case now := <-clock.C:
				used := cpuTime()
				g.look(percent(used-g.before, now.Sub(g.at)), liveMemory())
				g.before, g.at = used, now
			}
		}
	}()
	var once sync.Once
	return func() {
		once.Do(func() { close(done) })
		<-ended
		if f.maxMemory > 0 {
			debug.SetMemoryLimit(memoryLimit)
		}
	}
}

func percent(part, whole time.Duration) int { return int(100 * part / max(whole, 1)) }

// liveMemory is the bytes that were reachable when the collector was last through.
func liveMemory() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}

// look gives up detail where a cap is exceeded, and takes it back when there has been
// room for a while. It says so, with -q, too: something is missing.
func (g *governor) look(cpu int, memory uint64) {
	limit := uint64(g.caps.maxMemory) << 20
	overCPU := g.caps.maxCPU > 0 && cpu > g.caps.maxCPU
	overMemory := limit > 0 && memory > limit/100*fullMemory
	room := (g.caps.maxCPU == 0 || cpu < g.caps.maxCPU*roomCPU/100) && (limit == 0 || memory < limit/100*roomMemory)
	s := g.r.agent.sampler
	step := s.step.Load()
	why := ""
	switch {
	case overCPU || overMemory:
		g.calm = 0
		if step++; int(step) == len(shedSteps) {
			return
		}
		why = fmt.Sprintf("%d %% of a processor, --max-cpu %d", cpu, g.caps.maxCPU)
		if !overCPU {
			why = fmt.Sprintf("%d MiB of memory, --max-memory %d", memory>>20, g.caps.maxMemory)
		}
	case room && step > 0:
		if g.calm++; g.calm < calm {
			return
		}
		g.calm = 0
		step--
		why = "there is room"
	default:
		g.calm = 0
		return
	}
	s.step.Store(step)
	fmt.Fprintf(g.r.env.Err, "pgsniff: %s: %s; %d in the sums alone so far\n", why, shedSteps[step].text, s.shed.Load())
}
