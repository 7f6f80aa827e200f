package app

import (
	"time"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/selection"
	"github.com/pgsniff/pgsniff/internal/stats"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// totals feeds the view stats. It takes what is selected: only packets and
// bytes, which belong to no connection, are always those of the whole capture.
type totals struct {
	sum    *stats.Stats
	limits stats.Limits
	normal record.Normalizer
	sample stats.QuerySample
	errs   messages.ErrorResponse
	kinds  [messages.NumKinds]uint64 // of selected messages
	lost   uint64                    // bytes, of selected connections
	// examples makes the scripts of slowest calls, nil where nobody reads them.
	examples *examples
	script   func() []byte // of the query at hand
	// streams are the replication connections that ended; more were dropped.
	streams        []stats.Stream
	droppedStreams uint64

	// What was told in the periods before this one.
	packets, bytes uint64
	toldKinds      [messages.NumKinds]uint64
}

// mergeable has reports be such that can be merged.
func (t *totals) mergeable() {
	t.limits.Mergeable = true
	t.sum = stats.New(t.limits)
}

func newTotals() *totals { return &totals{sum: stats.New(stats.Limits{})} }

// exchange adds an exchange of a session.
func (t *totals) exchange(s *session.Session, x *exchange.Exchange) {
	if t.examples != nil {
		t.script = t.examples.at(s, x)
	}
	t.query(s.ID, x)
}

// query adds an exchange. Nothing is allocated for one whose normalised text
// is known.
func (t *totals) query(conn uint64, x *exchange.Exchange) {
	if x.Skipped {
		return // the server did nothing for it
	}
	q := &t.sample
	q.Duration, q.Rows, q.Bytes = -1, x.Rows, x.Bytes
	if n := t.normal.Of(x); n != nil {
		q.Normalized, q.Fingerprint, q.Operation = n.Text, n.Hash, n.Operation
	} else {
		q.Normalized, q.Fingerprint, q.Operation = nil, 0, ""
	}
	if ns, ok := x.Duration(); ok {
		q.Duration = ns
	}
	if q.SQLState, q.Message = nil, nil; x.Error != nil {
		_ = x.ErrorFields(&t.errs) // of a broken one, the fields before the fault
		q.SQLState, q.Message = orUnknown(x.SQLState()), t.errs.Message()
	}
	q.Conn, q.ID, q.At, q.SQL, q.SQLLen = conn, x.ID, x.Start.Time, x.SQL, x.SQLLen
	q.End, q.Script = x.End.Time, t.script
	t.sum.Query(q)
}

// failure adds an error that no query ended in.
func (t *totals) failure(e *session.Event) {
	_ = t.errs.Decode(e.Body) // of a broken one, the fields before the fault
	t.sum.Error(&stats.ErrorSample{
		SQLState: orUnknown(t.errs.SQLState()), Message: t.errs.Message(), At: e.At.Time, Conn: e.Session.ID,
	})
}

func orUnknown(state []byte) []byte {
	if len(state) == 0 {
		return stats.UnknownState
	}
	return state
}

func (t *totals) connection(s *session.Session) {
	i := s.Info()
	t.lost += i.Traffic.Lost[0] + i.Traffic.Lost[1]
	switch {
	case i.Stream == nil || i.Stream.Messages == 0 && !i.Stream.Slot.Known:
	case len(t.streams) == stats.MaxStreams:
		t.droppedStreams++
	default:
		t.streams = append(t.streams, stats.Stream{Conn: s.ID, Client: s.Client, Server: s.Server, Summary: i.Stream})
	}
	t.sum.Connection(&stats.ConnectionSample{
		User: i.User, Database: i.Database, Application: i.Application, Client: selection.Host(s.Client),
		Queries: s.Totals().Queries, Errors: i.Errors, Bytes: i.Traffic.Bytes[0] + i.Traffic.Bytes[1],
		Lifetime: time.Duration(max(i.Ended.Time-i.Started.Time, 0)), Encrypted: isEncrypted(i),
		Continues: i.Continues != 0,
	})
}

// report ends the sums. Kinds are all messages since the beginning, nil for those
// that were selected.
func (t *totals) report(traffic stats.Traffic, kinds *[messages.NumKinds]uint64, by stats.Sort, top int) *stats.Report {
	if kinds == nil {
		kinds = &t.kinds
	}
	traffic.LostBytes = t.lost
	traffic.Packets -= t.packets
	traffic.Bytes -= t.bytes
	t.sum.SetTraffic(traffic)
	for k, n := range kinds {
		t.sum.Message(messages.Kind(k), n-t.toldKinds[k])
	}
	r := t.sum.Snapshot(by, top)
	r.Streams, r.OtherStreams = t.streams, t.droppedStreams
	return r
}

// period is report for a period, after which another one begins.
func (t *totals) period(traffic stats.Traffic, kinds *[messages.NumKinds]uint64, by stats.Sort, top int) *stats.Report {
	if kinds == nil {
		kinds = &t.kinds
	}
	r := t.report(traffic, kinds, by, top)
	t.packets, t.bytes, t.toldKinds = traffic.Packets, traffic.Bytes, *kinds
	t.sum, t.lost, t.streams, t.droppedStreams = stats.New(t.limits), 0, nil, 0
	return r
}
