// Package transactions is the view of transaction blocks: who held one open, for how
// long, how much of that the client said nothing and after which statement, and how it
// ended. Statements outside of blocks are transactions, too, but hold nothing open:
// they are not told.
package transactions

import (
	"bytes"
	"strings"

	"github.com/spf13/pflag"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sink"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// View is the row for the registry.
var View = sink.View{
	Name: "transactions", Help: "transaction blocks: who held one open, how long idle, after what, how it ended",
	Setup: func(*pflag.FlagSet) sink.OpenView {
		return func(_ *sink.Env, out sink.Sink) (sink.Sink, error) {
			return &view{out: out, open: make(map[uint64]*Transaction)}, nil
		}
	},
}

// view follows the transactions that are open, one of a connection at most; the number
// of connections is bounded by who follows them.
type view struct {
	out  sink.Sink
	open map[uint64]*Transaction // by connection
	free []*Transaction
}

// maxText bounds the statements that are kept, in bytes.
const maxText = 200

func (v *view) Wants() sink.Wants {
	return sink.Wants{Queries: true, LeftOut: true, Connections: true, Normalized: true}
}

func (v *view) Record(r record.Record) {
	switch r := r.(type) {
	case *record.Query:
		v.query(r)
	case *record.Connection:
		v.connection(r)
	}
}

func inBlock(tx byte) bool { return tx == 'T' || tx == 'E' }

func (v *view) query(q *record.Query) {
	t := v.open[q.Conn.ID]
	if t == nil {
		if !inBlock(q.Tx) && !inBlock(q.TxBefore) {
			return
		}
		t = v.begin(q)
	} else if q.Pause > 0 && inBlock(q.PauseTx) {
		t.idle(q.Pause)
	}
	t.Who = q.Who
	t.Queries++
	t.Rows += q.Rows
	if q.Error != nil {
		if t.Errors++; t.Errors == 1 {
			t.SQLState = string(q.SQLState())
		}
	}
	t.Last = text(q)
	if t.asked = q.End.Time == 0; !t.asked {
		t.End = q.End
	} else if at := q.Place(); at.Time > t.End.Time {
		t.End = at
	}
	if q.Tx == 'I' {
		v.finish(t, ending(q))
	}
}

func (v *view) begin(q *record.Query) *Transaction {
	t := new(Transaction)
	if n := len(v.free); n > 0 {
		t, v.free = v.free[n-1], v.free[:n-1]
		*t = Transaction{}
	}
	t.Conn, t.Start, t.End = q.Conn, q.Place(), q.Place()
	t.MidStream = q.TxBefore != 'I'
	v.open[q.Conn.ID] = t
	return t
}

// idle adds a time in which the client said nothing, after the latest statement.
func (t *Transaction) idle(ns int64) {
	t.Idle += ns
	if ns > t.Longest {
		t.Longest, t.After = ns, t.Last
	}
}

// ending tells by the tag of the last command how a block ended: a COMMIT after an
// error is answered by ROLLBACK.
func ending(q *record.Query) State {
	if n := len(q.Results); n > 0 {
		switch tag := q.Results[n-1].Tag; {
		case bytes.Equal(tag, []byte("COMMIT")):
			return Committed
		case bytes.Equal(tag, []byte("ROLLBACK")):
			return RolledBack
		case bytes.Equal(tag, []byte("PREPARE TRANSACTION")):
			return Prepared
		}
	}
	return Ended
}

func (v *view) connection(c *record.Connection) {
	t := v.open[c.Conn.ID]
	if t == nil {
		return
	}
	if end := c.Info.Ended; end.Time > t.End.Time {
		if !t.asked {
			t.idle(end.Time - t.End.Time)
		}
		t.End = end
	}
	state := Abandoned
	if c.Info.State == session.StateOpen {
		state = Open
	}
	v.finish(t, state)
}

// finish hands a transaction on; it is borrowed for the call.
func (v *view) finish(t *Transaction, s State) {
	t.State = s
	delete(v.open, t.Conn.ID)
	v.out.Record(t)
	const kept = 64
	if len(v.free) < kept {
		v.free = append(v.free, t)
	}
}

func (v *view) Tick(int64) {}

func (v *view) End(*record.Totals) error { return nil }

// text is a statement in short: normalized, so that it has no values.
func text(q *record.Query) string {
	b := q.Normalized
	if b == nil {
		b = []byte(q.Operation)
	}
	if len(b) > maxText {
		return strings.ToValidUTF8(string(b[:maxText]), "") + "…"
	}
	return string(b)
}
