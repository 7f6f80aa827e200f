package app

import (
	"sync/atomic"

	"github.com/pgsniff/pgsniff/internal/analyze"
	"github.com/pgsniff/pgsniff/internal/netfacts"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// agent is what a run has that goes on for weeks: a configuration that is read again,
// and a choice of what is told.
type agent struct {
	reloads bool // the filters and outputs may be others after a SIGHUP
	hup     atomic.Bool
	running *parsed // what counts now; nil until it was read again
	list    *fanned // the handlers of the outputs
	slots   int     // of outputs so far
	network bool    // network facts are told
	sampler *sampler
}

// newAgent looks at what is chosen among queries, and whether the configuration may be
// read again.
func newAgent(choice *choiceFlags, reloads bool) *agent {
	a := &agent{reloads: reloads}
	if choice.wanted() || reloads {
		a.sampler = newSampler(choice)
	}
	return a
}

// inStep tells that outputs change between two packets.
func (a *agent) inStep() bool { return a.reloads }

// reloadable returns the handler of outputs that may change. It gets all that any output
// might want.
func (r *run) reloadable(cfg *session.Config, limits *exchange.Limits) session.Handler {
	a := r.agent
	a.list, a.slots = new(fanned), len(r.outputs)
	a.list.to(r.outputs)
	r.counts = &a.list.counts
	cfg.Messages = true
	cfg.OnError = func(e *session.Event) {
		for _, out := range r.outputs {
			if out.stats != nil {
				out.stats.failure(e)
			}
		}
	}
	limits.NoParameters, limits.NoColumns = false, false
	for p := range r.parts() {
		a.network = a.network || p.adapter.WantsNetwork()
		p.adapter.Configure(p.adapter, cfg, limits)
	}
	return a.list
}

// networkOf tells the network's doings to outputs that may change.
func (r *run) networkOf() func(*netfacts.Event) {
	if !r.agent.network {
		return nil
	}
	fact := new(netfacts.Record)
	return func(e *netfacts.Event) {
		fact.Event = *e
		for p := range r.parts() {
			p.adapter.Network(fact)
		}
	}
}

// tickAll ticks outputs that may change.
func (r *run) tickAll(t analyze.Tick) {
	r.count(t)
	for _, out := range r.outputs {
		if out.sink == nil {
			continue
		}
		if every := out.sink.Wants().Tick; every > 0 && t.End >= out.due {
			out.due = t.End + every
			out.sink.Tick(t.End)
		}
	}
}
