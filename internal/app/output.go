package app

import (
	"errors"
	"io"
	"os"
	"time"

	"github.com/pgsniff/pgsniff/internal/analyze"
	"github.com/pgsniff/pgsniff/internal/changes"
	"github.com/pgsniff/pgsniff/internal/netfacts"
	"github.com/pgsniff/pgsniff/internal/pooler"
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/render"
	"github.com/pgsniff/pgsniff/internal/selection"
	"github.com/pgsniff/pgsniff/internal/sink"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// outlet is one output of a run. What it is made of ends in the order of the fields.
type outlet struct {
	spec outputSpec
	file *anew // nil where there is none: for standard output, or a collector
	// standard tells that it is written to standard output.
	standard bool
	queue    *lineQueue   // before a pipe; nil where there is none
	pipe     *os.File     // behind the queue
	failure  error        // of writing what was in the queue
	parts    []part       // what sessions report to
	sink     sink.Sink    // views of the registry and what they write to, or a format of it; nil where there is none
	stats    *statsView   // nil where it was not asked for
	writer   *render.Sink // of a built-in format
	due      int64        // when it is to be told the time, see run.tickAll
}

// openOutputs makes the outputs, and returns how many goroutines are left for
// the analysis.
func (r *run) openOutputs(sel *selection.Selection, workers int) (int, error) {
	if only := r.opt.only; only != nil {
		out := &outlet{sink: only}
		r.tell(out, only, sel, true)
		r.outputs = []*outlet{out}
		return workers, nil
	}
	specs, err := r.opt.outputs.all()
	if err != nil {
		return 0, err
	}
	if err := r.opt.choice.checkChoice(specs); err != nil {
		return 0, err
	}
	left := workers
	r.several = len(specs) > 1
	for slot, spec := range specs {
		out := &outlet{spec: spec}
		r.outputs = append(r.outputs, out)
		piped, err := r.openOutput(out, sel, slot, workers > 1)
		if err != nil {
			r.closeOutputs()
			return 0, err
		}
		if piped {
			left = workers - 1
		}
	}
	return left, nil
}

// openOutput opens an output. It reports whether it writes in a goroutine of its own,
// which it may if it is worth it.
func (r *run) openOutput(out *outlet, sel *selection.Selection, slot int, mayPipe bool) (piped bool, err error) {
	spec := &out.spec
	env := r.sinkEnv(out, slot)
	if !spec.builtin() {
		s, err := r.opt.outputs.outputs[spec.format](env)
		if err != nil {
			return false, outputError(err)
		}
		return false, r.addViews(out, env, sel, s)
	}
	w, err := env.Create()
	if err != nil {
		return false, outputError(err)
	}
	wants := writerWants(spec)
	writer := newWriter(w, env, &r.opt.prettyFlags, r.opt.states(), sel, spec)
	if piped = mayPipe && sel.MinDuration == 0 && formatting(writer, wants); piped {
		writer = render.NewPipe(writer)
	}
	out.writer = render.NewSink(writer, wants)
	if wants.Any() {
		r.tell(out, out.writer, sel, false)
	}
	if spec.view(viewStats.Name) {
		out.stats = newStatsView(r, out.writer, sel, spec.format == "json")
		r.tell(out, out.stats, sel, false)
	}
	return piped, r.addViews(out, env, sel, out.writer)
}

// writerWants is what is told to a built-in format as it is.
func writerWants(spec *outputSpec) sink.Wants {
	w := spec.handsOn()
	w.Pooled = w.Queries
	w.Parameters = w.Messages.Any() || w.Queries
	w.Columns = w.Parameters
	w.Connections = w.Connections || w.Messages.Any() // it says what is left to be said of rows
	return w
}

func outputError(err error) error {
	var e *exitError
	if errors.As(err, &e) {
		return err
	}
	return &exitError{ExitFailure, err}
}

// addViews puts views before where they write to: those that derive records, and, of a
// format that is not built in, those that hand on what there is, which are one.
func (r *run) addViews(out *outlet, env *sink.Env, sel *selection.Selection, to sink.Sink) error {
	var list []sink.Sink
	derived := false
	if wants := out.spec.handsOn(); !out.spec.builtin() && wants.Any() {
		list = append(list, selection.Typed(sel, sink.Pass(wants, to)))
	}
	for _, name := range out.spec.views {
		open := r.opt.outputs.views[name]
		if open == nil {
			continue
		}
		v, err := open(env, to)
		if err != nil {
			return outputError(err)
		}
		if name == changes.View.Name && sel.Inside() {
			v = selection.Typed(sel, v)
		}
		derived = true
		list = append(list, v)
	}
	switch {
	case len(list) > 0 && out.spec.builtin():
		out.sink = sink.NewFan(list...) // the writer has an end of its own
	case len(list) > 0:
		out.sink = sink.NewGroup(to, list...)
	case !out.spec.builtin():
		out.sink = to // it knows what it wants
	default:
		return nil
	}
	r.tell(out, out.sink, sel, derived)
	return nil
}

func (r *run) sinkEnv(out *outlet, slot int) *sink.Env {
	o, env := r.opt, r.env
	width := 0
	if out.spec.to == "" {
		width = env.Width()
	}
	return &sink.Env{
		To: out.spec.to, Create: func() (io.WriteCloser, error) { return r.create(out) },
		Warn: r.warn, Live: o.live, Now: env.Now, Width: width,
		Getenv: env.Getenv, Args: env.args, Totals: func() record.Totals { return *r.sofar }, Begun: r.first.Load, Warned: r.warned.list,
		Color:    o.Color == "always" || o.Color == "auto" && width > 0 && env.Getenv("NO_COLOR") == "" && env.Getenv("TERM") != "dumb",
		MaxValue: o.maxValue(out.spec.format), Micros: o.Precision == "micro", ShowSecrets: o.ShowSecrets, Top: o.Top, Every: o.Every,
		Slot: slot, Verbose: o.Verbose, Pretty: out.spec.format == "pretty",
	}
}

// newWriter opens a built-in format.
func newWriter(w io.Writer, env *sink.Env, o *prettyFlags, states bool, sel *selection.Selection, spec *outputSpec) render.Writer {
	ropt := render.Options{
		MaxValueBytes: env.MaxValue, ShowSecrets: env.ShowSecrets, States: states, Micros: env.Micros, Slot: env.Slot,
		NoConnections: !spec.view("connections") && (spec.format != "pretty" || sel.Kinds != nil),
	}
	if spec.format == "json" {
		return render.NewJSON(w, ropt)
	}
	return render.NewPretty(w, render.PrettyOptions{
		Options: ropt, Rows: o.Rows, Width: env.Width, Time: timeModes[o.Time],
		Theme: render.NewTheme(env.Color), Flow: spec.view("messages"), Groups: env.Top,
		Selected: spec.view("messages") && !spec.view("connections") && !sel.All(),
		Verbose:  env.Verbose, SQLLines: o.SQL == "lines", Fold: !env.Verbose && sel.Kinds == nil && sel.Replicated == nil && !states,
	})
}

var timeModes = map[string]render.TimeMode{
	"abs": render.TimeAbs, "utc": render.TimeUTC, "rel": render.TimeRel,
	"delta": render.TimeDelta, "epoch": render.TimeEpoch,
}

// pooled puts what pairs the legs of poolers before a handler, if anybody shows them; it
// has to see what is secret. Sessions that begin are to be told to what it returns.
func (r *run) pooled(h session.Handler) (session.Handler, func(*session.Session)) {
	wanted := r.agent.reloads
	for p := range r.parts() {
		wanted = wanted || p.adapter.WantsPooled()
	}
	opened := r.opt.hooks.opened
	if !wanted {
		return h, opened
	}
	m := pooler.New(h)
	if opened == nil {
		return m, m.Opened
	}
	return m, func(s *session.Session) { m.Opened(s); opened(s) }
}

// network returns what is told of the network, nil where no output wants it.
func (r *run) network() func(*netfacts.Event) {
	if r.agent.reloads {
		return r.networkOf()
	}
	var list []*sink.Adapter
	for p := range r.parts() {
		if p.adapter.WantsNetwork() {
			list = append(list, p.adapter)
		}
	}
	if len(list) == 0 {
		return nil
	}
	fact := new(netfacts.Record)
	return func(e *netfacts.Event) {
		fact.Event = *e
		for _, a := range list {
			a.Network(fact)
		}
	}
}

// tickers are what is done again and again in the capture's time: --every comes
// first, if it is given.
func (r *run) tickers() (list []analyze.Ticker) {
	if r.opt.Every > 0 {
		list = append(list, analyze.Ticker{Every: r.opt.Every, OnTick: func(t analyze.Tick) {
			for _, out := range r.outputs {
				if out.stats != nil {
					out.stats.period(t)
				}
			}
		}})
	}
	if r.agent.reloads {
		return append(list, analyze.Ticker{Every: time.Second, OnTick: r.tickAll})
	}
	for _, out := range r.outputs {
		if out.sink == nil {
			continue
		}
		if every := out.sink.Wants().Tick; every > 0 {
			list = append(list, analyze.Ticker{Every: time.Duration(every), OnTick: func(t analyze.Tick) {
				r.count(t)
				out.sink.Tick(t.End)
			}})
		}
	}
	return list
}

// count gathers what was counted so far, for outputs that tell it.
func (r *run) count(t analyze.Tick) {
	*r.sofar = record.Totals{
		Packets: t.Packets, Bytes: t.Bytes, First: t.First, Last: t.End,
		Live: r.opt.live, KernelDropped: r.live.droppedPackets(), LostBytes: t.Lost, RetransmittedBytes: t.Retransmitted,
		Queries: r.counts.queries, Errors: r.analyzer.Shared().Errors,
	}
}
