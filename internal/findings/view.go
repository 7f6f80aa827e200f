package findings

import (
	"time"

	"github.com/spf13/pflag"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sink"
)

// View is the row of the registry for --view findings.
var View = sink.View{
	Name: "findings", Help: "what is wrong, what it costs and what to do",
	Setup: func(*pflag.FlagSet) sink.OpenView {
		return func(env *sink.Env, out sink.Sink) (sink.Sink, error) {
			r := NewReporter(env, func(f *Finding) { out.Record(&Record{Finding: *f, Verbose: env.Verbose}) })
			if env.Pretty {
				r.close = func(c *Conclusion) { out.Record(c) }
			}
			return r, nil
		}
	},
}

// Reporter is the sink that tells findings: at the end, and where it is asked to,
// while the capture goes on.
type Reporter struct {
	Feed
	tell  func(*Finding)
	close func(*Conclusion) // nil where nobody reads it
	every time.Duration
}

// liveCheck is how often findings are looked for while packets come.
const liveCheck = time.Second

// NewReporter returns one that tells tell.
func NewReporter(env *sink.Env, tell func(*Finding)) *Reporter {
	r := &Reporter{Feed: *NewFeed(), tell: tell, every: env.Every}
	if env.Live && r.every == 0 {
		r.every = liveCheck
	}
	return r
}

// Wants is what the engine has to be told.
func (r *Reporter) Wants() sink.Wants {
	w := Wants()
	w.Tick = int64(r.every)
	return w
}

// Tick tells what is new or has grown.
func (r *Reporter) Tick(now int64) {
	for _, f := range r.Take(now) {
		r.tell(&f)
	}
}

// End tells all findings, worst first.
func (r *Reporter) End(*record.Totals) error {
	list := r.Finish()
	for i := range list {
		r.tell(&list[i])
	}
	if r.close != nil {
		r.close(r.conclude(list))
	}
	return nil
}
