package app

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/internal/filter"
	"github.com/pgsniff/pgsniff/internal/privilege"
	"github.com/pgsniff/pgsniff/internal/render"
)

const (
	// tickTime is how often, at most, a live capture looks after what does not
	// come with packets: holes that time out, keys, output that waits.
	tickTime = 100 * time.Millisecond
	// dropTime is how often packets that the kernel dropped are reported.
	dropTime = time.Second
)

// liveFlags are those of live alone.
type liveFlags struct {
	interfaces []string
	buffer     int
	snapLen    int
	promisc    bool
	userDrop   string
	attach     attachFlags
}

func newLive(env *Env) *cobra.Command {
	o, f := &Options{}, &liveFlags{}
	cmd := &cobra.Command{
		Use: "live [flags] -i INTERFACE",
		Example: `  sudo pgsniff live -i any --view queries
  sudo pgsniff live --attach --view queries
  sudo pgsniff live -i eth0 -f 'host 10.0.0.7' --errors
  sudo pgsniff live -i any -q --errors -w errors.pcapng --only-matching --rotate-size 100M --rotate-files 20`,
		Short: "Capture on interfaces and show the traffic as it happens",
		Long: `live captures on one or several interfaces and shows the traffic as it happens.

The kernel passes on the packets of the TCP ports that --port names, with and
without VLAN tags. Later fragments of an IP packet have no ports: those of all
TCP packets are passed on. -f narrows that further. With --any-port the kernel
passes on all TCP, or, with -f, exactly what that matches: so tunnels can be
captured, which have no TCP port on the outside.

--attach reads the plaintext of TLS, GSS and Unix sockets where PostgreSQL servers
of this host have it (Linux, as root); without -i that is all. docs/attach.md.

It ends on Ctrl-C, SIGTERM, -c, --duration, or when the reader of its output has
gone; what was captured until then is shown.`,
		Args: func(cmd *cobra.Command, args []string) error {
			switch {
			case cmd.Flags().Changed("attach") && len(f.attach.targets) == 0: // --attach=$(pidof what does not run)
				return usageError("--attach= names nothing: it takes the number of a process, or the path of a program")
			case len(args) > 0 && f.attach.on(): // --attach PID
				f.attach.targets = append(slices.DeleteFunc(f.attach.targets, func(s string) bool { return s == allServers }), args...)
			case len(args) > 0:
				return usageError("live takes no arguments: name interfaces with -i")
			}
			return nil
		},
		RunE: func(*cobra.Command, []string) error { return runLive(env, o, f) },
	}
	o.add(cmd)
	o.choice.add(cmd)
	o.choice.addCaps(cmd)
	f.add(cmd)
	return cmd
}

func (f *liveFlags) add(cmd *cobra.Command) {
	s := cmd.Flags()
	s.StringSliceVarP(&f.interfaces, "interface", "i", nil, "capture on `IFACE`; may be repeated; any: on all of them")
	s.IntVar(&f.buffer, "buffer-size", capture.DefaultBuffer>>20, "let up to `N` MiB of packets wait in the kernel")
	s.IntVar(&f.snapLen, "snaplen", 0, "keep `N` bytes of a packet; 0: all")
	s.BoolVar(&f.promisc, "promisc", false, "take packets that are not for this host, too")
	s.StringVar(&f.userDrop, "user-drop", "", "go on as `USER` once the capture has begun (default: who called sudo)")
	f.attach.add(s)
}

func (f *liveFlags) check(o *Options) error {
	const maxBuffer, minSnap = 4096, 64
	switch {
	case len(f.interfaces) == 0 && !f.attach.on():
		return usageError("live needs an interface: -i NAME, or -i any; pgsniff interfaces lists them")
	case len(f.interfaces) > 0 && f.attach.only:
		return usageError("--attach-only captures no packets: -i goes with --attach")
	case f.buffer < 1 || f.buffer > maxBuffer:
		return usageError("--buffer-size %d: must be from 1 to %d MiB", f.buffer, maxBuffer)
	case f.snapLen != 0 && f.snapLen < minSnap:
		return usageError("--snaplen %d: must be 0 or at least %d, or not even the headers are left", f.snapLen, minSnap)
	}
	if len(f.interfaces) == 0 {
		if err := o.checkWithoutPackets(); err != nil {
			return err
		}
	}
	if o.Workers == 0 {
		// The ring is the queue: a second goroutine would take time from the
		// server that runs on the same processors.
		o.Workers = 1
	}
	return nil
}

// live is what a run of live has besides a run of read.
type live struct {
	capture.Live
	dropped  atomic.Uint64 // packets that the kernel had no room for
	counting sync.Mutex    // of the kernel's counts, which are asked for from two sides
	reported time.Time     // when that was last looked at
	looked   time.Time     // a time before the ring was last found empty
}

// droppedPackets is 0 for nil.
func (l *live) droppedPackets() uint64 {
	if l == nil {
		return 0
	}
	return l.dropped.Load()
}

// dropText is for the summary; empty for nil.
func (l *live) dropText() string {
	if l == nil {
		return ""
	}
	return fmt.Sprintf(", %s dropped by the kernel", plural(l.dropped.Load(), "packet"))
}

func runLive(env *Env, o *Options, f *liveFlags) error {
	if err := f.check(o); err != nil {
		return err
	}
	if env.BecomeCapturing != nil {
		env.BecomeCapturing(f.attach.on())
	}
	if len(f.interfaces) == 0 {
		return runAttached(env, o, f)
	}
	o.live = true
	targets, servers, err := f.attachedBeside(o)
	if err != nil {
		return err
	}
	r, err := newRun(env, o)
	if err != nil {
		return err
	}
	if err := r.attachWithin(targets, servers); err != nil {
		return err
	}
	defer r.attached.close()
	if err := r.openLive(f); err != nil {
		return err
	}
	defer r.live.Close()
	if err := r.openKept(f); err != nil {
		return err
	}
	if err := r.dropPrivileges(f.userDrop); err != nil {
		return &exitError{ExitFailure, err}
	}
	stop := stopSignals(r.live.Stop, r.onlyReader(), o.Duration, !r.agent.reloads) // who reads that it has begun may end it
	r.listening()
	if f := o.hooks.begun; f != nil {
		f(r.live.Stop, nil)
	}
	defer onAsked(r.ask)()
	defer r.onHangup()()
	defer r.govern()()
	unwatch := r.watchDrops(dropTime)
	err = r.liveLoop()
	stop()
	unwatch()
	if h := o.hooks.history; h != nil {
		h.Publish()
	}
	r.attachedRest()
	r.countDrops()
	return r.finish(err)
}

// openLive begins the capture; packets that come from now on wait in the ring.
func (r *run) openLive(f *liveFlags) error {
	kernel, err := newKernelFilter(&r.opt.portFlags, &r.opt.kept, f.snapLen)
	if err != nil {
		return err
	}
	l, err := capture.OpenLive(capture.LiveOptions{
		Interfaces: f.interfaces, SnapLen: f.snapLen, BufferSize: f.buffer << 20, Promiscuous: f.promisc,
		Filter:  kernel.program,
		OnState: func(text string) { fmt.Fprintf(r.env.Err, "pgsniff: %s\n", render.Visible(text)) },
	})
	if err != nil {
		var syntax *filter.SyntaxError
		if errors.As(err, &syntax) {
			return usageError("-f: %w", err)
		}
		return &exitError{ExitFailure, err}
	}
	r.live = &live{Live: l}
	return nil
}

// openKept opens the file for packets, if there is to be one.
func (r *run) openKept(f *liveFlags) error {
	if r.keep == nil {
		return nil
	}
	r.keep.live, r.keep.names, r.keep.snapLen = true, r.live.Interfaces(), f.snapLen
	return r.openPackets()
}

// dropPrivileges goes on as another user, who also gets the file of packets.
func (r *run) dropPrivileges(name string) error {
	user, err := privilege.Target(name, r.env.Getenv)
	if err != nil {
		return err
	}
	if user == nil {
		err := privilege.DropCapabilities()
		if errors.Is(err, privilege.ErrKept) {
			r.warn(err)
			return nil
		}
		return err
	}
	if r.keep != nil && r.keep.out != nil {
		if err := user.Own(r.keep.out.Name()); err != nil {
			return err
		}
	}
	if err := user.Become(); err != nil {
		return err
	}
	if r.opt.Verbose {
		fmt.Fprintf(r.env.Err, "pgsniff: going on as user %s\n", user.Name)
	}
	return nil
}

// listening tells that packets are being taken.
func (r *run) listening() {
	if r.opt.Quiet {
		return
	}
	var names []string
	for _, i := range r.live.Interfaces() {
		names = append(names, i.Name)
	}
	what := "all TCP ports"
	if !r.opt.AnyPort {
		what = "port " + strings.Join(r.opt.Ports, ", ")
	}
	fmt.Fprintf(r.env.Err, "pgsniff: capturing on %s, %s\n", render.Visible(strings.Join(names, ", ")), what)
}

// liveLoop takes packets until the capture is stopped or the output is gone. It
// returns what the capture failed of.
func (r *run) liveLoop() error {
	var p capture.Packet
	var due int64 // capture time of the next tick
	for n := uint64(0); r.opt.Count == 0 || n < r.opt.Count; {
		switch err := r.live.Next(&p); {
		case err == nil:
			r.attachedUntil(p.Time)
			taken, err := r.take(&p)
			if err != nil {
				return err
			}
			if taken {
				n++
			}
			if p.Time >= due || p.Time < due-2*int64(tickTime) { // under load no pause will come
				due = p.Time + int64(tickTime)
				if err := r.tick(); err != nil {
					return err
				}
			}
		case errors.Is(err, capture.ErrNoPacket):
			if err := r.pause(); err != nil {
				return err
			}
		case errors.Is(err, io.EOF):
			return nil
		default:
			return err
		}
		if r.asked.Load() {
			r.answer()
		}
		if r.failed() {
			return nil
		}
	}
	return nil
}

// pause is for when no packet waits: all output goes out.
func (r *run) pause() error {
	// Packets of the last moments may still be on their way through the ring. The time is
	// that of before it was found empty: this process may be kept waiting at any place.
	if !r.live.looked.IsZero() {
		past := r.live.looked.Add(-2 * tickTime).UnixNano()
		r.attachedUntil(past)
		r.analyzer.Advance(past)
	}
	if err := r.tick(); err != nil {
		return err
	}
	wait := tickTime
	if r.attached != nil {
		wait /= 4 // what comes through Unix sockets brings no packets
	}
	err := r.live.Wait(wait)
	r.live.looked = time.Now()
	return err
}

// tick looks after what does not come with packets.
func (r *run) tick() error {
	if h := r.opt.hooks.history; h != nil {
		h.Publish()
	}
	r.reload()
	r.refreshKeys()
	r.analyzer.Flush()
	if now := r.env.Now(); now.Sub(r.live.reported) >= dropTime {
		r.live.reported = now
		r.countDrops()
		r.countLost()
		r.tendAttached()
	}
	return r.kept(r.keep.flush())
}

// refreshKeys reads what was added to the key log, and has what waited for it
// decrypted.
func (r *run) refreshKeys() {
	if r.opt.KeyLog != "" {
		r.keys.refresh()
		r.analyzer.PollKeys(r.env.Now().UnixNano())
	}
}
