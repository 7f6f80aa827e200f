package sink

import (
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// Sink takes records. All methods are called by one goroutine, in the order of the
// capture, which is the same with any number of workers.
type Sink interface {
	// Wants says what the sink is to be told. It is asked once, before all else.
	Wants() Wants
	// Record takes a record that it wants, borrowed until the call returns.
	Record(r record.Record)
	// Tick tells that the capture's clock has come to now, in nanoseconds since the
	// Unix epoch: at least once for each Wants.Tick that passes, between records.
	Tick(now int64)
	// End tells that nothing follows. What is buffered is written; the first error of
	// the output is returned.
	End(t *record.Totals) error
}

// Failer is a Sink that can tell that its output has failed, so that the run ends:
// the reader of a pipe has gone. Failed may be called from any goroutine.
type Failer interface{ Failed() bool }

// Flusher is a Sink that buffers output, which is to go out when traffic pauses.
type Flusher interface{ Flush() error }

// Direct is a Sink that takes what sessions report as it is, because to make a record of
// it first would be a large part of its work: the writers of messages, which write
// most bodies from memory, and sums over all queries. It is told what its Wants say, and
// as records ([Sink.Record]) the messages that waited until it was known whether their
// query is selected.
type Direct interface {
	Sink
	// Events returns what is told. It is asked once.
	Events() session.Handler
}

// RowCounter is a Sink that shows the first rows of a run, DataRow or CopyData messages of
// a query, and counts the others: those that wait need not be held.
type RowCounter interface {
	// FirstRows is how many it shows; 0: all.
	FirstRows() int
	// MoreRows tells of n rows, with their bytes on the wire, that followed those of the
	// connection that Record was told of.
	MoreRows(c *record.Conn, n, bytes int)
}

// Leaver is a Sink that is told of each connection that is over, by its number, whether it
// is selected or not, so that nothing is kept of it.
type Leaver interface{ Gone(conn uint64) }

// NetworkFact is what records of the network's doings have.
type NetworkFact interface{ NetworkFact() }

// Kinds is a set of kinds of messages.
type Kinds [messages.NumKinds]bool

// KindsOf returns a set.
func KindsOf(list ...messages.Kind) (k Kinds) {
	for _, kind := range list {
		k[kind] = true
	}
	return k
}

// AllKinds returns the set of all kinds.
func AllKinds() (k Kinds) {
	for i := range k {
		k[i] = true
	}
	return k
}

// Any reports whether the set is not empty.
func (k *Kinds) Any() bool { return *k != Kinds{} }

// Wants is what a sink is to be told. What nobody wants is not made.
type Wants struct {
	Messages Kinds // records of messages of these kinds
	Queries  bool  // records of query cycles
	// LeftOut has those queries told, too, that sampling leaves out: for sums.
	LeftOut     bool
	Connections bool
	Notices     bool
	// Rows, if not 0, is how many rows of a query cycle are enough, where DataRow is
	// among Messages: of a result with one row none needs to be told. It makes all
	// messages that are not wanted cost next to nothing. Such rows are told with all their
	// values, secrets too: they are for comparing and measuring, and nothing of them may be
	// shown or kept.
	Rows uint64
	// Anomalies has messages told, of whatever kind, in which something is against the
	// protocol.
	Anomalies bool
	// AtOnce has messages told when they come, though it be not known yet whether their
	// query is selected: for counting.
	AtOnce  bool
	Network bool // what the network did: records of type *netfacts.Record
	Pooled  bool // Query.Pooled and Behind

	// What records hold beyond their smallest form.
	Normalized bool // Query.Normalized, Fingerprint and Operation
	Parameters bool // Query.Params, and the types of Bind messages
	Columns    bool // Query.Results' Columns, and those of DataRow messages
	States     bool // Message.State

	// Tick is how often Tick is to be called at least, in nanoseconds of the
	// capture's clock; 0: never.
	Tick int64
}

// Or returns what either wants.
func (w Wants) Or(o Wants) Wants {
	all := w.Messages.Any() && w.Rows == 0 || o.Messages.Any() && o.Rows == 0
	if w.Rows = max(w.Rows, o.Rows); all {
		w.Rows = 0
	}
	for i, b := range o.Messages {
		w.Messages[i] = w.Messages[i] || b
	}
	w.LeftOut, w.AtOnce = w.LeftOut || o.LeftOut, w.AtOnce && o.AtOnce
	w.Anomalies = w.Anomalies || o.Anomalies
	w.Queries, w.Connections, w.Notices = w.Queries || o.Queries, w.Connections || o.Connections, w.Notices || o.Notices
	w.Network, w.Pooled = w.Network || o.Network, w.Pooled || o.Pooled
	w.Normalized, w.Parameters = w.Normalized || o.Normalized, w.Parameters || o.Parameters
	w.Columns, w.States = w.Columns || o.Columns, w.States || o.States
	if w.Tick == 0 || o.Tick != 0 && o.Tick < w.Tick {
		w.Tick = o.Tick
	}
	return w
}

// Any reports whether records of messages, queries or connections are wanted.
func (w *Wants) Any() bool { return w.Messages.Any() || w.Queries || w.Connections }

// Takes reports whether a record is one of those wanted. What views derive is taken
// by all that are put behind them.
func (w *Wants) Takes(r record.Record) bool {
	switch r := r.(type) {
	case *record.Message:
		return w.Messages[r.Kind] || w.Anomalies && len(r.Notes()) > 0
	case *record.Query:
		return w.Queries
	case *record.Connection:
		return w.Connections
	case *record.Notice:
		return w.Notices
	case NetworkFact:
		return w.Network
	}
	return true
}

// Everything is what a sink wants that writes all records whole.
func Everything() Wants {
	return Wants{
		Messages: AllKinds(), Queries: true, Connections: true, Notices: true, Pooled: true,
		Normalized: true, Parameters: true, Columns: true,
	}
}
