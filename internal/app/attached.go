package app

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/pgsniff/pgsniff/internal/attach"
	"github.com/pgsniff/pgsniff/internal/inside"
	"github.com/pgsniff/pgsniff/internal/render"
)

// attached is what a run has that looks inside servers.
type attached struct {
	attach.Source
	feed     *inside.Feed
	lost     uint64    // times that the ring had no room
	untimed  bool      // it was told that server_times are left out
	reported time.Time // when that was last looked at
	chosen   []int     // the processes that it ends with, if they were chosen by number
}

// newAttached attaches.
func newAttached(opt attach.Options) (*attached, error) {
	src, err := attach.Open(opt)
	if err != nil {
		return nil, &exitError{ExitFailure, err}
	}
	a := &attached{Source: src}
	if len(opt.Programs) == 0 || len(opt.Servers) > 0 {
		a.chosen = append(slices.Clone(opt.Servers), opt.Processes...)
	}
	return a, nil
}

// runAttached is live without packets.
func runAttached(env *Env, o *Options, f *liveFlags) error {
	o.live = true
	r, err := newRun(env, o)
	if err != nil {
		return err
	}
	opt, servers, err := f.attach.resolve()
	if err != nil {
		return err
	}
	if r.attached, err = newAttached(opt); err != nil {
		return err
	}
	defer r.attached.close()
	r.attached.feed = inside.New(r.analyzer, inside.Options{Port: r.attachedPort()})
	if err := r.dropPrivileges(f.userDrop); err != nil {
		return &exitError{ExitFailure, err}
	}
	stop := stopSignals(r.attached.Stop, r.onlyReader(), o.Duration, !r.agent.reloads) // who reads that it has begun may end it
	r.attachedTo(opt, servers)
	defer r.onHangup()()
	defer r.govern()()
	err = r.attachedLoop()
	stop()
	r.countLost()
	return r.finish(err)
}

// attachedBeside finds the servers for a run that captures packets, too: without --port
// those of their ports.
func (f *liveFlags) attachedBeside(o *Options) (opt attach.Options, servers []attach.Server, err error) {
	if !f.attach.on() {
		return opt, nil, nil
	}
	o.inside = true
	if opt, servers, err = f.attach.resolve(); err != nil {
		return opt, nil, err
	}
	for _, s := range servers {
		for _, a := range s.Listens {
			if _, port, err := net.SplitHostPort(a); err == nil {
				o.unlessNamed(port)
			}
		}
	}
	return opt, servers, nil
}

// attachWithin attaches for a run that captures packets, too; to nothing if no
// programs are named.
func (r *run) attachWithin(opt attach.Options, servers []attach.Server) error {
	if len(opt.Programs)+len(opt.Processes) == 0 {
		return nil
	}
	a, err := newAttached(opt)
	if err != nil {
		return err
	}
	r.attached = a
	r.attached.feed = inside.New(r.analyzer, inside.Options{Port: r.attachedPort(), Captured: true})
	r.attachedTo(opt, servers)
	return nil
}

// close detaches; it does nothing for nil.
func (a *attached) close() {
	if a != nil {
		_ = a.Close()
	}
}

// attachedUntil passes on what happened in servers before a packet's time.
func (r *run) attachedUntil(now int64) {
	if r.attached == nil {
		return
	}
	r.pump()
	r.attached.feed.Until(now)
}

// pump takes what the servers have done. It reports whether more may come.
func (r *run) pump() bool {
	var e attach.Event
	for {
		switch err := r.attached.Next(&e); {
		case err == nil:
			r.attached.feed.Event(&e)
		default:
			return errors.Is(err, attach.ErrNoEvent)
		}
	}
}

// attachedRest passes on all that is left, when the capture is over.
func (r *run) attachedRest() {
	if r.attached == nil {
		return
	}
	r.attached.Stop()
	for r.pump() {
		if r.attached.Wait(tickTime) != nil {
			break
		}
	}
	r.attached.feed.Rest()
	r.countLost()
}

// attachedPort is what --port asks for, nil without it.
func (r *run) attachedPort() func(uint16) bool {
	if !r.opt.portsChanged || r.opt.AnyPort {
		return nil
	}
	return r.analyzer.Listed
}

// attachedTo tells what is looked into.
func (r *run) attachedTo(opt attach.Options, servers []attach.Server) {
	if r.opt.Quiet {
		return
	}
	names := make([]string, 0, len(servers))
	for _, s := range servers {
		names = append(names, serverName(s))
	}
	if len(names) == 0 {
		names = append(names, opt.Programs...)
	}
	for _, pid := range opt.Processes {
		names = append(names, fmt.Sprintf("%s (pid %d)", attach.ProgramName(pid), pid))
	}
	fmt.Fprintf(r.env.Err, "pgsniff: attached to %s\n", render.Visible(strings.Join(names, "; ")))
	if err := r.attached.Stats().Peerless; err != nil {
		fmt.Fprintf(r.env.Err, "pgsniff: who the clients of Unix sockets are is left out (peer_pid, peer_uid, peer_program): %s\n", visible(err))
	}
}

// serverName says which server it is.
func serverName(s attach.Server) string {
	name := "PostgreSQL"
	if s.Version != "" {
		name += " " + s.Version
	}
	name += fmt.Sprintf(" (pid %d", s.PID)
	if places := append(s.Listens[:len(s.Listens):len(s.Listens)], s.Sockets...); len(places) > 0 {
		name += ", " + strings.Join(places, ", ")
	}
	return name + ")"
}

// attachedLoop takes events until the source is stopped or the output is gone, which is
// looked at with each tick.
func (r *run) attachedLoop() error {
	var e attach.Event
	var due int64 // time of the next tick
	for {
		switch err := r.attached.Next(&e); {
		case err == nil:
			r.attached.feed.Event(&e)
			if e.Time < due && e.Time >= due-2*int64(tickTime) {
				continue
			}
			due = e.Time + int64(tickTime)
			r.attachedTick()
		case errors.Is(err, attach.ErrNoEvent):
			r.attachedTick()
			if err := r.attached.Wait(tickTime); err != nil {
				return err
			}
			r.analyzer.Advance(r.env.Now().Add(-tickTime).UnixNano())
		case errors.Is(err, io.EOF):
			return nil
		default:
			return err
		}
		if r.failed() {
			return nil
		}
	}
}

// attachedTick has all output go out, and tells of losses.
func (r *run) attachedTick() {
	r.reload()
	r.analyzer.Flush()
	if now := r.env.Now(); now.Sub(r.attached.reported) >= dropTime {
		r.attached.reported = now
		r.countLost()
		r.tendAttached()
	}
}

// tendAttached looks after what brings no events. What is not seen from now on is told
// even with -q.
func (r *run) tendAttached() {
	if r.attached == nil {
		return
	}
	if err := r.attached.Tend(); err != nil {
		fmt.Fprintf(r.env.Err, "pgsniff: %s\n", visible(err))
	}
	r.tellEnded()
	r.tellTimed()
}

// tellEnded tells when none of the processes is left that were chosen by their numbers.
func (r *run) tellEnded() {
	a := r.attached
	if len(a.chosen) == 0 || slices.ContainsFunc(a.chosen, attach.Exists) {
		return
	}
	what := "the process"
	if len(a.chosen) > 1 {
		what = "all processes"
	}
	fmt.Fprintf(r.env.Err, "pgsniff: %s attached to has ended: nothing more comes of it\n", what)
	a.chosen = nil
}

// tellTimed tells when server_times are left out, and when they are no more.
func (r *run) tellTimed() {
	if r.opt.Quiet {
		return
	}
	untimed := r.attached.Stats().Untimed
	if untimed == r.attached.untimed {
		return
	}
	r.attached.untimed = untimed
	text := "server_times are told again"
	if untimed {
		text = "server_times are left out while the servers do this much: their probes would take more of this host than --attach-times allows"
	}
	fmt.Fprintf(r.env.Err, "pgsniff: %s\n", text)
}

// countLost reports what could not be passed on since the last time. Not even -q
// hides a loss.
func (r *run) countLost() {
	if r.attached == nil {
		return
	}
	st := r.attached.Stats()
	sum := st.Lost + st.Unreadable + st.Crowded
	if n := sum - r.attached.lost; n > 0 {
		fmt.Fprintf(r.env.Err, "pgsniff: %s of the servers' were lost (%d in all): this host is too busy; what is missing is told with the connections\n",
			plural(n, "read or write"), sum)
	}
	r.attached.lost = sum
}

// attachedSummary is the closing line where no packets were captured.
func (r *run) attachedSummary() {
	if r.opt.Quiet {
		return
	}
	line := fmt.Sprintf("%s, %s, %s, %s", plural(r.analyzer.Connections(), "connection"),
		plural(r.analyzer.Messages(), "message"), plural(r.counts.queries, "query"), plural(r.analyzer.Shared().Errors, "error"))
	if lost := r.analyzer.Counts.Lost; lost > 0 {
		line += fmt.Sprintf(", %s lost", plural(lost, "byte"))
	}
	fmt.Fprintf(r.env.Err, "pgsniff: %s\n", line)
	if dropped := droppedText(r.analyzer.Shared().Exchanges); dropped != "" {
		fmt.Fprintf(r.env.Err, "pgsniff: for lack of memory, %s\n", dropped)
	}
}
