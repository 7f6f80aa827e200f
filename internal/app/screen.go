package app

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/spf13/cobra"

	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/internal/flow"
	"github.com/pgsniff/pgsniff/internal/overview"
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/screen"
	"github.com/pgsniff/pgsniff/internal/termsafe"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// historySize is how much is kept of the packets of live traffic, in bytes.
const historySize = 32 << 20

// notOnScreens are the flags of read that mean nothing to a screen, which has colours.
var notOnScreens = append(slices.DeleteFunc(slices.Clone(ofOtherOutputs), func(name string) bool { return name == "color" }),
	"output", "no-sql", "no-values", "strict")

func newTop(env *Env) *cobra.Command {
	o, f := &Options{}, &liveFlags{}
	cmd := &cobra.Command{
		Use:   "top [flags] -i INTERFACE",
		Short: "Watch live traffic on a full screen: connections, queries, flows, findings",
		Long: `top captures as live does and shows on a full screen what happens now:
connections and what they do, queries with their executions, findings, errors,
replication, and the flow of a connection message by message. Keys are those of
less, htop and k9s; ? shows them. docs/screens.md.`,
		Example: `  sudo pgsniff top -i any
  sudo pgsniff top -i eth0 -f 'host 10.0.0.7'`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) > 0:
				return usageError("top takes no arguments: name interfaces with -i; pgsniff browse FILE shows a capture")
			case len(f.interfaces) == 0:
				return usageError("top needs an interface: -i NAME, or -i any; pgsniff interfaces lists them")
			}
			return nil
		},
		RunE: func(*cobra.Command, []string) error {
			return runScreen(env, o, &screenRun{title: strings.Join(f.interfaces, ", "), live: true, history: flow.NewHistory(historySize)},
				func(inner *Env) error { return runLive(inner, o, f) })
		},
	}
	o.add(cmd)
	f.add(cmd)
	hideFlags(cmd, []string{"attach", "attach-only", "attach-times", "kernel-parsed"})
	withhold(cmd, notOnScreens...)
	return cmd
}

func newBrowse(env *Env) *cobra.Command {
	o := &Options{}
	cmd := &cobra.Command{
		Use:   "browse [flags] FILE...",
		Short: "Look around in captures on a full screen",
		Long: `browse shows captures on a full screen: connections, queries with their
executions, findings, errors, replication, and the flow of a connection message by
message. It can be used while the file is being read. Keys are those of less, htop
and k9s; ? shows them. docs/screens.md.`,
		Example: `  pgsniff browse day.pcap
  pgsniff browse day.pcap --since 14:00 --until 15:00`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError("browse needs a capture file, or - for standard input")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			s := &screenRun{title: args[0], paths: args}
			if n := len(args) - 1; n > 0 {
				s.title += fmt.Sprintf(" +%d", n)
			}
			if slices.Contains(args, "-") { // a pipe cannot be read again
				s.history = flow.NewHistory(historySize)
				s.history.Each = true
			}
			return runScreen(env, o, s, func(inner *Env) error { return runRead(inner, o, args) })
		},
	}
	o.add(cmd)
	o.selection.span = new(span)
	o.selection.span.add(cmd)
	withhold(cmd, notOnScreens...)
	return cmd
}

// screenRun is a run of read or live behind a screen.
type screenRun struct {
	env     *Env // of the run: nothing of it goes to the terminal
	opt     *Options
	title   string
	live    bool
	paths   []string
	history *flow.History // nil where files are read again

	data     *overview.Collector
	log      screenLog
	stop     atomic.Pointer[func()]
	run      *run
	names    []capture.LiveInterface
	progress func() (read, total int64, ok bool)
	begun    chan struct{}
	broken   chan string // the stack of a panic
	requests chan filterRequest
	flows    sync.Mutex // one flow is made at a time
}

// runScreen runs a source behind a screen.
func runScreen(env *Env, o *Options, s *screenRun, source func(*Env) error) error {
	if env.Width() > 0 && env.Getenv("TERM") == "dumb" {
		return usageError("a full screen needs a terminal that can move its cursor, and TERM is dumb: pgsniff read FILE and pgsniff live write text, --view stats and --view queries the same as tables and lines")
	}
	if env.Width() == 0 {
		return usageError("a full screen needs a terminal, and standard output is none: pgsniff read FILE and pgsniff live write text, --view stats and --view queries the same as tables and lines")
	}
	if o.outputs.last.any || len(o.outputs.specs) > 0 || o.outputs.otlp != "" || o.outputs.metrics != "" {
		return usageError("a full screen has no --view, -o and --to: pgsniff read and pgsniff live have them")
	}
	inner := *env
	inner.Out, inner.Err, inner.Width, inner.ErrTerminal = io.Discard, &s.log, func() int { return 0 }, false
	s.env, s.opt = &inner, o
	s.begun, s.broken, s.requests = make(chan struct{}), make(chan string, 1), make(chan filterRequest, 1)
	s.hook()
	done := make(chan error, 1)
	go func() {
		defer s.guard()
		done <- source(&inner)
	}()
	select {
	case <-s.begun:
	case err := <-done:
		select {
		case <-s.begun: // and was short: it is at its end already
			done <- err
		default: // it could not be opened
			s.log.writeTo(env.Err)
			return err
		}
	case stack := <-s.broken:
		return broken(env, stack)
	}
	ended := make(chan error, 1)
	quit := make(chan struct{})
	var stack string
	go func() {
		select {
		case err := <-done:
			ended <- err
			done <- err
		case stack = <-s.broken:
			close(quit)
		}
	}()
	err := screen.Run(s.screenOptions(env, ended, quit))
	select {
	case <-quit:
		return broken(env, stack)
	default:
	}
	if stop := s.stop.Load(); stop != nil {
		(*stop)()
	}
	select {
	case e := <-done:
		if err == nil {
			err = e
		}
	case stack := <-s.broken:
		return broken(env, stack)
	}
	s.log.writeTo(env.Err)
	return err
}

func broken(env *Env, stack string) error {
	fmt.Fprint(termsafe.NewWriter(env.Err), stack) // a panic may tell of captured text
	return &exitError{ExitFailure, errors.New("pgsniff failed; this is a fault of the program, please report it")}
}

// guard keeps a panic from ending the program before the terminal is as it was.
func (s *screenRun) guard() {
	if r := recover(); r != nil {
		select {
		case s.broken <- fmt.Sprintf("panic: %v\n\n%s", r, debug.Stack()):
		default:
		}
	}
}

// hook has the run tell the screen's data.
func (s *screenRun) hook() {
	s.data = overview.New(overview.Options{
		Live: s.live, Now: s.env.Now,
		Shown:   func(sn *session.Session) bool { return s.run.sel.Conn(sn) },
		Totals:  func() record.Totals { return *s.run.sofar },
		Since:   s.since,
		Columns: func(on bool) { s.run.analyzer.KeepColumns(on) },
	})
	o := s.opt
	o.only = s.data
	o.hooks = hooks{
		made: func(r *run, h session.Handler, c *session.Config) session.Handler {
			s.run = r
			secrets, _ := h.(overview.Secrets) // nil where nothing is hidden
			return s.data.Front(h, secrets, r.sel.All(), func() { r.counts.queries++ }, c)
		},
		begun: func(stop func(), progress func() (int64, int64, bool)) {
			s.stop.Store(&stop)
			s.progress = progress
			if s.run != nil && s.run.live != nil {
				s.names = s.run.live.Interfaces()
			}
			close(s.begun)
		},
		opened: s.data.Opened, guard: s.guard, less: s.data.Left(), asked: s.asked, history: s.history,
	}
}

// since is when the part of the capture begins that --since asks for; 0: all is shown.
func (s *screenRun) since() int64 {
	return s.opt.selection.span.begins()
}

// screenLog keeps what a run says on standard error while the screen is on.
type screenLog struct {
	mu      sync.Mutex
	lines   []string
	warned  int    // lines that are warnings
	warning string // the latest
}

// maxLog is how many lines are kept.
const maxLog = 200

// Write takes lines.
func (l *screenLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range strings.Split(strings.TrimRight(string(b), "\n"), "\n") {
		l.lines = append(l.lines, line)
		if text, ok := strings.CutPrefix(line, warningPrefix); ok {
			l.warned, l.warning = l.warned+1, text
		}
	}
	if n := len(l.lines) - maxLog; n > 0 {
		l.lines = append(l.lines[:0], l.lines[n:]...)
	}
	return len(b), nil
}

// warnings returns how many warnings there were, and the latest.
func (l *screenLog) warnings() (n int, latest string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.warned, l.warning
}

// latest returns the latest line.
func (l *screenLog) latest() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) == 0 {
		return ""
	}
	return strings.TrimPrefix(l.lines[len(l.lines)-1], "pgsniff: ")
}

func (l *screenLog) writeTo(w io.Writer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, line := range l.lines {
		fmt.Fprintln(w, line)
	}
}
