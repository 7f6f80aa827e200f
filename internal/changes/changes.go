// Package changes is the view of what logical replication changes: a record for
// each change to a row, and one for each end of a transaction, as they come.
// Nothing is gathered: a transaction that is streamed while it runs is shown while
// it runs, and what becomes of it is told at its end.
package changes

import (
	"github.com/spf13/pflag"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sink"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// View is the row for the registry.
var View = sink.View{
	Name: "changes", Help: "changes to rows, and ends of transactions, of logical replication",
	Setup: func(*pflag.FlagSet) sink.OpenView {
		return func(_ *sink.Env, out sink.Sink) (sink.Sink, error) { return &view{out: out}, nil }
	},
}

type view struct {
	out    sink.Sink
	change record.Change
}

func (v *view) Wants() sink.Wants {
	return sink.Wants{Messages: sink.KindsOf(messages.KindCopyData)}
}

func (v *view) Record(r record.Record) {
	m, ok := r.(*record.Message)
	if !ok || m.More == nil || m.More.Change == nil {
		return
	}
	v.change.Conn, v.change.Who, v.change.At, v.change.Change = m.Conn, m.Who, m.At, m.More.Change
	v.out.Record(&v.change)
}

func (v *view) Tick(int64) {}

func (v *view) End(*record.Totals) error { return nil }
