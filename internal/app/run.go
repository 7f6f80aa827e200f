package app

import (
	"fmt"
	"strings"

	"github.com/pgsniff/pgsniff/internal/analyze"
	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/internal/render"
	"github.com/pgsniff/pgsniff/internal/stats"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// run is one run of read or live: an analyzer and where its results go.
type run struct {
	env      *Env
	opt      *Options
	analyzer *analyze.Analyzer
	writer   render.Writer
	handler  *views
	keys     *keys
	keep     *keeper // nil where all packets are taken and none are written
	live     *live   // nil for read
	packet   capture.Packet
	_        [120]byte // see TestLines
}

func newRun(env *Env, o *Options) (*run, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	ports, err := o.ports()
	if err != nil {
		return nil, err
	}
	locked := *env
	locked.Err = &lockedWriter{w: env.Err}
	r := &run{env: &locked, opt: o}
	if r.keys, err = openKeys(o.KeyLog, o.live, r.warn); err != nil {
		return nil, err
	}
	sel, err := o.selection.compile()
	if err != nil {
		return nil, err
	}
	if r.keep, err = newKeeper(o); err != nil {
		return nil, err
	}
	r.writer = newWriter(env, o)
	workers := o.workers()
	if workers > 1 && (o.view("messages") && !o.view("queries") || o.view("queries") && o.Output == "json") && sel.minDuration == 0 && !r.keep.onlyMatching() {
		// Formatting takes as long as all that comes before it.
		r.writer, workers = render.NewPipe(r.writer), workers-1
	}
	r.handler = newViews(o, sel, r.writer)
	handler := session.Handler(r.handler)
	if r.keep.onlyMatching() {
		handler = &matchingViews{r.handler, r.keep.matching}
		workers = 1 // what matches has to be known with each packet
	}
	cfg := session.Config{
		Messages: r.handler.wantsMessages() || r.keep.onlyMatching(), Exchanges: true, Strict: o.Strict, States: len(o.Fields) > 0, NewTLS: analyze.NewTLS(r.keys.source(o)),
	}
	if r.handler.totals != nil {
		cfg.OnError = r.handler.Failure
	}
	shown := o.view("messages") || o.view("queries")
	r.analyzer = analyze.New(analyze.Options{
		Ports: ports, AnyPort: !o.portsChanged || o.AnyPort,
		Session: cfg,
		Limits:  exchange.Limits{NoParameters: !shown, NoColumns: !shown},
		Workers: workers, OnIdle: func() { _ = r.writer.Flush() }, // the error stays
		Slow: o.Slow,
	}, handler)
	return r, nil
}

func newWriter(env *Env, o *Options) render.Writer {
	ropt := render.Options{MaxValueBytes: o.MaxValue, ShowSecrets: o.ShowSecrets, States: len(o.Fields) > 0}
	if o.Output == "json" {
		return render.NewJSON(env.Out, ropt)
	}
	width := env.Width()
	colored := o.Color == "always" || o.Color == "auto" && width > 0 && env.Getenv("NO_COLOR") == ""
	return render.NewPretty(env.Out, render.PrettyOptions{
		Options: ropt, Rows: o.Rows, Width: width, Time: timeModes[o.Time],
		Theme: render.NewTheme(colored), Flow: o.view("messages"), Groups: o.Top,
	})
}

var timeModes = map[string]render.TimeMode{
	"abs": render.TimeAbs, "utc": render.TimeUTC, "rel": render.TimeRel,
	"delta": render.TimeDelta, "epoch": render.TimeEpoch,
}

// finish ends the analysis, writes what is left and says how it went.
func (r *run) finish(sourceErr error) error {
	r.analyzer.Finish()
	r.keys.finish()
	if err := r.embedKeys(); sourceErr == nil {
		sourceErr = err
	}
	if n := r.keep.letGo(); n > 0 {
		r.warn(fmt.Errorf("-w: %s had been let go when their connections matched", plural(n, "packet")))
	}
	if err := r.keep.close(); sourceErr == nil {
		sourceErr = err
	}
	r.stats()
	if err := r.writer.Flush(); err != nil {
		if isClosedPipe(err) {
			return nil
		}
		return &exitError{ExitFailure, fmt.Errorf("writing the output: %w", err)}
	}
	if sourceErr != nil {
		return &exitError{ExitFailure, sourceErr}
	}
	r.summary()
	if r.opt.Strict && r.handler.violations > 0 {
		return &exitError{ExitViolation, fmt.Errorf("%s of the protocol", plural(r.handler.violations, "violation"))}
	}
	return nil
}

// stats writes the view stats, if it was asked for.
func (r *run) stats() {
	t := r.handler.totals
	if t == nil {
		return
	}
	kinds := &t.kinds
	if r.handler.showAll {
		all := r.analyzer.Shared().Kinds()
		kinds = &all
	}
	by, _ := stats.ParseSort(r.opt.Sort) // it was checked
	r.writer.Stats(t.report(stats.Traffic{
		Packets: r.analyzer.Counts.Packets, Bytes: r.analyzer.Counts.Bytes,
		Live: r.live != nil, KernelDropped: r.live.droppedPackets(),
	}, kinds, by, r.opt.Top))
}

// summary is the closing line on standard error.
func (r *run) summary() {
	if r.opt.Quiet {
		return
	}
	c, h := &r.analyzer.Counts, r.handler
	if r.opt.Verbose {
		fmt.Fprintf(r.env.Err, "pgsniff: %s, %s, server ports %s; %s not IP, %s not TCP, %s malformed; %s retransmitted\n",
			plural(c.Bytes, "byte"), plural(c.TCPConnections, "TCP connection"), portNames(c.TopPorts(5)),
			plural(c.NotIP, "packet"), plural(c.NotTCP, "packet"), plural(c.Bad, "packet"), plural(c.Retransmitted, "byte"))
	}
	if r.analyzer.Connections() == 0 {
		fmt.Fprintf(r.env.Err, "pgsniff: no PostgreSQL in %s: %s%s%s\n", plural(c.Packets, "packet"), plural(c.TCPConnections, "TCP connection"), r.portList(), r.live.dropText())
		return
	}
	line := fmt.Sprintf("%s, %s, %s, %s, %s", plural(c.Packets, "packet"), plural(r.analyzer.Connections(), "connection"),
		plural(r.analyzer.Messages(), "message"), plural(h.queries, "query"), plural(r.analyzer.Shared().Errors, "error"))
	line += r.live.dropText()
	if c.Lost > 0 {
		line += fmt.Sprintf(", %s lost", plural(c.Lost, "byte"))
	}
	fmt.Fprintf(r.env.Err, "pgsniff: %s\n", line)
	if dropped := droppedText(r.analyzer.Shared().Exchanges); dropped != "" {
		fmt.Fprintf(r.env.Err, "pgsniff: for lack of memory, %s\n", dropped)
	}
}

// droppedText says what was not kept because of the limits of memory.
func droppedText(d *exchange.Shared) string {
	var list []string
	add := func(n uint64, what, became string) {
		if n > 0 {
			list = append(list, plural(n, what)+" "+became)
		}
	}
	add(d.DroppedStatements, "prepared statement", "not kept")
	add(d.DroppedExchanges, "query", "given up before the replies came")
	add(d.DroppedParts, "piece", "of query texts, parameters and columns not kept")
	add(d.DroppedResults, "result", "added to the one before")
	add(d.DroppedLearned, "statement", "not remembered for other connections")
	return strings.Join(list, ", ")
}

func (r *run) portList() string {
	ports := r.analyzer.Counts.TopPorts(5)
	if len(ports) == 0 {
		return ""
	}
	return ", server ports " + portNames(ports)
}

func portNames(ports []uint16) string {
	names := make([]string, len(ports))
	for i, p := range ports {
		names[i] = fmt.Sprint(p)
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

func plural(n uint64, what string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(what, "y"):
		what = what[:len(what)-1] + "ies"
	default:
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}
