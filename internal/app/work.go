package app

import (
	"runtime"

	"github.com/spf13/cobra"

	"github.com/pgsniff/pgsniff/internal/render"
	"github.com/pgsniff/pgsniff/internal/sink"
)

// workFlags say how the work is divided.
type workFlags struct{ Workers int }

func (f *workFlags) add(cmd *cobra.Command) {
	cmd.Flags().IntVar(&f.Workers, "workers", 0, "use up to `N` goroutines, of 3, for reading, decoding and formatting; 0: 3 if there are several processors. The output is the same")
}

func (f *workFlags) check() error { return natural("workers", f.Workers) }

// maxWorkers is how many goroutines there is work for: one reads and reassembles,
// one decodes, one formats. With fewer processors than goroutines they take turns as
// it comes, which no fixed division of the work does as well.
const maxWorkers = 3

// inStep is a part of a run. Where one has to know with each packet what comes of it, one
// goroutine does all.
type inStep interface{ inStep() bool }

// workers is how many goroutines there may be for a run of these parts.
func (f *workFlags) workers(parts ...inStep) int {
	for _, p := range parts {
		if p.inStep() {
			return 1
		}
	}
	if f.Workers > 0 {
		return f.Workers
	}
	if runtime.GOMAXPROCS(0) == 1 {
		return 1
	}
	return maxWorkers
}

// formatting reports whether to format what is wanted takes so long that it is worth a
// goroutine of its own, as long as all that comes before it: of messages, and of queries
// where the writer takes copies of them.
func formatting(w render.Writer, wants sink.Wants) bool {
	if wants.Queries {
		return render.CopiesQueries(w)
	}
	return wants.Messages.Any()
}
