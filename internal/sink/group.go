package sink

import (
	"errors"

	"github.com/pgsniff/pgsniff/internal/record"
)

// NewGroup returns the sink of views that share an output: it is ended after
// them, once.
func NewGroup(out Sink, views ...Sink) Sink { return &group{NewFan(views...), out} }

type group struct {
	Sink
	out Sink
}

func (g *group) End(t *record.Totals) error {
	return errors.Join(g.Sink.End(t), g.out.End(t))
}

func (g *group) Failed() bool { return Failed(g.Sink) || Failed(g.out) }

func (g *group) Flush() error { return errors.Join(Flush(g.Sink), Flush(g.out)) }

// Pass returns a view that hands on what out and wants have in common.
func Pass(wants Wants, out Sink) Sink {
	o := out.Wants()
	for k := range wants.Messages {
		wants.Messages[k] = wants.Messages[k] && o.Messages[k]
	}
	wants.Queries, wants.Connections, wants.Notices = wants.Queries && o.Queries, wants.Connections && o.Connections, wants.Notices && o.Notices
	wants.Normalized, wants.Parameters, wants.Pooled = o.Normalized, o.Parameters, o.Pooled
	wants.Columns, wants.States, wants.Tick = o.Columns, o.States, o.Tick
	return &pass{out, wants}
}

type pass struct {
	out   Sink
	wants Wants
}

func (p *pass) Wants() Wants             { return p.wants }
func (p *pass) Record(r record.Record)   { p.out.Record(r) }
func (p *pass) Tick(now int64)           { p.out.Tick(now) }
func (p *pass) End(*record.Totals) error { return nil } // the group ends out
