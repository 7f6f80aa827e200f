package report

import (
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/replication"
)

// maxStreams bounds the replication connections that are shown.
const maxStreams = 50

// stream is a replication connection.
type stream struct {
	Conn   uint64     `json:"conn"`
	Client string     `json:"client"`
	Who    string     `json:"who,omitempty"` // application or user
	Kind   string     `json:"kind"`
	Slot   string     `json:"slot,omitempty"`
	Sent   string     `json:"sent,omitempty"` // the position
	WAL    uint64     `json:"wal"`            // bytes that were sent
	Write  *lag       `json:"write,omitempty"`
	Flush  *lag       `json:"flush,omitempty"`
	Apply  *lag       `json:"apply,omitempty"`
	Period int64      `json:"period,omitempty"` // of a point of the series, nanoseconds
	Series [][2]int64 `json:"series,omitempty"` // since the start of the page's time; the 95th percentile of the lag
}

// lag is how far the client was behind with a stage.
type lag struct {
	Bytes   uint64 `json:"bytes"` // in the end
	Samples uint64 `json:"samples,omitempty"`
	P50     int64  `json:"p50,omitempty"` // nanoseconds, as those below
	P95     int64  `json:"p95,omitempty"`
	Max     int64  `json:"max,omitempty"`
}

// stream takes what a connection's end tells of replication.
func (o *output) stream(c *record.Connection) {
	sum := c.Info.Stream
	if sum == nil {
		return
	}
	if len(o.streams) >= maxStreams {
		o.moreStream++
		return
	}
	s := &stream{Conn: c.Conn.ID, Client: c.Conn.Client, Who: c.Who.Application, Kind: sum.Mode.String(), Slot: sum.Slot.Name, WAL: sum.WALBytes, Period: sum.Period}
	if s.Who == "" {
		s.Who = c.Who.User
	}
	if sum.Sent != 0 {
		s.Sent = sum.Sent.String()
	}
	for i, at := range []**lag{replication.StageWrite: &s.Write, replication.StageFlush: &s.Flush, replication.StageApply: &s.Apply} {
		if sum.Positions[i] == 0 {
			continue
		}
		d := &sum.Lag[i]
		l := &lag{Bytes: sum.Behind[i], Samples: d.N}
		if d.N > 0 {
			l.P50, l.P95, l.Max = d.Quantile(0.5), d.Quantile(0.95), d.Max
		}
		*at = l
	}
	for i := range sum.Series {
		p := &sum.Series[i]
		worst := int64(-1)
		for k := range p.Lag {
			if p.Lag[k].N > 0 {
				worst = max(worst, p.Lag[k].Quantile(0.95))
			}
		}
		if worst >= 0 {
			s.Series = append(s.Series, [2]int64{o.since(p.Start), worst})
		}
	}
	o.streams = append(o.streams, s)
}
