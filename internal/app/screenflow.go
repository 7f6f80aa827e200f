package app

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"time"

	"golang.org/x/net/bpf"

	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/internal/flow"
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/screen"
	"github.com/pgsniff/pgsniff/internal/sink"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// screenSize returns the size of the terminal that is no file, for tests.
var screenSize func() (w, h int)

// screenOptions is what the screen may do.
func (s *screenRun) screenOptions(env *Env, ended <-chan error, quit <-chan struct{}) screen.Options {
	opt := screen.Options{
		Data: s.data, Title: s.title, Live: s.live, In: env.In, Out: env.Out, Now: env.Now, Local: time.Local,
		Color: s.opt.Color == "always" || s.opt.Color == "auto" && env.Getenv("NO_COLOR") == "",
		Ended: ended, Quit: quit,
		Progress: s.progress, Message: s.log.latest, Warnings: s.log.warnings, Flow: s.flow, Save: s.save,
		Filter: s.opt.kept.filter,
	}
	if slices.Contains(s.paths, "-") {
		opt.In = nil // it is the capture
	}
	opt.Size = screenSize
	if s.live {
		opt.SetFilter = s.setFilter
	}
	if s.history != nil {
		opt.Oldest = s.history.Oldest
	}
	return opt
}

// source returns the packets again: those of the files, or those that are kept.
func (s *screenRun) source(r *run) (capture.Source, error) {
	if s.history != nil {
		return s.history.Source(), nil
	}
	o := capture.FileOptions{OnWarning: func(error) {}}
	if r != nil {
		o.OnSecrets = r.addSecrets
	}
	return capture.OpenFiles(s.paths, o)
}

// flow makes the flow of a connection around a place of it.
func (s *screenRun) flow(place flow.Place) (*flow.Flow, error) {
	s.flows.Lock()
	defer s.flows.Unlock()
	c := flow.NewCollector(place, flow.Options{ShowSecrets: s.opt.ShowSecrets, Local: time.Local})
	r, err := s.again(c)
	if err != nil {
		return nil, err
	}
	src, err := s.source(r)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	m := flow.NewMatch(place)
	var p capture.Packet
	for !c.Done() {
		if err := src.Next(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		if m.Packet(&p) {
			r.analyzer.Packet(&p)
		}
	}
	r.analyzer.Finish()
	f := c.Flow()
	if len(f.Steps) == 0 {
		return nil, s.noPackets(place)
	}
	return f, nil
}

func (s *screenRun) noPackets(place flow.Place) error {
	if s.history != nil {
		if _, at := s.history.Oldest(); at != 0 {
			return fmt.Errorf("the packets of connection %d are gone: those since %s are kept (-w FILE keeps all)",
				place.Conn, time.Unix(0, at).Format("15:04:05"))
		}
	}
	return fmt.Errorf("no packets of connection %d", place.Conn)
}

// again makes a run like this one, of which a collector takes all that sessions report.
func (s *screenRun) again(c *flow.Collector) (*run, error) {
	o := *s.opt
	o.only, o.Workers, o.WALOut, o.Slow, o.Every = nothing{}, 1, "", 0, 0
	o.kept, o.selection = keptFlags{}, selectionFlags{}
	o.AnyPort, o.portsChanged = true, false // it was taken for PostgreSQL
	o.hooks = hooks{wrap: func(_ session.Handler, cfg *session.Config, l *exchange.Limits) session.Handler {
		cfg.Messages = true
		l.NoParameters, l.NoColumns = false, false
		return c
	}}
	env := *s.env
	env.Err = io.Discard // it was said the first time
	return newRun(&env, &o, s.paths...)
}

// nothing is a sink that wants nothing.
type nothing struct{}

func (nothing) Wants() sink.Wants        { return sink.Wants{} }
func (nothing) Record(record.Record)     {}
func (nothing) Tick(int64)               {}
func (nothing) End(*record.Totals) error { return nil }

// save writes the packets of a connection to a file that is not there yet.
func (s *screenRun) save(place flow.Place, path string) (int, error) {
	src, err := s.source(nil)
	if err != nil {
		return 0, err
	}
	defer src.Close()
	n, err := flow.Save(src, place, path, "pgsniff "+Version(), s.names)
	if errors.Is(err, fs.ErrExist) {
		return 0, fmt.Errorf("%s is there already; name another file", path)
	}
	return n, err
}

// filterRequest asks for another capture filter.
type filterRequest struct {
	expr string
	done chan error
}

// setFilter exchanges the capture filter, between two packets.
func (s *screenRun) setFilter(expr string) error {
	check := keptFlags{filter: expr}
	if err := check.checkFilter(); err != nil {
		return err
	}
	q := filterRequest{expr, make(chan error, 1)}
	select {
	case s.requests <- q:
	default:
		return errors.New("another filter is being set")
	}
	s.run.ask()
	const patience = 5 * time.Second
	select {
	case err := <-q.done:
		return err
	case <-time.After(patience):
		return errors.New("the capture does not answer")
	}
}

// asked sets the filter that was asked for.
func (s *screenRun) asked(r *run) bool {
	select {
	case q := <-s.requests:
		q.done <- r.exchangeFilter(q.expr)
		return true
	default:
		return false
	}
}

// exchangeFilter sets another filter for the packets that come from now on.
func (r *run) exchangeFilter(expr string) error {
	kept := r.opt.kept
	kept.filter, kept.program = expr, nil
	kernel, err := newKernelFilter(&r.opt.portFlags, &kept, 0)
	if err != nil {
		return err
	}
	return r.live.SetFilter(func(t capture.FilterTarget) ([]bpf.RawInstruction, error) { return kernel.program(t) })
}
