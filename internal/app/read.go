package app

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/pgsniff/pgsniff/internal/capture"
)

func newRead(env *Env) *cobra.Command {
	o := &Options{}
	cmd := &cobra.Command{
		Use: "read [flags] FILE...",
		Example: `  pgsniff read day.pcap --view queries --min-duration 100ms
  pgsniff read day.pcap --view stats --sort mean
  pgsniff read day.pcap --json --view queries | jq -r 'select(.error) | .sql'
  tcpdump -U -w - port 5432 | pgsniff read - --view queries`,
		Short: "Read captures: pcap or pcapng, plain, gzip, zstd, lz4 or xz; - is standard input",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError("read needs a capture file, or - for standard input")
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error { return runRead(env, o, args) },
	}
	o.add(cmd)
	o.choice.add(cmd)
	o.selection.span = new(span)
	o.selection.span.add(cmd)
	return cmd
}

func runRead(env *Env, o *Options, paths []string) error {
	r, err := newRun(env, o, paths...)
	if err != nil {
		return err
	}
	if o.KeyLog != "" && slices.Contains(paths, "-") {
		r.keys.Grow() // beside the stream
	}
	if r.keep != nil {
		if err := r.openPackets(); err != nil {
			return err
		}
	}
	files, err := capture.OpenFiles(paths, capture.FileOptions{
		Stdin:     env.In,
		OnWarning: func(err error) { r.warn(err) },
		OnSecrets: r.addSecrets,
		OnLocal:   r.addState,
		OnWait:    r.waiting,
	})
	if err != nil {
		return &exitError{ExitFailure, err}
	}
	defer files.Close()
	if f := o.hooks.begun; f != nil {
		f(files.Stop, files.Progress)
	}
	stop := showProgress(env, o.Quiet, files)
	defer onAsked(r.ask)()
	restore := stopSignals(files.Stop, r.onlyReader(), 0, true)
	err = r.loop(files)
	restore()
	if !r.begun {
		r.before = r.analyzer.Counts
	}
	stop()
	return r.finish(err)
}

// loop takes packets until the source ends, the count is reached or the output
// is gone. It returns the source's error.
func (r *run) loop(src *capture.Files) error {
	p := &r.packet
	var end int64
	shown := r.opt.selection.span
	// A pipe's next packet may be long in coming; of files, asking now and then whether
	// anybody still reads is enough.
	seldom := uint64(0)
	if _, _, regular := src.Progress(); regular {
		seldom = 63
	}
	for n := uint64(0); r.opt.Count == 0 || n < r.opt.Count; {
		if err := src.Next(p); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if n == 0 {
			shown.start(p.Time)
			r.first.Store(max(p.Time, shown.begins()))
		}
		if shown.end != 0 && p.Time >= shown.end {
			return nil
		}
		if !r.begun && shown.has(p.Time) {
			r.begun, r.before = true, r.analyzer.Counts
		}
		if r.opt.Duration > 0 {
			if n == 0 {
				end = p.Time + int64(r.opt.Duration)
			} else if p.Time >= end {
				return nil
			}
		}
		taken, err := r.take(p)
		if err != nil {
			return err
		}
		if taken {
			n++
		}
		if r.asked.Load() {
			r.answer()
		}
		if n&seldom == 0 && r.failed() {
			return nil
		}
	}
	return nil
}

// nowTime is how far the packets of a pipe may lag behind the clock, in nanoseconds,
// and still be taken for what happens now: clocks of other hosts differ.
const nowTime = int64(time.Minute)

// waiting is for when a pipe has nothing more for the moment: all that is known goes
// out. Where its packets are those of right now, time passes without them, too.
func (r *run) waiting() {
	last, now := r.analyzer.Counts.Last, r.env.Now().UnixNano()
	if r.opt.KeyLog != "" {
		r.keys.refresh()
		r.analyzer.PollKeys(last)
	}
	if margin := 2 * int64(tickTime); now-last < nowTime && now-margin > last {
		r.analyzer.Advance(now - margin)
	}
	r.analyzer.Flush()
	_ = r.keep.flush() // the error stays
}

// warningPrefix is what warnings begin with.
const warningPrefix = "pgsniff: warning: "

func (r *run) warn(err error) {
	r.warned.add(err)
	if !r.opt.Quiet {
		fmt.Fprintf(r.env.Err, warningPrefix+"%s\n", visible(err))
	}
}
