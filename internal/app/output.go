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
	"github.com/pgsniff/pgsniff/internal/sink"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// outlet is one output of a run: a writer with its views, a sink, or both where
// views of the registry are written by a built-in format.
type outlet struct {
	spec    outputSpec
	file    *anew         // nil for standard output
	queue   *lineQueue    // before a pipe; nil where there is none
	pipe    *os.File      // behind the queue
	failure error         // of writing what was in the queue
	writer  render.Writer // of a built-in format
	views   *views        // of it; nil where no built-in view was asked for
	sink    sink.Sink     // nil where there is none
	adapter *sink.Adapter // before it
	derived bool          // it shows what views make of messages, whatever their --type
	due     int64         // when it is to be told the time, see run.tickAll
}

// openOutputs makes the outputs, and returns how many goroutines are left for
// the analysis.
func (r *run) openOutputs(sel *selection, workers int) (int, error) {
	if only := r.opt.only; only != nil {
		r.outputs = []*outlet{{sink: only, adapter: sink.NewAdapter(only, r.opt.ShowSecrets), derived: true}}
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
		if err := r.openOutput(out, sel, slot); err != nil {
			r.closeOutputs()
			return 0, err
		}
		if out.views != nil && workers > 1 && sel.minDuration == 0 && formatting(out.writer, out.views.wants()) {
			out.writer = render.NewPipe(out.writer)
			out.views.write(out.writer)
			left = workers - 1
		}
	}
	return left, nil
}

func (r *run) openOutput(out *outlet, sel *selection, slot int) error {
	spec := &out.spec
	env := r.sinkEnv(out, slot)
	if !spec.builtin() {
		s, err := r.opt.outputs.outputs[spec.format](env)
		if err != nil {
			return outputError(err)
		}
		return out.addViews(r, env, sel, s)
	}
	w, err := env.Create()
	if err != nil {
		return outputError(err)
	}
	out.writer = newWriter(w, env, &r.opt.prettyFlags, r.opt.states(), sel, spec)
	for _, v := range builtinViews {
		if spec.view(v) && out.views == nil {
			out.views = newViews(spec, sel, out.writer)
			if t := out.views.totals; t != nil && r.opt.Histograms {
				t.mergeable()
			}
			if t := out.views.totals; t != nil && spec.format == "json" {
				t.examples = newExamples(r.opt.ShowSecrets)
			}
		}
	}
	return out.addViews(r, env, sel, &writerSink{out})
}

func outputError(err error) error {
	var e *exitError
	if errors.As(err, &e) {
		return err
	}
	return &exitError{ExitFailure, err}
}

// addViews puts the views of the registry before where they write to. The built-in
// views of a format that is not built in are what there is of records.
func (out *outlet) addViews(r *run, env *sink.Env, sel *selection, to sink.Sink) error {
	var list []sink.Sink
	for _, name := range out.spec.views {
		if open := r.opt.outputs.views[name]; open != nil {
			v, err := open(env, to)
			if err != nil {
				return outputError(err)
			}
			if name == changes.View.Name && sel.inside() {
				v = newTypedSink(sel, v)
			}
			out.derived = true
			list = append(list, v)
		} else if !out.spec.builtin() {
			list = append(list, newTypedSink(sel, sink.Pass(wantsOf(name), to)))
		}
	}
	switch {
	case len(list) > 0:
		out.sink = sink.NewGroup(to, list...)
	case !out.spec.builtin():
		out.sink = to // it knows what it wants
	default:
		return nil
	}
	out.adapter = sink.NewAdapter(out.sink, r.opt.ShowSecrets)
	return nil
}

// wantsOf is what a built-in view is made of.
func wantsOf(view string) (w sink.Wants) {
	switch view {
	case "messages":
		w.Messages, w.Notices = sink.AllKinds(), true
	case "queries":
		w.Queries, w.Notices = true, true
	case "connections":
		w.Connections = true
	}
	return w
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
		Getenv: env.Getenv, Args: env.args, Totals: func() record.Totals { return *r.sofar }, Begun: r.first.Load,
		Color:    o.Color == "always" || o.Color == "auto" && width > 0 && env.Getenv("NO_COLOR") == "" && env.Getenv("TERM") != "dumb",
		MaxValue: o.maxValue(out.spec.format), Micros: o.Precision == "micro", ShowSecrets: o.ShowSecrets, Top: o.Top, Every: o.Every,
		Slot: slot, Verbose: o.Verbose, Pretty: out.spec.format == "pretty",
	}
}

// newWriter opens a built-in format.
func newWriter(w io.Writer, env *sink.Env, o *prettyFlags, states bool, sel *selection, spec *outputSpec) render.Writer {
	ropt := render.Options{
		MaxValueBytes: env.MaxValue, ShowSecrets: env.ShowSecrets, States: states, Micros: env.Micros, Slot: env.Slot,
	}
	if spec.format == "json" {
		return render.NewJSON(w, ropt)
	}
	return render.NewPretty(w, render.PrettyOptions{
		Options: ropt, Rows: o.Rows, Width: env.Width, Time: timeModes[o.Time],
		Theme: render.NewTheme(env.Color), Flow: spec.view("messages"), Groups: env.Top,
		Selected: spec.view("messages") && !spec.view("connections") && !sel.all(),
		Verbose:  env.Verbose, SQLLines: o.SQL == "lines", Fold: !env.Verbose && sel.kinds == nil && sel.replicated == nil && !states,
	})
}

var timeModes = map[string]render.TimeMode{
	"abs": render.TimeAbs, "utc": render.TimeUTC, "rel": render.TimeRel,
	"delta": render.TimeDelta, "epoch": render.TimeEpoch,
}

// writerSink is a built-in format as what views of the registry write to.
type writerSink struct{ out *outlet }

func (w *writerSink) Wants() sink.Wants        { return sink.Everything() }
func (w *writerSink) Record(r record.Record)   { w.out.writer.Record(r) }
func (w *writerSink) Tick(int64)               {}
func (w *writerSink) End(*record.Totals) error { return nil } // the output flushes it

// handler returns what the sessions report to, and adds to their configuration
// what it wants.
func (r *run) handler(sel *selection, cfg *session.Config, limits *exchange.Limits) session.Handler {
	if r.agent.reloads {
		return r.reloadable(sel, cfg, limits)
	}
	var list []session.Handler
	for _, out := range r.outputs {
		if v := out.views; v != nil {
			list = append(list, v)
			cfg.Messages = cfg.Messages || v.wantsMessages()
			if v.totals != nil {
				cfg.OnError = eachError(cfg.OnError, v.Failure)
			}
			shown := v.showMessages || v.showQueries || v.totals != nil && v.totals.examples != nil
			limits.NoParameters, limits.NoColumns = limits.NoParameters && !shown, limits.NoColumns && !shown
		}
	}
	for _, out := range r.outputs {
		if out.adapter != nil && out.adapter.NeedsMessages() {
			cfg.Messages = true
		}
	}
	for _, out := range r.outputs {
		if out.adapter != nil {
			h := newSelected(sel, out.adapter, out.derived)
			out.adapter.Configure(h, cfg, limits)
			list = append(list, h)
		}
	}
	if len(list) == 1 && r.outputs[0].views != nil {
		r.counts = &r.outputs[0].views.counts
		return list[0]
	}
	f := &fanned{list: list}
	r.counts = &f.counts
	return f
}

// pooled puts what pairs the legs of poolers before a handler, if anybody shows them; it
// has to see what is secret. Sessions that begin are to be told to what it returns.
func (r *run) pooled(h session.Handler) (session.Handler, func(*session.Session)) {
	wanted := r.agent.reloads
	for _, out := range r.outputs {
		wanted = wanted || out.views != nil && out.views.showQueries || out.adapter != nil && out.adapter.WantsPooled()
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

// eachError calls two functions, of which the first may be nil.
func eachError(a, b func(*session.Event)) func(*session.Event) {
	if a == nil {
		return b
	}
	return func(e *session.Event) { a(e); b(e) }
}

// fanned hands what sessions report to several handlers.
type fanned struct {
	list   []session.Handler
	counts tally
}

func (f *fanned) Message(e *session.Event) {
	for _, h := range f.list {
		h.Message(e)
	}
}

func (f *fanned) Exchange(s *session.Session, x *exchange.Exchange) {
	f.counts.queries++
	for _, h := range f.list {
		h.Exchange(s, x)
	}
}

func (f *fanned) Notice(s *session.Session, n *session.Notice) {
	for _, h := range f.list {
		h.Notice(s, n)
	}
}

func (f *fanned) End(s *session.Session) {
	f.counts.end(s)
	for _, h := range f.list {
		h.End(s)
	}
}

// network returns what is told of the network, nil where no output wants it.
func (r *run) network() func(*netfacts.Event) {
	if r.agent.reloads {
		return r.networkOf()
	}
	var list []*sink.Adapter
	for _, out := range r.outputs {
		if out.adapter != nil && out.adapter.WantsNetwork() {
			list = append(list, out.adapter)
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
				r.period(out, t)
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
