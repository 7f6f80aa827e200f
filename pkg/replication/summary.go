package replication

import "slices"

// Summary is what is known of a replication connection when it is over. It is
// owned, and not to be changed.
type Summary struct {
	Mode Mode
	Slot Slot
	// Messages of WALData, and their data in bytes.
	Messages, WALBytes uint64
	// Sent is the position up to which WAL was sent, End that up to which the server
	// had it, Positions how far the client said that it is; 0 where not known.
	Sent, End LSN
	Positions [NumStages]LSN
	// Behind is what had been sent and was not yet at a stage in the end, in bytes;
	// only where Positions has the stage.
	Behind [NumStages]uint64
	// Idle tells that the client had all that was sent: what the server is ahead of
	// it is none of its business.
	Idle bool
	// Lag is how long positions took to each stage.
	Lag [NumStages]Durations
	// Series is the same in periods of Period nanoseconds, those with status
	// updates.
	Series []Point
	Period int64
	// Backup is the base backup that was sent last, nil if none.
	Backup *Backup
}

// Point is the lag in one period.
type Point struct {
	Start int64 // in nanoseconds since the epoch
	Lag   [NumStages]Durations
	index int64
}

// Summary returns what is known of the connection, nil if nothing flowed over it.
func (c *Connection) Summary() *Summary {
	if c.messages == 0 && !c.Lag.Acknowledged && len(c.backup.Archives) == 0 && !c.slot.Known {
		return nil
	}
	s := &Summary{
		Mode: c.streamed, Slot: c.Slot(), Messages: c.messages, WALBytes: c.walBytes,
		Sent: c.Lag.Sent, End: c.Lag.End, Idle: c.Lag.Acknowledged, Period: c.series.period,
	}
	for i := range NumStages {
		s.Positions[i] = c.Lag.Position(i)
		if s.Positions[i] == 0 {
			continue
		}
		if s.Sent > s.Positions[i] {
			s.Behind[i] = uint64(s.Sent - s.Positions[i])
			s.Idle = false
		}
	}
	for i := range c.series.points {
		for k := range NumStages {
			s.Lag[k].merge(&c.series.points[i].Lag[k])
		}
	}
	s.Series = slices.Clone(c.series.points)
	if len(c.backup.Archives) > 0 {
		s.Backup = c.backup.Clone()
	}
	return s
}

// Clone returns a copy.
func (b *Backup) Clone() *Backup {
	n := *b
	n.Archives = slices.Clone(b.Archives)
	return &n
}

// maxPoints bounds a series; when it is full, its periods get twice as long.
const maxPoints = 120

// series is a time series of lag. Its periods are a second at first.
type series struct {
	points []Point
	start  int64
	period int64
}

func (s *series) add(r *Report, at int64) {
	has := false
	for i := range r {
		has = has || r[i].HasTime
	}
	if !has {
		return
	}
	if s.period == 0 {
		s.start, s.period = at, 1e9
	}
	p := s.point(at)
	for i := range r {
		if r[i].HasTime {
			p.Lag[i].add(r[i].Time)
		}
	}
}

// point returns the one that a time belongs to; times that are not in order belong
// to the latest.
func (s *series) point(at int64) *Point {
	for at-s.start >= s.period*maxPoints {
		s.widen()
	}
	index := max(at-s.start, 0) / s.period
	if n := len(s.points); n > 0 && s.points[n-1].index >= index {
		return &s.points[n-1]
	}
	s.points = append(s.points, Point{Start: s.start + index*s.period, index: index})
	return &s.points[len(s.points)-1]
}

// widen makes periods twice as long.
func (s *series) widen() {
	s.period *= 2
	kept := s.points[:0]
	for i := range s.points {
		p := s.points[i]
		p.index /= 2
		p.Start = s.start + p.index*s.period
		if n := len(kept); n > 0 && kept[n-1].index == p.index {
			for k := range p.Lag {
				kept[n-1].Lag[k].merge(&p.Lag[k])
			}
			continue
		}
		kept = append(kept, p)
	}
	s.points = kept
}
