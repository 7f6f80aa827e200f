package attach

import "time"

// pace decides whether the probes of the stages of servers' work are to be where they
// are, by what they cost: each enters the kernel, and a server that does many short
// queries comes to several for each of them.
type pace struct {
	limit float64 // what they may cost, in ns of a processor's time for each second
	away  bool
	// perRead is how often a stage began for each read of a server, when they were taken
	// away: by that the reads tell what they would cost.
	perRead      float64
	stages, read uint64 // totals of the time before
	// What was done while they were there, since span ago: they are taken away as soon as
	// it came to what a window may, and otherwise it begins anew after that.
	begun, reads float64
	span         time.Duration
	// calm is for how long they would have cost little, patience how long that has to be
	// before they are put back; it grows each time that they were in vain.
	calm, patience, held time.Duration
}

const (
	// stageCost is what the two probes of a stage cost, in ns: twice what entering the
	// kernel takes, the programs, and a stage's part of telling. Beside pgbench -S, four
	// stages a query, two busy processors took 7.0 µs more for each with them.
	stageCost = 1800
	// window is for how long more than the limit may be done, as long as it is less for all
	// of it.
	window = 500 * time.Millisecond
	// enough is the part of the limit below which they are put back.
	enough = 0.5
)

// The shortest and the longest patience; who kept to the limit for the longest begins
// anew. Variables for tests.
var (
	leastPatience = 5 * time.Second
	mostPatience  = 80 * time.Second
)

func newPace(share float64, processors int) *pace {
	return &pace{limit: share * float64(processors) * 1e9, patience: leastPatience}
}

// next takes the totals of stages that began and of reads after another while. It reports
// whether the probes are to be away from now on.
func (p *pace) next(stages, reads uint64, d time.Duration) (away bool) {
	begun, read := float64(stages-p.stages), float64(reads-p.read)
	p.stages, p.read = stages, reads
	if !p.away {
		p.held += d
		if p.held >= mostPatience {
			p.patience = leastPatience
		}
		p.begun, p.reads, p.span = p.begun+begun, p.reads+read, p.span+d
		if p.begun*stageCost > p.limit*max(p.span, window).Seconds() {
			p.away, p.calm, p.held = true, 0, 0
			p.perRead = p.begun / max(p.reads, 1)
		}
		if p.away || p.span >= window {
			p.begun, p.reads, p.span = 0, 0, 0
		}
		return p.away
	}
	if p.calm += d; read*p.perRead*stageCost > p.limit*enough*d.Seconds() {
		p.calm = 0
	}
	if p.calm >= p.patience {
		p.away, p.held, p.patience = false, 0, min(2*p.patience, mostPatience)
	}
	return p.away
}
