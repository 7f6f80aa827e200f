package replication

import (
	"bytes"
	"slices"
)

// Operation is what a Change is.
type Operation uint8

// The operations: those on rows, and the ends of transactions.
const (
	OpInsert Operation = iota
	OpUpdate
	OpDelete
	OpTruncate
	OpMessage
	OpCommit
	OpAbort // of a streamed transaction, or of one of its subtransactions
	OpPrepare
	OpCommitPrepared
	OpRollbackPrepared
	// NumOperations is how many there are.
	NumOperations
)

var operationNames = [NumOperations]string{
	"insert", "update", "delete", "truncate", "message", "commit", "abort", "prepare", "commit_prepared", "rollback_prepared",
}

func (o Operation) String() string { return operationNames[o] }

// Ends reports whether it is the end of a transaction, or of a subtransaction.
func (o Operation) Ends() bool { return o >= OpCommit }

// Change is one change to the data of a database, or the end of a transaction. It
// borrows from the message it was made of and is valid until the next one.
type Change struct {
	Operation Operation
	Meaning   *Meaning
	LSN       LSN // of the WALData
	// XID is the outermost transaction, 0 if not known; SubXID the subtransaction
	// that a streamed change belongs to, or that is aborted, 0 if it is the
	// outermost itself, or not known.
	XID, SubXID uint32
	Streamed    bool
	// Prepared tells that the transaction is, or was, prepared under GID.
	Prepared bool
	GID      []byte
	// CommitLSN and CommitTime are those of the transaction where they are known
	// by then: from its beginning if it was sent once it had committed.
	CommitLSN  LSN
	CommitTime Time
	HasCommit  bool
	OID        uint32 // of the relation
	Before     byte   // what Old is: 'K' key, 'O' whole row, 0 nothing
	Old, New   Tuple
	Truncate   *Truncate
	Message    *LogicalMessage
	// Sum is what the transaction held, for its end; nil where it is not known.
	Sum *Sum
}

// Sum is what a transaction held.
type Sum struct {
	// Counts are by relation and operation, those of a relation together, in order
	// of appearance. Messages, which belong to no relation, have the OID 0.
	Counts []Count
	Bytes  uint64 // of its messages, as CopyData on the wire
	// Start is the time of its first message, on the clock of the caller.
	Start int64
	// Partial tells that its beginning was not seen, bytes were lost within it, or
	// there was no room to count by relation.
	Partial bool
}

// Count is a number of changes of one kind.
type Count struct {
	OID       uint32
	Relation  *Relation // nil if not known
	Operation Operation
	N         uint64
	sub       uint32
}

const (
	// maxOpen is how many transactions are remembered at a time: those that are
	// streamed take turns. A server has at most max_connections of them; beyond
	// some hundred they are rare.
	maxOpen = 512
	// maxCounts is how many counts a transaction has: relations times operations
	// times subtransactions.
	maxCounts = 4096
)

// Transactions makes changes of the logical messages of one connection, and sums
// them up by transaction. The zero value is ready.
type Transactions struct {
	open     map[uint32]*transaction
	current  *transaction // nil if not known
	spare    []*transaction
	change   Change
	meaning  Meaning
	finished Sum // of the latest that ended
	merged   []Count
	order    map[uint32]int
	index    map[countKey]int
	holes    uint64
}

type transaction struct {
	xid        uint32
	streamed   bool
	prepared   bool
	gid        []byte
	commit     LSN
	commitTime Time
	hasCommit  bool
	sum        Sum
	index      map[countKey]int
	latest     int // in sum.Counts
	holes      uint64
}

type countKey struct {
	oid, sub uint32
	op       Operation
}

// Lost tells that messages from the server may be missing.
func (t *Transactions) Lost() {
	t.holes++
	t.current = nil
}

// Observe takes each WALData with a logical message, as Stream.Observe told it:
// its length on the wire as CopyData, and when it came. ok is false for messages
// that are no change.
func (t *Transactions) Observe(m *Meaning, w *WALData, inner Message, size int, at int64) (c *Change, ok bool) {
	c = &t.change
	t.meaning = *m // what is kept must not be the caller's
	*c = Change{Meaning: &t.meaning, LSN: w.Start, XID: m.XID, Streamed: m.Streamed}
	switch msg := inner.(type) {
	case *Begin:
		t.begin(msg.XID, false, at, size)
		t.current.commit, t.current.commitTime, t.current.hasCommit = msg.Final, msg.Committed, true
		return nil, false
	case *BeginPrepare:
		t.begin(msg.XID, false, at, size)
		t.current.prepared, t.current.gid = true, append(t.current.gid[:0], msg.GID...)
		return nil, false
	case *StreamStart:
		t.resume(msg, at, size)
		return nil, false
	case *StreamStop:
		t.add(size)
		t.current = nil
		return nil, false
	}
	if t.row(c, inner) {
		t.count(c, size)
		return c, true
	}
	if t.end(c, inner, size) {
		return c, true
	}
	t.add(size) // descriptions belong to it, too
	return nil, false
}

func (t *Transactions) add(size int) {
	if t.current != nil {
		t.current.sum.Bytes += uint64(size)
	}
}

// begin begins a transaction. One that is sent as a whole is not interrupted.
func (t *Transactions) begin(xid uint32, streamed bool, at int64, size int) {
	t.drop(xid)
	if len(t.open) >= maxOpen {
		for other := range t.open { // any: there is no telling which will go on
			t.drop(other)
			break
		}
	}
	var x *transaction
	if n := len(t.spare); n > 0 {
		x, t.spare = t.spare[n-1], t.spare[:n-1]
	} else {
		x = &transaction{index: map[countKey]int{}}
	}
	clear(x.index)
	*x = transaction{
		xid: xid, streamed: streamed, gid: x.gid[:0], index: x.index, holes: t.holes,
		sum: Sum{Counts: x.sum.Counts[:0], Start: at, Bytes: uint64(size)}, latest: -1,
	}
	if t.open == nil {
		t.open = map[uint32]*transaction{}
	}
	t.open[xid] = x
	t.current = x
}

// drop forgets a transaction and keeps its memory for the next.
func (t *Transactions) drop(xid uint32) {
	x := t.open[xid]
	if x == nil {
		return
	}
	delete(t.open, xid)
	if t.current == x {
		t.current = nil
	}
	if len(t.spare) < 4 {
		t.spare = append(t.spare, x)
	}
}

// resume goes on with a streamed transaction.
func (t *Transactions) resume(m *StreamStart, at int64, size int) {
	if x := t.open[m.XID]; x != nil && m.First == 0 {
		t.current = x
		x.sum.Bytes += uint64(size)
		return
	}
	t.begin(m.XID, true, at, size)
	t.current.sum.Partial = m.First == 0
}

// row fills a change to rows; it reports whether the message is one.
func (t *Transactions) row(c *Change, inner Message) bool {
	var in *InStream
	switch msg := inner.(type) {
	case *Insert:
		c.Operation, c.OID, c.New, in = OpInsert, msg.OID, msg.New, &msg.InStream
	case *Update:
		c.Operation, c.OID, c.New, in = OpUpdate, msg.OID, msg.New, &msg.InStream
		c.Before, c.Old = msg.Before, msg.Old
	case *Delete:
		c.Operation, c.OID, in = OpDelete, msg.OID, &msg.InStream
		c.Before, c.Old = msg.Before, msg.Old
	case *Truncate:
		c.Operation, c.Truncate, in = OpTruncate, msg, &msg.InStream
	case *LogicalMessage:
		c.Operation, c.Message, in = OpMessage, msg, &msg.InStream
		if msg.Flags&1 == 0 && !in.Streamed {
			c.XID = 0 // it belongs to none
			return true
		}
	default:
		return false
	}
	if in.Streamed {
		t.belongs(c, in.XID)
	}
	if x := t.current; x != nil {
		c.Prepared, c.GID = x.prepared, x.gid
		c.CommitLSN, c.CommitTime, c.HasCommit = x.commit, x.commitTime, x.hasCommit
	}
	return true
}

// count adds a change to its transaction.
func (t *Transactions) count(c *Change, size int) {
	x := t.current
	if x == nil || c.Operation == OpMessage && c.XID == 0 {
		return
	}
	x.sum.Bytes += uint64(size)
	if c.Operation != OpTruncate {
		x.bump(c.OID, c.Meaning.Relation, c.Operation, c.SubXID)
		return
	}
	for i := range c.Truncate.OIDs.Len() {
		x.bump(c.Truncate.OIDs.At(i), c.Meaning.Truncated[i], OpTruncate, c.SubXID)
	}
}

func (x *transaction) bump(oid uint32, r *Relation, op Operation, sub uint32) {
	if i := x.latest; i >= 0 {
		if n := &x.sum.Counts[i]; n.OID == oid && n.Operation == op && n.sub == sub {
			n.N++
			return
		}
	}
	k := countKey{oid, sub, op}
	i, ok := x.index[k]
	if !ok {
		if len(x.sum.Counts) == maxCounts {
			x.sum.Partial = true
			return
		}
		i = len(x.sum.Counts)
		x.index[k] = i
		x.sum.Counts = append(x.sum.Counts, Count{OID: oid, Relation: r, Operation: op, sub: sub})
	}
	x.sum.Counts[i].N++
	x.latest = i
}

// end fills the end of a transaction; it reports whether the message is one.
func (t *Transactions) end(c *Change, inner Message, size int) bool {
	switch msg := inner.(type) {
	case *Commit:
		c.Operation = OpCommit
		c.CommitLSN, c.CommitTime, c.HasCommit = msg.Commit, msg.Committed, true
	case *StreamCommit:
		c.Operation, c.Streamed = OpCommit, true
		c.CommitLSN, c.CommitTime, c.HasCommit = msg.Commit, msg.Committed, true
	case *StreamAbort:
		c.Operation, c.Streamed = OpAbort, true
		if msg.SubXID != msg.XID {
			c.SubXID = msg.SubXID
		}
	case *Prepare:
		c.Operation, c.Prepared, c.GID = OpPrepare, true, msg.GID
	case *StreamPrepare:
		c.Operation, c.Prepared, c.GID, c.Streamed = OpPrepare, true, msg.GID, true
	case *CommitPrepared:
		c.Operation, c.Prepared, c.GID = OpCommitPrepared, true, msg.GID
		c.CommitLSN, c.CommitTime, c.HasCommit = msg.Prepare, msg.Time, true
		return true
	case *RollbackPrepared:
		c.Operation, c.Prepared, c.GID = OpRollbackPrepared, true, msg.GID
		return true
	default:
		return false
	}
	t.sum(c, size)
	return true
}

// sum gives the end of a transaction its sum.
func (t *Transactions) sum(c *Change, size int) {
	x := t.open[c.XID]
	if x == nil || c.XID == 0 {
		return
	}
	x.sum.Bytes += uint64(size)
	if x.holes != t.holes {
		x.sum.Partial = true
	}
	if c.SubXID != 0 {
		t.aborted(c, x)
		return
	}
	c.Sum = &t.finished
	t.finished = x.sum
	t.finished.Counts = t.merge(x.sum.Counts)
	t.drop(c.XID)
}

// aborted takes the changes of a subtransaction out of its transaction, and tells
// what they were.
func (t *Transactions) aborted(c *Change, x *transaction) {
	t.merged = t.merged[:0]
	for i := range x.sum.Counts {
		n := &x.sum.Counts[i]
		if n.sub == c.SubXID && n.N > 0 {
			t.merged = append(t.merged, *n)
			n.N = 0
		}
	}
	t.group()
	t.finished = Sum{Counts: t.merged, Start: x.sum.Start, Partial: x.sum.Partial}
	c.Sum = &t.finished
}

// merge joins the counts of subtransactions.
func (t *Transactions) merge(list []Count) []Count {
	t.merged = t.merged[:0]
	if t.index == nil {
		t.index = map[countKey]int{}
	}
	clear(t.index)
	for i := range list {
		n := list[i]
		if n.N == 0 {
			continue
		}
		k := countKey{n.OID, 0, n.Operation}
		if at, ok := t.index[k]; ok {
			t.merged[at].N += n.N
			continue
		}
		t.index[k] = len(t.merged)
		t.merged = append(t.merged, n)
	}
	t.group()
	return t.merged
}

// group puts the counts of each relation together, in the order in which the
// relations appeared.
func (t *Transactions) group() {
	if len(t.merged) < 3 {
		return
	}
	if t.order == nil {
		t.order = map[uint32]int{}
	}
	clear(t.order)
	for i := range t.merged {
		if _, ok := t.order[t.merged[i].OID]; !ok {
			t.order[t.merged[i].OID] = i
		}
	}
	slices.SortStableFunc(t.merged, t.compare)
}

func (t *Transactions) compare(a, b Count) int { return t.order[a.OID] - t.order[b.OID] }

// Clone returns a copy that borrows nothing.
func (c *Change) Clone() *Change {
	n := *c
	m := *c.Meaning
	n.Meaning, n.GID = &m, bytes.Clone(c.GID)
	n.Old.raw, n.New.raw = bytes.Clone(c.Old.raw), bytes.Clone(c.New.raw)
	if c.Truncate != nil {
		t := *c.Truncate
		t.OIDs = bytes.Clone(t.OIDs)
		n.Truncate = &t
	}
	if c.Message != nil {
		l := *c.Message
		l.Prefix, l.Content = bytes.Clone(l.Prefix), bytes.Clone(l.Content)
		n.Message = &l
	}
	if c.Sum != nil {
		s := *c.Sum
		s.Counts = slices.Clone(s.Counts)
		n.Sum = &s
	}
	return &n
}
