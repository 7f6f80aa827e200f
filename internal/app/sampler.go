package app

import (
	"fmt"
	"math"
	"sync/atomic"

	"github.com/spf13/cobra"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sampling"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// choiceFlags say which queries are told one by one.
type choiceFlags struct {
	sample    uint32
	maxCPU    int // percent of one processor; 0: no cap
	maxMemory int // MiB; 0: no cap
}

func (f *choiceFlags) add(cmd *cobra.Command) {
	cmd.Flags().Uint32Var(&f.sample, "sample", 1, "tell of queries that neither failed nor were slow 1 of `N`; stats and metrics count all")
}

// addCaps adds the flags for runs that go on for long.
func (f *choiceFlags) addCaps(cmd *cobra.Command) {
	cmd.Flags().IntVar(&f.maxCPU, "max-cpu", 0, "tell of fewer queries rather than take more than `PERCENT` of one processor; 0: no cap")
	cmd.Flags().IntVar(&f.maxMemory, "max-memory", 0, "tell of fewer queries rather than take more than `N` MiB of memory; 0: no cap")
}

// leastMemory is the MiB below which there is nothing left to save.
const leastMemory = 32

func (f *choiceFlags) check() error {
	switch {
	case f.maxCPU < 0:
		return usageError("--max-cpu %d: must not be negative", f.maxCPU)
	case f.maxMemory < 0 || f.maxMemory > 0 && f.maxMemory < leastMemory:
		return usageError("--max-memory %d: must be 0 or at least %d MiB", f.maxMemory, leastMemory)
	}
	return nil
}

// caps reports whether there is a cap.
func (f *choiceFlags) caps() bool { return f.maxCPU > 0 || f.maxMemory > 0 }

// wanted reports whether not all queries may be told.
func (f *choiceFlags) wanted() bool { return f.sample > 1 || f.caps() }

// checkChoice refuses a choice among queries where messages are told one by one.
func (f *choiceFlags) checkChoice(specs []outputSpec) error {
	if !f.wanted() {
		return nil
	}
	for i := range specs {
		if specs[i].view("messages") || specs[i].format == "pqtrace" {
			return usageError("--sample, --max-cpu and --max-memory choose among queries: --view queries, not messages")
		}
	}
	return nil
}

// shedSteps are what is given up, in this order, where a cap is reached: how many times
// fewer of the queries are told that neither failed nor were slow, all of these, and
// the others.
var shedSteps = [...]struct {
	times uint64
	text  string
}{
	{1, "all detail is told again"},
	{10, "of queries that neither failed nor were slow, a tenth is told"},
	{100, "of queries that neither failed nor were slow, a hundredth is told"},
	{sampling.None, "only queries that failed or were slow are told"},
	{0, "no query is told; all are counted"},
}

// sampler chooses which queries are told, before all outputs.
type sampler struct {
	session.Handler
	choice sampling.Choice
	normal record.Normalizer
	sample atomic.Uint32
	step   atomic.Int32 // of shedSteps
	always bool         // there is a choice, though it be all
	at     int32        // the step that choice has
	of     uint32       // the sample that choice has
	shed   atomic.Uint64
}

func newSampler(f *choiceFlags) *sampler {
	s := new(sampler)
	s.set(f)
	return s
}

func (s *sampler) set(f *choiceFlags) {
	s.sample.Store(f.sample)
	s.always = f.wanted()
}

// Exchange decides whether a query is told, and hands it on.
func (s *sampler) Exchange(c *session.Session, x *exchange.Exchange) {
	record.SetSampled(c, s.decide(x))
	s.Handler.Exchange(c, x)
}

func (s *sampler) decide(x *exchange.Exchange) record.Sampled {
	if !s.always {
		return record.Sampled{}
	}
	step, sample := s.step.Load(), s.sample.Load()
	if step != s.at || sample != s.of {
		s.at, s.of = step, sample
		rate := max(uint64(sample), 1)
		if times := shedSteps[step].times; times == sampling.None {
			rate = times
		} else {
			rate *= max(times, 1)
		}
		s.choice.SetRate(min(rate, sampling.None))
	}
	if shedSteps[step].times == 0 {
		s.shed.Add(1)
		return record.Sampled{LeftOut: true}
	}
	var fingerprint uint64
	if n := s.normal.Of(x); n != nil {
		fingerprint = n.Hash
	}
	duration, ok := x.Duration()
	if !ok {
		duration = record.Unknown
	}
	rate := s.choice.Rate(fingerprint, duration, x.Error != nil)
	if rate == sampling.LeftOut {
		s.shed.Add(1)
		return record.Sampled{LeftOut: true}
	}
	return record.Sampled{Rate: uint32(min(rate, math.MaxUint32))}
}

// tellLeftOut says how many queries were counted and not told.
func (r *run) tellLeftOut() {
	if s := r.agent.sampler; s != nil && s.shed.Load() > 0 {
		fmt.Fprintf(r.env.Err, "pgsniff: of the queries, %d are in the sums alone (sample_rate says how many a query stands for)\n", s.shed.Load())
	}
}
