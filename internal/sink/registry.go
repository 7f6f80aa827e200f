package sink

import (
	"io"
	"time"

	"github.com/spf13/pflag"

	"github.com/pgsniff/pgsniff/internal/record"
)

// View is a row of the registry for --view: something that derives records, or hands on
// what there is.
type View struct {
	Name string // of --view
	Help string // half a sentence: what it shows; in lines, where it is longer than one
	// Of is what a view hands on that derives nothing: it has no Setup, and several that
	// share an output are one.
	Of Wants
	// Setup adds the view's own flags, if it has any, and returns what makes the
	// view once they are set. It is called once for each command.
	Setup func(f *pflag.FlagSet) OpenView
}

// Messages, Queries and Connections are the views that hand on what there is. Notices say
// what is odd between messages, and are of queries, too.
var (
	Messages = View{
		Name: "messages",
		Help: "each message, with its fields, the phase that it leads to, and what\nis odd about it; the default",
		Of:   Wants{Messages: AllKinds(), Notices: true},
	}
	Queries = View{
		Name: "queries",
		Help: "each query when it is over: how long it took, what came of it, its\nSQL and its values",
		Of:   Wants{Queries: true, Notices: true},
	}
	Connections = View{
		Name: "connections",
		Help: "each connection when it ends: who, how long, how it ended",
		Of:   Wants{Connections: true},
	}
)

// OpenView makes a view that hands its records to out. Out is not to be ended by
// it; its Wants are not asked.
type OpenView func(env *Env, out Sink) (Sink, error)

// Output is a row of the registry for -o: something that writes records.
type Output struct {
	Name string // of -o
	Help string // half a sentence: what it writes
	// Views are those that it can write, the first one is written where --view is
	// not given; none for an output that is told what it wants whatever the view.
	Views []string
	// Setup adds the output's own flags, if it has any, and returns what makes the
	// output once they are set. It is called once for each command.
	Setup func(f *pflag.FlagSet) OpenOutput
}

// OpenOutput makes an output.
type OpenOutput func(env *Env) (Sink, error)

// Env is what views and outputs have from the run.
type Env struct {
	// To is the path that --to names, empty for standard output.
	To string
	// Create opens To for writing, or standard output, which Close does not close.
	Create func() (io.WriteCloser, error)
	// Warn writes a warning to standard error.
	Warn func(err error)
	Live bool
	Now  func() time.Time
	// Args is the command line, without the program's name.
	Args []string
	// Getenv returns a variable of the environment.
	Getenv func(name string) string
	// Totals returns what was counted so far, as of the latest Tick.
	Totals func() record.Totals
	// Warned returns what was said of the input so far that may be missing, a line each: that
	// it is cut short, for instance. Nil: nothing is known of it.
	Warned func() []string
	// Begun returns when what is shown of a file begins: its first packet, or what was
	// asked for; 0: not known, as of live traffic.
	Begun func() int64
	// Width is the columns of the terminal that is written to, 0 if it is none;
	// Color tells that colours are wanted.
	Width       int
	Color       bool
	Micros      bool // --time-stamp-precision micro: JSON's times have six digits of a fraction
	MaxValue    int  // --max-value-bytes: longer values are cut; 0: never
	ShowSecrets bool
	Top         int           // --top
	Every       time.Duration // --every, 0: once at the end
	// Slot is where the sink may keep something with each connection, see
	// record.Conn.Slot.
	Slot    int
	Verbose bool // -v
	Pretty  bool // the output is for people
}
