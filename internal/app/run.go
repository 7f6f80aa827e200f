package app

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/pgsniff/pgsniff/internal/analyze"
	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/redact"
	"github.com/pgsniff/pgsniff/internal/selection"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// run is one run of read or live: an analyzer and where its results go.
type run struct {
	env       *Env
	opt       *Options
	analyzer  *analyze.Analyzer
	outputs   []*outlet
	counts    *tally
	sel       *selection.Selection
	first     atomic.Int64   // time of the first packet of a file that is shown; 0: not known
	sofar     *record.Totals // as of the latest tick; belongs to the sessions' goroutine
	keys      *keys
	wal       *walOut        // nil without --wal-out
	keep      *keeper        // nil where all packets are taken and none are written
	live      *live          // nil for read, and where no packets are captured
	attached  *attached      // nil where no servers are looked into
	unread    bool           // the reader of -w has gone
	begun     bool           // what is shown has begun, with --since
	before    analyze.Counts // those when it did
	inputs    inputs         // no output may be one of them
	asked     atomic.Bool
	several   bool           // there are several outputs: none is to hold up another
	ending    sync.WaitGroup // queues that are being written to their end
	linesLost atomic.Uint64  // that nobody read
	agent     *agent
	packet    capture.Packet
	warned    *warned
	_         [144]byte // see TestLines
}

func newRun(env *Env, o *Options, paths ...string) (*run, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	ports, err := o.ports()
	if err != nil {
		return nil, err
	}
	locked := *env
	locked.Err = &lockedWriter{w: env.Err}
	r := &run{env: &locked, opt: o, sofar: new(record.Totals), warned: new(warned), inputs: newInputs(env.In, append(paths, o.KeyLog, o.kept.bpfFile)...)}
	if err := r.inputs.refuseStream(env.Out); err != nil {
		return nil, err
	}
	if r.keys, err = openKeys(o.KeyLog, o.live, r.warn); err != nil {
		return nil, err
	}
	sel, err := o.selection.compile()
	if err != nil {
		return nil, err
	}
	r.sel = sel
	r.keep = newKeeper(&o.kept)
	r.agent = newAgent(&o.choice, o.live && o.Config != "" && o.only == nil && env.again != nil)
	workers, err := r.openOutputs(sel, o.workers(&o.kept, r.agent))
	if err != nil {
		return nil, err
	}
	cfg, limits := r.sessions()
	handler, opened, err := r.handlers(sel, &cfg, &limits)
	if err != nil {
		return nil, err
	}
	r.analyzer = analyze.New(analyze.Options{
		Ports: ports, AnyPort: !o.portsChanged || o.AnyPort,
		Session: cfg, Limits: limits,
		Workers: workers, OnIdle: func() { _ = r.flush() }, // the error stays
		Inside: o.inside, Slow: o.Slow, Ticks: r.tickers(), Network: r.network(),
		Opened: opened, Guard: o.hooks.guard, NetworkLess: o.hooks.less,
	}, handler)
	return r, nil
}

// sessions returns what sessions do and keep whatever is shown.
func (r *run) sessions() (session.Config, exchange.Limits) {
	o := r.opt
	cfg := session.Config{
		Messages: r.keep.onlyMatching(), Exchanges: true, Strict: o.Strict, States: o.states(), NewTLS: analyze.NewTLS(r.keys.source(!o.live || o.inside)),
	}
	cfg.Stream.MaxMessage = o.maxMessage()
	if o.redact != redact.None {
		cfg.Secret = redact.Setting
	}
	limits := exchange.Limits{SQL: cfg.Stream.MaxMessage, NoParameters: true, NoColumns: !o.kept.rotates()} // files of packets tell columns
	if r.keep.onlyMatching() {
		limits.Total = leftWithKept
	}
	return cfg, limits
}

// handlers returns what the sessions report to, with all that stands before the outputs,
// and what is to be told of those that begin. What it wants is added to the configuration.
//
// The outputs are put in place first, and each of the others before those in place: what
// sees secrets (pooler pairing, --wal-out, hooks.made) comes before what hides them, and
// all else behind it.
func (r *run) handlers(sel *selection.Selection, cfg *session.Config, limits *exchange.Limits) (handler session.Handler, opened func(*session.Session), err error) {
	o := r.opt
	handler = r.handler(cfg, limits)
	if s := r.agent.sampler; s != nil {
		s.Handler, handler = handler, s
	}
	if r.keep.onlyMatching() {
		handler = &matchingHandler{handler, sel, sel.All(), r.keep.matching}
	}
	if o.hooks.wrap != nil {
		handler = o.hooks.wrap(handler, cfg, limits)
	}
	handler, opened = r.pooled(hiding(o.redact, handler, cfg, limits))
	if o.WALOut != "" {
		if r.wal, err = newWALOut(o.WALOut, sel, handler, r.warn); err != nil {
			return nil, nil, err
		}
		handler, cfg.Messages = r.wal, true
	}
	if o.hooks.made != nil {
		handler = o.hooks.made(r, handler, cfg)
	}
	return handler, opened, nil
}

// finish ends the analysis, writes what is left and says how it went.
func (r *run) finish(sourceErr error) error {
	r.analyzer.Finish()
	r.keys.finish()
	if err := r.embedKeys(); sourceErr == nil {
		sourceErr = err
	}
	if r.wal != nil {
		if err := r.wal.finish(); sourceErr == nil {
			sourceErr = err
		}
	}
	if n := r.keep.letGo(); n > 0 {
		r.warn(fmt.Errorf("-w: %s had been let go when their connections matched", plural(n, "packet")))
	}
	if err := r.kept(r.keep.close()); sourceErr == nil {
		sourceErr = err
	}
	if sourceErr != nil {
		r.warned.add(sourceErr)
	}
	if err := r.endOutputs(); err != nil {
		if isClosedPipe(err) {
			return r.readAll()
		}
		return &exitError{ExitFailure, fmt.Errorf("writing the output: %w", err)}
	}
	if sourceErr != nil {
		return &exitError{ExitFailure, sourceErr}
	}
	r.summary()
	if r.unread {
		return &exitError{ExitFailure, errors.New("not all packets were written")}
	}
	if err := r.readAll(); err != nil {
		return err
	}
	if r.opt.Strict && r.counts.violations > 0 {
		return &exitError{ExitViolation, fmt.Errorf("%s of the protocol", plural(r.counts.violations, "violation"))}
	}
	return nil
}

// summary is the closing line on standard error.
func (r *run) summary() {
	if r.attached != nil && r.live == nil {
		r.attachedSummary()
		return
	}
	if r.opt.Quiet {
		return
	}
	c := &r.analyzer.Counts
	if r.opt.Verbose {
		fmt.Fprintf(r.env.Err, "pgsniff: %s, %s, server ports %s; %s not IP, %s not TCP, %s malformed; %s retransmitted\n",
			plural(c.Bytes, "byte"), plural(c.TCPConnections, "TCP connection"), portNames(c.TopPorts(5)),
			plural(c.NotIP, "packet"), plural(c.NotTCP, "packet"), plural(c.Bad, "packet"), plural(c.Retransmitted, "byte"))
	}
	if k := r.keep; c.Packets == 0 && k != nil && k.passed > 0 {
		fmt.Fprintf(r.env.Err, "pgsniff: the filter matched none of %s\n", plural(k.passed, "packet"))
		return
	}
	if span := r.opt.selection.span; c.Packets == 0 && span.beforeAll() {
		fmt.Fprintf(r.env.Err, "pgsniff: --until %s leaves nothing: the capture begins at %s\n", span.until, dateOf(span.first))
		return
	}
	if r.analyzer.Connections() == 0 {
		fmt.Fprintf(r.env.Err, "pgsniff: no PostgreSQL in %s: %s%s%s\n", plural(c.Packets, "packet"), plural(c.TCPConnections, "TCP connection"), r.portList(), r.live.dropText())
		r.adviseNone()
		return
	}
	fmt.Fprintf(r.env.Err, "pgsniff: %s\n", r.totalsText(c, "connection"))
	if dropped := droppedText(r.analyzer.Shared().Exchanges); dropped != "" {
		fmt.Fprintf(r.env.Err, "pgsniff: for lack of memory, %s\n", dropped)
	}
	r.tellGivenUp()
	r.tellLeftOut()
	r.advise()
}

// tellGivenUp says how many connections were not followed without a break.
func (r *run) tellGivenUp() {
	n, again, exactly := r.analyzer.GivenUp()
	if n == 0 {
		return
	}
	least := ""
	if !exactly {
		least = "at least "
	}
	fmt.Fprintf(r.env.Err, "pgsniff: more than %d connections were open at once: the longest silent was given up %s, and followed again when it went on %s%s\n",
		analyze.MaxOpen, plural(n, "time"), least, plural(again, "time"))
}

// totalsText is what was counted so far. It belongs to the goroutine of the sessions.
func (r *run) totalsText(c *analyze.Counts, connections string) string {
	line := fmt.Sprintf("%s, %s, %s, %s, %s", plural(c.Packets, "packet"), plural(r.analyzer.Connections(), connections),
		plural(r.analyzer.Messages(), "message"), plural(r.counts.queries, "query"), plural(r.analyzer.Shared().Errors, "error"))
	line += r.live.dropText()
	if c.Lost > 0 {
		line += fmt.Sprintf(", %s lost", plural(c.Lost, "byte"))
	}
	return line
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
	ports := r.analyzer.Counts.LikelyPorts()
	if len(ports) == 0 { // of connections joined in the middle both ends may be the server
		ports = r.analyzer.Counts.TopPorts(5)
	}
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
