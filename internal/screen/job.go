package screen

import (
	"io"
	"os"
	"sync/atomic"
	"time"

	tea "charm.land/bubbletea/v2"
)

// job is the program as a job of a shell: it is stopped and continued, from the keyboard and
// from elsewhere, and has the terminal while it runs only.
//
// Stopping takes a signal that cannot be caught. Once a program of Go has caught SIGTSTP, it
// never stops by it again.
type job struct {
	stopping  atomic.Bool   // it gave the terminal back, and waits to be continued
	continued chan struct{} // that it was
	ended     chan struct{} // closed when the program is to end, stopped or not
	left      chan struct{} // closed when it ends without taking the terminal again

	// What follows belongs to the program's goroutine.
	had     bool      // the screen was shown
	missing time.Time // since when it is not
}

func newJob() *job {
	return &job{continued: make(chan struct{}, 1), ended: make(chan struct{}), left: make(chan struct{})}
}

// stop is a command of the program that gives the terminal back, stops, and takes the
// terminal again when the job is continued.
func (j *job) stop() tea.Msg { return tea.Exec(meanwhile(j.wait), nil)() }

// retake is a command of the program that gives the terminal back and takes it again: who
// had it meanwhile may have left it in any state.
func (j *job) retake() tea.Msg { return tea.Exec(meanwhile(func() {}), nil)() }

// lost reports whether the screen, which was shown before, has not been shown for so long that
// it will not come by itself any more: see settling.
func (j *job) lost(shown bool) bool {
	const patience = 2 * time.Second
	switch now := time.Now(); {
	case shown:
		j.had, j.missing = true, time.Time{}
	case !j.had:
	case j.missing.IsZero():
		j.missing = now
	case now.Sub(j.missing) >= patience:
		j.missing = now
		return true
	}
	return false
}

// wait stops, and returns when the job is continued. It does not return where the job is
// to end instead, as by kill %1 of a shell: the terminal is the shell's.
func (j *job) wait() {
	select {
	case <-j.continued: // left by what came before
	default:
	}
	j.stopping.Store(true)
	defer j.stopping.Store(false)
	if !stopGroup() {
		return
	}
	select {
	case <-j.continued:
	case <-j.ended:
		close(j.left)
		select {}
	}
}

// resumed takes note of a SIGCONT. It reports whether that came unexpected, so that the
// terminal is to be taken anew.
func (j *job) resumed() bool {
	if !j.stopping.Load() {
		return true
	}
	select {
	case j.continued <- struct{}{}:
	default:
	}
	return false
}

// watch takes signals until one of them, or something else, ends the program. It waits for
// nothing that the terminal may hold up.
func (j *job) watch(p *tea.Program, opt *Options, signals <-chan os.Signal, done <-chan struct{}) {
	for {
		select {
		case s := <-signals:
			switch {
			case isStop(s):
				go p.Send(j.stop())
			case isContinue(s):
				if j.resumed() && !elsewhere(opt.Out) {
					go p.Send(j.retake())
				}
			default:
				return
			}
		case <-opt.Quit:
			return
		case <-done:
			return
		}
	}
}

// elsewhere stops the job if the terminal that it was continued on is somebody else's.
func elsewhere(out io.Writer) bool {
	f, ok := out.(interface{ Fd() uintptr })
	return ok && inBackground(f.Fd())
}

// meanwhile is what is done while the program does not have the terminal.
type meanwhile func()

// settling is how long the terminal is left alone before it is given to somebody else or
// taken again. What draws for Bubble Tea stops its clock a moment after it was told to; if
// that comes after the clock was started again, nothing is drawn any more.
const settling = 20 * time.Millisecond

// Run does it.
func (f meanwhile) Run() error {
	time.Sleep(settling)
	f()
	return nil
}

// SetStdin and its kin are of no use to it: it neither reads nor writes.
func (meanwhile) SetStdin(io.Reader)  {}
func (meanwhile) SetStdout(io.Writer) {} //nolint:revive // the doc comment above is of all three
func (meanwhile) SetStderr(io.Writer) {} //nolint:revive // likewise
