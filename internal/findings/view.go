package findings

import (
	"slices"
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
			var forms []form // of the findings that are told next
			left := 0
			r := NewReporter(env, func(f *Finding) {
				x := &Record{Finding: *f, Verbose: env.Verbose, width: env.Width}
				if len(forms) > 0 {
					x.form, forms = forms[0], forms[1:]
				}
				if x.form != formNone {
					out.Record(x)
				} else {
					left++
				}
			})
			if env.Pretty {
				if env.Width > 0 && !env.Verbose {
					r.before = func(list []Finding) { forms = arrange(list, env.Width) }
				}
				r.close = func(c *Conclusion) {
					c.left = left
					out.Record(c)
				}
			}
			return r, nil
		}
	},
}

// Reporter is the sink that tells findings: at the end, and where it is asked to,
// while the capture goes on.
type Reporter struct {
	Feed
	tell func(*Finding)
	// before is told of the last findings before each is told; close of how many there
	// are. Both are nil where nobody reads it.
	before func([]Finding)
	close  func(*Conclusion)
	every  time.Duration
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

// End tells the findings, worst first, but for those that were told as they are.
func (r *Reporter) End(*record.Totals) error {
	list := r.Finish()
	all := r.conclude(list)
	list = slices.DeleteFunc(list, func(f Finding) bool { return f.told })
	if r.before != nil {
		r.before(list)
	}
	for i := range list {
		r.tell(&list[i])
	}
	if r.close != nil {
		r.close(all)
	}
	return nil
}
