package replication

// prepared is what most messages of two-phase commit consist of.
type prepared struct {
	Prepare, End LSN // for CommitPrepared Prepare is the position of the commit
	Time         Time
	XID          uint32
	GID          []byte // name of the prepared transaction
}

func (m *prepared) read(c *cursor) {
	m.Prepare, m.End, m.Time, m.XID, m.GID = c.lsn(), c.lsn(), c.time(), c.uint32(), c.cstring()
}

func (m *prepared) append(dst []byte) []byte {
	dst = appendTime(appendLSN(appendLSN(dst, m.Prepare), m.End), m.Time)
	return appendCString(appendU32(dst, m.XID), m.GID)
}

func (m *prepared) visit(v Visitor, lsn, at string) {
	v.LSN(lsn, m.Prepare)
	v.LSN("end_lsn", m.End)
	v.Time(at, m.Time)
	v.Int("xid", int64(m.XID))
	v.Text("gid", m.GID)
}

// BeginPrepare begins a transaction that is sent once it was prepared (manual:
// "Begin Prepare"; protocol 3).
type BeginPrepare struct{ prepared }

func (*BeginPrepare) Kind() Kind { return KindBeginPrepare }

func (m *BeginPrepare) decode(c *cursor) { m.read(c) }

func (m *BeginPrepare) Append(dst []byte) []byte { return m.append(append(dst, 'b')) }

func (m *BeginPrepare) Visit(v Visitor) { m.visit(v, "prepare_lsn", "prepare_timestamp") }

// Prepare prepares the transaction of the latest BeginPrepare (manual: "Prepare";
// protocol 3).
type Prepare struct {
	Flags byte // unused
	prepared
}

func (*Prepare) Kind() Kind { return KindPrepare }

func (m *Prepare) decode(c *cursor) { m.Flags = c.byte1(); m.read(c) }

func (m *Prepare) Append(dst []byte) []byte { return m.append(append(dst, 'P', m.Flags)) }

func (m *Prepare) Visit(v Visitor) {
	v.Int("flags", int64(m.Flags))
	m.visit(v, "prepare_lsn", "prepare_timestamp")
}

// CommitPrepared commits a prepared transaction (manual: "Commit Prepared";
// protocol 3).
type CommitPrepared struct {
	Flags byte // unused
	prepared
}

func (*CommitPrepared) Kind() Kind { return KindCommitPrepared }

func (m *CommitPrepared) decode(c *cursor) { m.Flags = c.byte1(); m.read(c) }

func (m *CommitPrepared) Append(dst []byte) []byte { return m.append(append(dst, 'K', m.Flags)) }

func (m *CommitPrepared) Visit(v Visitor) {
	v.Int("flags", int64(m.Flags))
	m.visit(v, "commit_lsn", "commit_timestamp")
}

// RollbackPrepared rolls a prepared transaction back (manual: "Rollback Prepared";
// protocol 3).
type RollbackPrepared struct {
	Flags                   byte // unused
	PrepareEnd, RollbackEnd LSN
	Prepared, RolledBack    Time
	XID                     uint32
	GID                     []byte
}

func (*RollbackPrepared) Kind() Kind { return KindRollbackPrepared }

func (m *RollbackPrepared) decode(c *cursor) {
	m.Flags, m.PrepareEnd, m.RollbackEnd = c.byte1(), c.lsn(), c.lsn()
	m.Prepared, m.RolledBack, m.XID, m.GID = c.time(), c.time(), c.uint32(), c.cstring()
}

func (m *RollbackPrepared) Append(dst []byte) []byte {
	dst = appendLSN(appendLSN(append(dst, 'r', m.Flags), m.PrepareEnd), m.RollbackEnd)
	dst = appendTime(appendTime(dst, m.Prepared), m.RolledBack)
	return appendCString(appendU32(dst, m.XID), m.GID)
}

func (m *RollbackPrepared) Visit(v Visitor) {
	v.Int("flags", int64(m.Flags))
	v.LSN("prepare_end_lsn", m.PrepareEnd)
	v.LSN("rollback_end_lsn", m.RollbackEnd)
	v.Time("prepare_timestamp", m.Prepared)
	v.Time("rollback_timestamp", m.RolledBack)
	v.Int("xid", int64(m.XID))
	v.Text("gid", m.GID)
}

// StreamPrepare prepares a transaction that came in pieces (manual: "Stream
// Prepare"; protocol 3).
type StreamPrepare struct {
	Flags byte // unused
	prepared
}

func (*StreamPrepare) Kind() Kind { return KindStreamPrepare }

func (m *StreamPrepare) decode(c *cursor) { m.Flags = c.byte1(); m.read(c) }

func (m *StreamPrepare) Append(dst []byte) []byte { return m.append(append(dst, 'p', m.Flags)) }

func (m *StreamPrepare) Visit(v Visitor) {
	v.Int("flags", int64(m.Flags))
	m.visit(v, "prepare_lsn", "prepare_timestamp")
}
