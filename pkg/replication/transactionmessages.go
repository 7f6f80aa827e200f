package replication

// Begin begins a transaction that is sent once it has committed (manual: "Begin").
type Begin struct {
	Final     LSN // of the commit
	Committed Time
	XID       uint32
}

func (*Begin) Kind() Kind { return KindBegin }

func (m *Begin) decode(c *cursor) { m.Final, m.Committed, m.XID = c.lsn(), c.time(), c.uint32() }

func (m *Begin) Append(dst []byte) []byte {
	return appendU32(appendTime(appendLSN(append(dst, 'B'), m.Final), m.Committed), m.XID)
}

func (m *Begin) Visit(v Visitor) {
	v.LSN("final_lsn", m.Final)
	v.Time("commit_timestamp", m.Committed)
	v.Int("xid", int64(m.XID))
}

// Commit ends the transaction of the latest Begin (manual: "Commit").
type Commit struct {
	Flags       byte // unused
	Commit, End LSN
	Committed   Time
}

func (*Commit) Kind() Kind { return KindCommit }

func (m *Commit) decode(c *cursor) {
	m.Flags, m.Commit, m.End, m.Committed = c.byte1(), c.lsn(), c.lsn(), c.time()
}

func (m *Commit) Append(dst []byte) []byte {
	return appendTime(appendLSN(appendLSN(append(dst, 'C', m.Flags), m.Commit), m.End), m.Committed)
}

func (m *Commit) Visit(v Visitor) {
	v.Int("flags", int64(m.Flags))
	v.LSN("commit_lsn", m.Commit)
	v.LSN("end_lsn", m.End)
	v.Time("commit_timestamp", m.Committed)
}

// Origin tells from which server a transaction came (manual: "Origin").
type Origin struct {
	Commit LSN // on that server
	Name   []byte
}

func (*Origin) Kind() Kind { return KindOrigin }

func (m *Origin) decode(c *cursor) { m.Commit, m.Name = c.lsn(), c.cstring() }

func (m *Origin) Append(dst []byte) []byte {
	return appendCString(appendLSN(append(dst, 'O'), m.Commit), m.Name)
}

func (m *Origin) Visit(v Visitor) {
	v.LSN("commit_lsn", m.Commit)
	v.Text("name", m.Name)
}

// StreamStart begins a piece of a transaction that is still running (manual:
// "Stream Start"; protocol 2).
type StreamStart struct {
	XID   uint32
	First byte // 1 in the first piece of the transaction
}

func (*StreamStart) Kind() Kind { return KindStreamStart }

func (m *StreamStart) decode(c *cursor) { m.XID, m.First = c.uint32(), c.byte1() }

func (m *StreamStart) Append(dst []byte) []byte {
	return append(appendU32(append(dst, 'S'), m.XID), m.First)
}

func (m *StreamStart) Visit(v Visitor) {
	v.Int("xid", int64(m.XID))
	v.Bool("first_segment", m.First != 0)
}

// StreamStop ends such a piece (manual: "Stream Stop"; protocol 2).
type StreamStop struct{}

func (*StreamStop) Kind() Kind { return KindStreamStop }

func (*StreamStop) decode(*cursor) {}

func (*StreamStop) Append(dst []byte) []byte { return append(dst, 'E') }

func (*StreamStop) Visit(Visitor) {}

// StreamCommit commits a transaction that came in pieces (manual: "Stream Commit";
// protocol 2).
type StreamCommit struct {
	XID         uint32
	Flags       byte // unused
	Commit, End LSN
	Committed   Time
}

func (*StreamCommit) Kind() Kind { return KindStreamCommit }

func (m *StreamCommit) decode(c *cursor) {
	m.XID, m.Flags, m.Commit, m.End, m.Committed = c.uint32(), c.byte1(), c.lsn(), c.lsn(), c.time()
}

func (m *StreamCommit) Append(dst []byte) []byte {
	dst = append(appendU32(append(dst, 'c'), m.XID), m.Flags)
	return appendTime(appendLSN(appendLSN(dst, m.Commit), m.End), m.Committed)
}

func (m *StreamCommit) Visit(v Visitor) {
	v.Int("xid", int64(m.XID))
	v.Int("flags", int64(m.Flags))
	v.LSN("commit_lsn", m.Commit)
	v.LSN("end_lsn", m.End)
	v.Time("commit_timestamp", m.Committed)
}

// StreamAbort rolls back a transaction that came in pieces, or one of its
// subtransactions (manual: "Stream Abort"; protocol 2).
type StreamAbort struct {
	XID, SubXID uint32 // equal: the whole transaction
	// Parallel tells that position and time were sent: with protocol 4 and
	// streaming = parallel.
	Parallel bool
	Abort    LSN
	Aborted  Time
}

func (*StreamAbort) Kind() Kind { return KindStreamAbort }

func (m *StreamAbort) decode(c *cursor) {
	*m = StreamAbort{XID: c.uint32(), SubXID: c.uint32()}
	if m.Parallel = c.reason == "" && c.off < len(c.b); m.Parallel {
		m.Abort, m.Aborted = c.lsn(), c.time()
	}
}

func (m *StreamAbort) Append(dst []byte) []byte {
	dst = appendU32(appendU32(append(dst, 'A'), m.XID), m.SubXID)
	if m.Parallel {
		dst = appendTime(appendLSN(dst, m.Abort), m.Aborted)
	}
	return dst
}

func (m *StreamAbort) Visit(v Visitor) {
	v.Int("xid", int64(m.XID))
	v.Int("subxid", int64(m.SubXID))
	if m.Parallel {
		v.LSN("abort_lsn", m.Abort)
		v.Time("abort_timestamp", m.Aborted)
	}
}
