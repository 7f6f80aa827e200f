package screen

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"golang.org/x/term"

	"github.com/pgsniff/pgsniff/internal/flow"
	"github.com/pgsniff/pgsniff/internal/overview"
)

// Options are what a screen shows and may do.
type Options struct {
	Data  *overview.Collector
	Title string // the interfaces or files
	Live  bool
	In    io.Reader // the keys; nil: the terminal
	Out   io.Writer
	Size  func() (w, h int) // of an Out that is no file
	Now   func() time.Time
	After func(time.Duration) <-chan time.Time // nil: time.After
	Local *time.Location
	Color bool
	// Ended receives how the source ended, once; Quit is closed where the program
	// cannot go on.
	Ended <-chan error
	Quit  <-chan struct{}
	// Progress returns how much of a file is read; nil: nobody knows.
	Progress func() (read, total int64, ok bool)
	// Message returns what the run said last; empty: nothing.
	Message func() string
	// Warnings returns how often the run has warned, and the latest warning; nil: never.
	Warnings func() (n int, latest string)
	// Flow makes the flow of a connection; it may take as long as reading the file.
	Flow func(flow.Place) (*flow.Flow, error)
	// Save writes the packets of a connection to a file, and returns how many.
	Save func(place flow.Place, path string) (int, error)
	// SetFilter exchanges the capture filter, which is Filter at first; nil: there is
	// none to exchange.
	SetFilter func(expr string) error
	Filter    string
	// Oldest returns the oldest packet that is kept; nil: all are there.
	Oldest func() (frame uint64, at int64)
}

// Run shows the screen until the user leaves it, or a signal ends the program. The
// terminal is then as it was before, and so it is while the program is stopped.
func Run(opt Options) error {
	m := newModel(opt)
	p := tea.NewProgram(m, programOptions(&opt, m.painter.output())...)
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, append(jobSignals(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)...)
	defer signal.Stop(signals)
	done := make(chan struct{})
	defer close(done)
	go func() {
		m.job.watch(p, &opt, signals, done)
		endAnywhere()
		close(m.job.ended)
		go p.Quit() // it waits for a frame to be written
		drain(opt.Out, done)
	}()
	result := make(chan error, 1)
	go func() {
		_, err := p.Run()
		result <- err
	}()
	var err error
	select {
	case err = <-result:
	case <-m.job.left:
	}
	switch {
	case errors.Is(err, tea.ErrProgramPanic):
		return errors.New("the screen failed; this is a fault of the program, please report it")
	case errors.Is(err, tea.ErrInterrupted):
		return nil
	}
	return err
}

// drain takes from a terminal that reads nothing, that of a session whose network is gone
// for instance, what it has not read: the program waits for room in it, and has to end.
func drain(out io.Writer, done <-chan struct{}) {
	const patience, again = time.Second, 50 * time.Millisecond
	f, ok := out.(interface{ Fd() uintptr })
	if !ok {
		return
	}
	for wait := patience; ; wait = again {
		select {
		case <-done:
			return
		case <-time.After(wait):
			if !discard(f.Fd()) {
				return
			}
		}
	}
}

// rendererRate is how often a second Bubble Tea looks whether it has something to write:
// modes, the title, what goes to the clipboard. The painter writes the frames when they are
// made. Each look wakes a processor, which a server can use.
const rendererRate = 5

// programOptions are those of the program, which asks nobody about colours: not all ways
// of saying no would count, and tmux would be run.
func programOptions(opt *Options, out io.Writer) []tea.ProgramOption {
	list := []tea.ProgramOption{tea.WithOutput(out), tea.WithoutSignalHandler(), tea.WithFPS(rendererRate), tea.WithColorProfile(colorprofile.ANSI)}
	if f, ok := opt.In.(*os.File); opt.In != nil && (!ok || term.IsTerminal(int(f.Fd()))) {
		list = append(list, tea.WithInput(opt.In))
	} // else the terminal is opened: standard input is the capture
	if opt.Size != nil {
		list = append(list, tea.WithWindowSize(opt.Size()))
	}
	return list
}
