package replication

import "encoding/binary"

func appendBool(dst []byte, v byte) []byte { return append(dst, v) }

func appendLSN(dst []byte, v LSN) []byte   { return binary.BigEndian.AppendUint64(dst, uint64(v)) }
func appendTime(dst []byte, v Time) []byte { return binary.BigEndian.AppendUint64(dst, uint64(v)) }
func appendU32(dst []byte, v uint32) []byte {
	return binary.BigEndian.AppendUint32(dst, v)
}

func appendCString(dst, s []byte) []byte { return append(append(dst, s...), 0) }

// WALData is a piece of the write-ahead log, or one message of an output plugin
// (manual: "WALData (B)", before PostgreSQL 19 "XLogData (B)").
type WALData struct {
	Start LSN    // of the data
	End   LSN    // of the log on the server when it was sent; in logical replication often Start
	Time  Time   // of sending, by the server's clock
	Data  []byte // borrowed
}

func (*WALData) Kind() Kind { return KindWALData }

func (m *WALData) decode(c *cursor) {
	m.Start, m.End, m.Time = c.lsn(), c.lsn(), c.time()
	m.Data = c.rest()
}

func (m *WALData) Append(dst []byte) []byte {
	dst = appendLSN(appendLSN(append(dst, 'w'), m.Start), m.End)
	return append(appendTime(dst, m.Time), m.Data...)
}

func (m *WALData) Visit(v Visitor) {
	v.LSN("start_lsn", m.Start)
	v.LSN("end_lsn", m.End)
	v.Time("time", m.Time)
	v.Size("bytes", len(m.Data))
}

// PrimaryKeepalive tells how far the server is (manual: "Primary keepalive message
// (B)").
type PrimaryKeepalive struct {
	End   LSN // of the log on the server
	Time  Time
	Reply byte // 1: the client is to answer at once
}

func (*PrimaryKeepalive) Kind() Kind { return KindPrimaryKeepalive }

func (m *PrimaryKeepalive) decode(c *cursor) {
	m.End, m.Time, m.Reply = c.lsn(), c.time(), c.byte1()
}

func (m *PrimaryKeepalive) Append(dst []byte) []byte {
	return appendBool(appendTime(appendLSN(append(dst, 'k'), m.End), m.Time), m.Reply)
}

func (m *PrimaryKeepalive) Visit(v Visitor) {
	v.LSN("end_lsn", m.End)
	v.Time("time", m.Time)
	v.Bool("reply", m.Reply != 0)
}

// PrimaryStatusUpdate answers a PrimaryStatusRequest (manual: "Primary status
// update (B)"; since PostgreSQL 19).
type PrimaryStatusUpdate struct {
	Write              LSN    // latest position written on the server
	OldestXID, NextXID uint64 // oldest that is committing, next to be assigned; with their epoch
	Time               Time
}

func (*PrimaryStatusUpdate) Kind() Kind { return KindPrimaryStatusUpdate }

func (m *PrimaryStatusUpdate) decode(c *cursor) {
	m.Write, m.OldestXID, m.NextXID, m.Time = c.lsn(), c.uint64(), c.uint64(), c.time()
}

func (m *PrimaryStatusUpdate) Append(dst []byte) []byte {
	dst = appendLSN(append(dst, 's'), m.Write)
	dst = binary.BigEndian.AppendUint64(dst, m.OldestXID)
	dst = binary.BigEndian.AppendUint64(dst, m.NextXID)
	return appendTime(dst, m.Time)
}

func (m *PrimaryStatusUpdate) Visit(v Visitor) {
	v.LSN("write_lsn", m.Write)
	v.Uint("oldest_xid", m.OldestXID)
	v.Uint("next_xid", m.NextXID)
	v.Time("time", m.Time)
}

// StandbyStatusUpdate tells how far the client is (manual: "Standby status update
// (F)"). Positions are those of the last byte plus one; 0 is not known.
type StandbyStatusUpdate struct {
	Write, Flush, Apply LSN
	Time                Time // by the client's clock
	Reply               byte // 1: the server is to answer at once
}

func (*StandbyStatusUpdate) Kind() Kind { return KindStandbyStatusUpdate }

func (m *StandbyStatusUpdate) decode(c *cursor) {
	m.Write, m.Flush, m.Apply = c.lsn(), c.lsn(), c.lsn()
	m.Time, m.Reply = c.time(), c.byte1()
}

func (m *StandbyStatusUpdate) Append(dst []byte) []byte {
	dst = appendLSN(appendLSN(appendLSN(append(dst, 'r'), m.Write), m.Flush), m.Apply)
	return appendBool(appendTime(dst, m.Time), m.Reply)
}

func (m *StandbyStatusUpdate) Visit(v Visitor) {
	v.LSN("write_lsn", m.Write)
	v.LSN("flush_lsn", m.Flush)
	v.LSN("apply_lsn", m.Apply)
	v.Time("time", m.Time)
	v.Bool("reply", m.Reply != 0)
}

// HotStandbyFeedback tells which rows the client still needs (manual: "Hot standby
// feedback message (F)"). Transaction numbers of 0 tell that there is none.
type HotStandbyFeedback struct {
	Time                          Time
	XMin, Epoch                   uint32
	CatalogXMin, CatalogXMinEpoch uint32
}

func (*HotStandbyFeedback) Kind() Kind { return KindHotStandbyFeedback }

func (m *HotStandbyFeedback) decode(c *cursor) {
	m.Time, m.XMin, m.Epoch = c.time(), c.uint32(), c.uint32()
	m.CatalogXMin, m.CatalogXMinEpoch = c.uint32(), c.uint32()
}

func (m *HotStandbyFeedback) Append(dst []byte) []byte {
	dst = appendTime(append(dst, 'h'), m.Time)
	dst = appendU32(appendU32(dst, m.XMin), m.Epoch)
	return appendU32(appendU32(dst, m.CatalogXMin), m.CatalogXMinEpoch)
}

func (m *HotStandbyFeedback) Visit(v Visitor) {
	v.Time("time", m.Time)
	v.Int("xmin", int64(m.XMin))
	v.Int("epoch", int64(m.Epoch))
	v.Int("catalog_xmin", int64(m.CatalogXMin))
	v.Int("catalog_xmin_epoch", int64(m.CatalogXMinEpoch))
}

// PrimaryStatusRequest asks for a PrimaryStatusUpdate (manual: "Primary status
// request (F)"; since PostgreSQL 19).
type PrimaryStatusRequest struct{ Time Time }

func (*PrimaryStatusRequest) Kind() Kind { return KindPrimaryStatusRequest }

func (m *PrimaryStatusRequest) decode(c *cursor) { m.Time = c.time() }

func (m *PrimaryStatusRequest) Append(dst []byte) []byte { return appendTime(append(dst, 'p'), m.Time) }

func (m *PrimaryStatusRequest) Visit(v Visitor) { v.Time("time", m.Time) }
