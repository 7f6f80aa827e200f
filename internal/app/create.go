package app

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/pgsniff/pgsniff/internal/render"
)

// create opens what an output is written to. What is shown of other people's
// traffic is nobody else's business.
func (r *run) create(out *outlet) (io.WriteCloser, error) {
	if out.spec.to == "" {
		f, _ := r.env.Out.(*os.File)
		out.standard = true
		return r.queued(out, f, stdout{r.env.Out}), nil
	}
	if err := r.inputs.refuse(cmp.Or(out.spec.flag, "--to"), out.spec.to); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(out.spec.to, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := private(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("cannot write for nobody else to read: %w", err)
	}
	out.file = &anew{File: f}
	return r.queued(out, f, out.file), nil
}

// queued puts a queue before a pipe whose reader may stand still, where other outputs are
// not to stand still with it. One alone holds the capture back until the reader goes on.
func (r *run) queued(out *outlet, f *os.File, w io.WriteCloser) io.WriteCloser {
	if !r.opt.live || !r.several || !out.spec.byLine() || f == nil {
		return w
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		return w
	}
	out.pipe = f
	out.queue = newLineQueue(w, queueLimit, r.env.Now, func(n, all uint64) {
		fmt.Fprintf(r.env.Err, "pgsniff: the reader of %s does not keep up: %s dropped (%d in all)\n",
			render.Visible(place(out.spec.to)), plural(n, "line"), all)
	})
	return out.queue
}

// close ends what an output is written to. A queue is written to its end meanwhile: ending
// tells when that has been.
func (r *run) close(out *outlet) error {
	switch {
	case out.queue != nil:
		_ = out.queue.Close() // finishQueue tells the error
		r.ending.Go(func() { r.finishQueue(out, queuePatience) })
	case out.file != nil:
		return out.file.Close()
	}
	return nil
}

// finishQueue waits for the reader of a pipe, and tells what it did not read. Not even -q
// hides a loss.
func (r *run) finishQueue(out *outlet, patience time.Duration) {
	lost, over, err := out.queue.finish(patience, func() error { return out.pipe.SetWriteDeadline(time.Unix(1, 0)) })
	if over && out.file != nil {
		err = errors.Join(err, out.file.Close())
	}
	out.failure = err
	if lost > 0 {
		fmt.Fprintf(r.env.Err, "pgsniff: the reader of %s did not keep up: %s dropped in all\n", render.Visible(place(out.spec.to)), plural(lost, "line"))
		r.linesLost.Add(lost)
	}
}

// readAll is an error where lines were dropped because nobody read them.
func (r *run) readAll() error {
	if n := r.linesLost.Load(); n > 0 {
		return &exitError{ExitFailure, fmt.Errorf("not all lines were written: %s dropped", plural(n, "line"))}
	}
	return nil
}

// anew is a file that is written anew. What was in it stays until there is something
// to write, or the run has ended: a run whose input cannot be read leaves it as it was.
type anew struct {
	*os.File
	empty bool
}

func (a *anew) clear() error {
	if a.empty {
		return nil
	}
	a.empty = true
	info, err := a.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	return a.Truncate(0)
}

func (a *anew) Write(b []byte) (int, error) {
	if err := a.clear(); err != nil {
		return 0, err
	}
	return a.File.Write(b)
}

func (a *anew) Close() error {
	return errors.Join(a.clear(), a.File.Close())
}

// private makes a file that was there before its owner's alone. What is no file, a pipe
// or a device, has no mode of its own.
func private(f *os.File) error {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Mode().Perm() == 0o600 {
		return err
	}
	return f.Chmod(0o600)
}

// stdout is standard output as something that outputs close.
type stdout struct{ io.Writer }

func (stdout) Close() error { return nil }
