package findings

const (
	// growth is how many times as often a finding has to have occurred to be told
	// again, and againAfter how long after the last time, in nanoseconds.
	growth     = 2
	againAfter = 10 * second
	// judgeEvery is how often what connections have collected is looked at while
	// they are open.
	judgeEvery = 5 * second
)

// told is what was said of an illness while the capture went on.
type told struct {
	severity Severity
	count    uint64
	at       int64
}

// judge advances to now, and looks at what open connections have collected.
func (e *Engine) judge(now int64) {
	e.advance(now)
	if now-e.judged < judgeEvery {
		return
	}
	e.judged = now
	for _, id := range sortedKeys(e.conns) {
		c := e.conns[id]
		e.judgeParses(c)
		e.judgePlans(c)
	}
}

// Current returns all findings as they are by now, of a capture that goes on.
func (e *Engine) Current(now int64) (list []Finding) {
	e.judge(now)
	for _, r := range e.results() {
		if r.d != nil { // or of the end only
			list = append(list, r.Finding)
		}
	}
	return list
}

// Take returns the findings that are new, or have grown, for a capture that goes
// on.
func (e *Engine) Take(now int64) (list []Finding) {
	e.judge(now)
	for _, r := range e.results() {
		if r.d == nil {
			continue // of the end only
		}
		t := e.told[r.d]
		switch {
		case t.at == 0:
		case r.Severity > t.severity:
		case r.Count >= growth*t.count && now-t.at >= againAfter:
		default:
			continue
		}
		r.Update = t.at != 0
		if e.told == nil {
			e.told = make(map[*draft]told)
		}
		e.told[r.d] = told{r.Severity, r.Count, max(now, 1)}
		list = append(list, r.Finding)
	}
	return list
}
