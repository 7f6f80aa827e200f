package replication

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

const logicalStart = `START_REPLICATION SLOT "s" LOGICAL 0/0 (proto_version '4', streaming 'parallel', publication_names '"p"')`

func walData(lsn LSN, payload []byte) []byte {
	return append(wire('w', uint64(lsn), uint64(lsn), at), payload...)
}

// talk is a Stream with what it told.
type talk struct {
	*Stream
	changes Transactions
	lsn     LSN
	lines   []string
}

func newTalk(c *Catalog, start string) *talk {
	t := &talk{Stream: NewStream(c, "db:5432")}
	if start != "" {
		t.Startup("shop")
		t.Begin(start)
	}
	return t
}

// send takes a message of pgoutput and writes a line if it is a change.
func (t *talk) send(payload []byte) Meaning {
	t.lsn += 16
	data := walData(t.lsn, payload)
	m := t.Observe(messages.Backend, data, len(data))
	if m.Logical == KindUnknown {
		return m
	}
	outer, inner := t.Latest()
	if c, ok := t.changes.Observe(&m, outer.(*WALData), inner, len(data), int64(t.lsn)); ok {
		t.lines = append(t.lines, changeText(c))
	}
	return m
}

func (t *talk) lose() {
	t.Lost(messages.Backend)
	t.changes.Lost()
}

func relationText(r *Relation, oid uint32) string {
	if r == nil {
		return fmt.Sprint(oid)
	}
	return string(r.Qualified)
}

func changeText(c *Change) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v", c.Operation)
	switch c.Operation {
	case OpInsert, OpUpdate, OpDelete:
		fmt.Fprintf(&b, " %s", relationText(c.Meaning.Relation, c.OID))
		if c.Before != 0 {
			fmt.Fprintf(&b, " %c%s", c.Before, tupleText(c.Old))
		}
		if c.Operation != OpDelete {
			fmt.Fprintf(&b, " %s", tupleText(c.New))
		}
	case OpTruncate:
		for i, r := range c.Meaning.Truncated {
			fmt.Fprintf(&b, " %s", relationText(r, c.Truncate.OIDs.At(i)))
		}
	case OpMessage:
		fmt.Fprintf(&b, " %s:%s", c.Message.Prefix, c.Message.Content)
	}
	fmt.Fprintf(&b, " xid=%d", c.XID)
	if c.SubXID != 0 {
		fmt.Fprintf(&b, "/%d", c.SubXID)
	}
	if c.HasCommit {
		fmt.Fprintf(&b, " commit=%v", c.CommitLSN)
	}
	if c.Streamed {
		b.WriteString(" streamed")
	}
	if c.Prepared {
		fmt.Fprintf(&b, " gid=%s", c.GID)
	}
	if c.Meaning.Flags != 0 {
		fmt.Fprintf(&b, " flags=%d", c.Meaning.Flags)
	}
	if c.Sum != nil {
		fmt.Fprintf(&b, " [")
		for _, n := range c.Sum.Counts {
			fmt.Fprintf(&b, "%s %v %d;", relationText(n.Relation, n.OID), n.Operation, n.N)
		}
		fmt.Fprintf(&b, "] bytes=%d", c.Sum.Bytes)
		if c.Sum.Partial {
			b.WriteString(" partial")
		}
	}
	return b.String()
}

func (t *talk) want(tt *testing.T, lines ...string) {
	tt.Helper()
	if !slices.Equal(t.lines, lines) {
		tt.Errorf("got\n%s\nwant\n%s", strings.Join(t.lines, "\n"), strings.Join(lines, "\n"))
	}
	t.lines = nil
}

func begin(xid uint32) []byte { return wire('B', i64(0x90), at, xid) }
func commit() []byte          { return wire('C', '\x00', i64(0x90), i64(0x98), at) }
func streamStart(xid uint32, first byte) []byte {
	return wire('S', xid, first)
}
func streamStop() []byte            { return wire('E') }
func relation(prefix ...any) []byte { return wire(append(append([]any{'R'}, prefix...), people)...) }

func insert(prefix ...any) []byte {
	return wire(append(append([]any{'I'}, prefix...), i32(16385), 'N', anna)...)
}

func remove(prefix ...any) []byte {
	return wire(append(append([]any{'D'}, prefix...), i32(16385), 'K', row(text("1"), null, null))...)
}

func TestTransaction(t *testing.T) {
	c := newTalk(NewCatalog(), logicalStart)
	for _, b := range [][]byte{
		begin(700), relation(), insert(), insert(), remove(),
		wire('M', '\x01', i64(1), "p\x00", i32(1), "x"), wire('M', '\x00', i64(1), "p\x00", i32(1), "y"),
		wire('T', i32(2), '\x00', i32(16385), i32(99)), commit(),
	} {
		c.send(b)
	}
	size := 25*8 + len(begin(1)) + len(relation()) + 2*len(insert()) + len(remove()) + 17 + 14 + len(commit())
	c.want(t,
		"insert public.people (t1 tAnna n) xid=700 commit=0/90",
		"insert public.people (t1 tAnna n) xid=700 commit=0/90",
		"delete public.people K(t1 n n) xid=700 commit=0/90",
		"message p:x xid=700 commit=0/90",
		"message p:y xid=0",
		"truncate public.people 99 xid=700 commit=0/90 flags=8",
		fmt.Sprintf("commit xid=700 commit=0/90 [public.people insert 2;public.people delete 1;public.people truncate 1;0 message 1;99 truncate 1;] bytes=%d", size),
	)
}

// Two streamed transactions take turns; a subtransaction of one is aborted later,
// the other is aborted as a whole.
func TestStreamed(t *testing.T) {
	c := newTalk(NewCatalog(), logicalStart)
	c.send(streamStart(800, 1))
	c.send(relation(i32(800)))
	c.send(insert(i32(800)))
	c.send(insert(i32(801)))
	c.send(streamStop())
	c.send(streamStart(900, 1))
	c.send(insert(i32(900)))
	c.send(streamStop())
	c.send(streamStart(800, 0))
	c.send(remove(i32(802)))
	c.send(streamStop())
	c.send(wire('A', i32(800), i32(801)))
	c.send(wire('A', i32(900), i32(900), i64(7), at))
	c.send(wire('p', '\x00', i64(1), i64(2), at, i32(800), "g\x00"))
	c.send(wire('K', '\x00', i64(3), i64(4), at, i32(800), "g\x00"))
	c.send(wire('c', i32(12345), '\x00', i64(1), i64(2), at))
	c.want(t,
		"insert public.people (t1 tAnna n) xid=800 streamed",
		"insert public.people (t1 tAnna n) xid=800/801 streamed",
		"insert public.people (t1 tAnna n) xid=900 streamed",
		"delete public.people K(t1 n n) xid=800/802 streamed",
		"abort xid=800/801 streamed [public.people insert 1;] bytes=0",
		fmt.Sprintf("abort xid=900 streamed [public.people insert 1;] bytes=%d", 31+25+len(insert(i32(9)))+26+25+25),
		fmt.Sprintf("prepare xid=800 streamed gid=g [public.people insert 1;public.people delete 1;] bytes=%d",
			2*31+25+len(relation(i32(8)))+2*(25+len(insert(i32(8))))+2*26+25+len(remove(i32(8)))+25+9+25+32),
		"commit_prepared xid=800 commit=0/3 gid=g",
		"commit xid=12345 commit=0/1 streamed",
	)
}

// After a loss the form of the first message that has one decides.
func TestLossInStream(t *testing.T) {
	c := newTalk(NewCatalog(), logicalStart)
	c.send(streamStart(800, 1))
	c.send(relation(i32(800)))
	c.lose() // StreamStop, StreamStart of another
	if m := c.send(insert(i32(901))); m.XID != 0 || !m.Streamed || m.Flags != InferredStream|InferredRelation {
		t.Errorf("%+v", m)
	}
	if m := c.send(relation(i32(901))); m.Flags != 0 {
		t.Errorf("%+v", m)
	}
	if m := c.send(insert(i32(901))); m.Flags != 0 || m.Relation == nil {
		t.Errorf("%+v", m)
	}
	c.send(streamStop())
	c.send(begin(5))
	if m := c.send(insert()); m.Streamed || m.XID != 5 || m.Flags != 0 {
		t.Errorf("%+v", m)
	}
	// A StreamStart that was lost without anybody noticing.
	if m := c.send(insert(i32(7))); !m.Streamed || m.XID != 0 || m.Flags != OutOfStream {
		t.Errorf("%+v", m)
	}
}

// A Truncate may read both ways: then the relations that are known decide, and
// where they don't, nothing is said.
func TestAmbiguous(t *testing.T) {
	// Transaction 2, one relation, CASCADE; or two relations, 257 and 16385.
	truncate := wire('T', i32(2), i32(1), '\x01', i32(16385))
	c := newTalk(NewCatalog(), logicalStart)
	c.lose()
	if m := c.send(truncate); m.Logical != KindUnknown || m.Flags != Ambiguous || m.Fault != nil {
		t.Errorf("%+v", m)
	}
	c.send(begin(1))
	c.send(relation())
	c.lose()
	if m := c.send(truncate); m.Logical != KindTruncate || !m.Streamed || m.Flags != InferredStream|InferredRelation {
		t.Errorf("%+v", m)
	}
	c.lose()
	if m := c.send(wire('T', i32(1), '\x00', i32(16385))); m.Streamed || m.Flags != InferredStream|InferredRelation {
		t.Errorf("%+v", m)
	}
}

// Of a connection that was joined in its middle, rows get their columns from a
// sibling, if one relation alone fits.
func TestSiblings(t *testing.T) {
	cat := NewCatalog()
	first := newTalk(cat, logicalStart)
	first.send(begin(1))
	first.send(relation())
	late := newTalk(cat, "")
	m := late.send(insert())
	if m.Relation == nil || m.Flags != InferredPlugin|InferredRelation|InferredStream || string(m.Relation.Qualified) != "public.people" {
		t.Errorf("%+v", m)
	}
	if m = late.send(wire('I', i32(16385), 'N', row(text("1"), text("x")))); m.Relation != nil || m.Flags&UnknownRelation == 0 {
		t.Errorf("two columns of three: %+v", m)
	}
	if m = late.send(wire('I', i32(16385), 'N', row(text("one"), text("x"), null))); m.Relation != nil {
		t.Errorf("text in an integer: %+v", m)
	}
	other := []byte(strings.Replace(string(relation()), "name", "nick", 1))
	first.send(other)
	if m = late.send(insert()); m.Relation != nil {
		t.Errorf("two fit: %+v", m)
	}
	if m = newTalk(cat, logicalStart).send(insert()); m.Relation != nil || m.Flags != UnknownRelation {
		t.Errorf("seen from its start: %+v", m)
	}
}

func TestColumnsTwice(t *testing.T) {
	c := newTalk(NewCatalog(), logicalStart)
	c.send(begin(1))
	m := c.send([]byte(strings.Replace(string(relation()), "name\x00", "id\x00", 1)))
	if m.Fault == nil || m.Relation != nil {
		t.Errorf("%+v", m)
	}
}

// Physical WAL goes on where it ended; nothing is taken for pgoutput.
func TestPhysical(t *testing.T) {
	s := NewStream(NewCatalog(), "db:5432")
	s.Startup("")
	s.Begin("START_REPLICATION SLOT \"x\" 0/10 TIMELINE 1")
	m := s.Observe(messages.Backend, walData(16, insert()), 25+len(insert()))
	if m.Kind != KindWALData || m.Logical != KindUnknown || m.Mode != ModePhysical {
		t.Errorf("%+v", m)
	}
	s = NewStream(NewCatalog(), "db:5432") // joined in its middle
	for i := range 3 {
		m = s.Observe(messages.Backend, walData(LSN(100*i+1), make([]byte, 100)), 125)
	}
	if m.Mode != ModePhysical || m.Fault != nil {
		t.Errorf("%+v", m)
	}
	for _, b := range [][]byte{wire('p', at), wire('h', at, i32(1), i32(2), i32(3), i32(4))} {
		if m = s.Observe(messages.Frontend, b, len(b)); m.Fault != nil {
			t.Errorf("%+v", m)
		}
	}
	if m = s.Observe(messages.Frontend, []byte("x"), 1); m.Fault == nil || m.Kind != KindUnknown {
		t.Errorf("%+v", m)
	}
}

func TestPlugins(t *testing.T) {
	cat := NewCatalog()
	a := newTalk(cat, `CREATE_REPLICATION_SLOT "x" LOGICAL "test_decoding"`)
	a.Begin(`START_REPLICATION SLOT "x" LOGICAL 0/0`)
	m := a.send([]byte("BEGIN 1459"))
	if m.Plugin != PluginTestDecoding || m.Logical != KindUnknown || m.Fault != nil {
		t.Errorf("%+v", m)
	}
	a.Begin(`DROP_REPLICATION_SLOT "x"`)
	a.Begin(`START_REPLICATION SLOT "x" LOGICAL 0/0`)
	if m = a.send([]byte("BEGIN 1459")); m.Plugin != "" || m.Fault != nil {
		t.Errorf("%+v", m)
	}
	if m = a.send(begin(7)); m.Plugin != PluginPgoutput || m.Flags != InferredPlugin || m.XID != 7 {
		t.Errorf("%+v", m)
	}
	a.Begin("COPY t TO STDOUT")
	if m = a.Observe(messages.Backend, []byte("w is a row\n"), 11); m.Kind != KindUnknown || m.Mode != ModeNone || m.Fault != nil {
		t.Errorf("%+v", m)
	}
}

func TestBackup(t *testing.T) {
	s := NewStream(NewCatalog(), "db:5432")
	s.Startup("")
	s.Begin("BASE_BACKUP ( LABEL 'x', MANIFEST 'yes')")
	s.CopyOut()
	for _, b := range [][]byte{wire('n', "base.tar\x00\x00"), []byte("d1234"), wire('p', i64(4)), []byte("d56"), wire('n', "16400.tar\x00/ts\x00"), []byte("d7"), []byte("m"), []byte("d{}")} {
		if m := s.Observe(messages.Backend, b, len(b)); m.Fault != nil || m.Kind == KindUnknown || m.Mode != ModeBackup {
			t.Errorf("%q: %+v", b, m)
		}
	}
	if got := fmt.Sprintf("%+v", *s.Backup()); got != "{Archives:[{Name:base.tar Tablespace: Manifest:false Bytes:6} {Name:16400.tar Tablespace:/ts Manifest:false Bytes:1} {Name:backup_manifest Tablespace: Manifest:true Bytes:2}] Done:4 HasDone:true Bytes:9 Dropped:0}" {
		t.Error(got)
	}
	// PostgreSQL 14: the archives alone, in a CopyOut each.
	s.Begin("BASE_BACKUP LABEL 'x'")
	for range 2 {
		s.CopyOut()
		if m := s.Observe(messages.Backend, make([]byte, 512), 8192); m.Kind != KindArchiveData || m.Mode != ModeBackupOld {
			t.Errorf("%+v", m)
		}
	}
	if b := s.Backup(); len(b.Archives) != 2 || b.Bytes != 16384 || b.Archives[1].Bytes != 8192 {
		t.Errorf("%+v", b)
	}
}

// Whatever is lost, nothing that is told is false: every change that is told is
// one that was sent, with its columns, and its transaction if that is told.
func TestAnyLoss(t *testing.T) {
	var script [][]byte
	want := map[string]bool{}
	all := newTalk(NewCatalog(), logicalStart)
	for i := range i32(40) {
		switch i % 4 {
		case 0:
			script = append(script, begin(100+i), relation(), insert(), remove(), commit())
		case 1:
			script = append(script, streamStart(100+i, 1), relation(100+i), insert(100+i), insert(1000+i), streamStop(),
				streamStart(5000+i, 1), insert(5000+i), streamStop(), wire('A', 100+i, 1000+i), wire('c', 100+i, '\x00', i64(1), i64(2), at))
		case 2:
			script = append(script, wire('b', i64(1), i64(2), at, 100+i, "g\x00"), insert(), wire('P', '\x00', i64(1), i64(2), at, 100+i, "g\x00"))
		case 3:
			script = append(script, wire('T', i32(1), '\x00', i32(16385)), wire('Y', i32(16390), "public\x00mood\x00"), wire('M', '\x00', i64(1), "p\x00", i32(1), "y"))
		}
	}
	rows := func(c *talk) (list []string) {
		for _, l := range c.lines {
			l, _, _ = strings.Cut(l, " flags=")
			l, _, _ = strings.Cut(l, " [")
			list = append(list, l)
		}
		return list
	}
	for _, b := range script {
		all.send(b)
	}
	for _, l := range rows(all) {
		want[l] = true
		// What may be unknown after a loss.
		for _, field := range []string{" xid=", " commit=", " gid="} {
			if at := strings.Index(l, field); at >= 0 {
				end := strings.IndexByte(l[at+1:], ' ')
				if end < 0 {
					end = len(l) - at - 1
				}
				want[l[:at]+l[at+1+end:]] = true
			}
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 400 {
		c := newTalk(NewCatalog(), logicalStart)
		lost := -1
		for i, b := range script {
			if r.IntN(30) == 0 {
				lost = i
				continue
			}
			if lost == i-1 && i > 0 {
				c.lose()
			}
			c.send(b)
		}
		for _, l := range rows(c) {
			if !possible(want, l) {
				t.Fatalf("round %d: told %q, which was never sent", round, l)
			}
		}
	}
}

// possible reports whether a line was sent, with less known of it.
func possible(want map[string]bool, l string) bool {
	if want[l] {
		return true
	}
	words := strings.Fields(l)
	for full := range want {
		rest, ok := strings.Fields(full), true
		for _, w := range words {
			at := slices.IndexFunc(rest, func(f string) bool {
				return f == w || w == "16385" && f == "public.people" || strings.HasPrefix(w, "xid=0") && strings.HasPrefix(f, "xid=")
			})
			if at < 0 {
				ok = false
				break
			}
			rest = rest[at+1:]
		}
		if ok {
			return true
		}
	}
	return false
}
