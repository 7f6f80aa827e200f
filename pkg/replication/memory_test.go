package replication

import (
	"fmt"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// A server that describes relations without end fills no memory, and those in use
// stay known.
func TestManyRelations(t *testing.T) {
	cat := NewCatalog()
	c := newTalk(cat, logicalStart)
	c.send(begin(1))
	body := []any{'\x00', "c\x00", i32(23), i32(0)}
	columns := []any{}
	for i := range 1600 {
		columns = append(columns, '\x00', fmt.Sprintf("column_%d\x00", i), i32(23), i32(0))
	}
	c.send(wire(append([]any{'R', i32(7), "s\x00used\x00", 'd', i16(1)}, body...)...))
	for i := range i32(500) {
		c.send(wire(append([]any{'R', 100 + i, "s\x00t\x00", 'd', i16(1600)}, columns...)...))
		if m := c.send(wire('I', i32(7), 'N', row(text("1")))); m.Relation == nil {
			t.Fatalf("after %d relations the one in use is forgotten", i)
		}
		if cat.used > maxCatalog {
			t.Fatalf("%d bytes in use", cat.used)
		}
	}
	c.Close()
	shared := 0
	for _, d := range cat.databases {
		shared += d.cost
	}
	if cat.used != shared {
		t.Errorf("%d bytes in use, %d shared", cat.used, shared)
	}
}

func TestManyOthers(t *testing.T) {
	cat := NewCatalog()
	for i := range 2 * maxSlots {
		s := NewStream(cat, "db:5432")
		s.Startup(fmt.Sprint("d", i))
		s.Begin(fmt.Sprintf(`CREATE_REPLICATION_SLOT "s%d" LOGICAL "pgoutput"`, i))
	}
	if len(cat.slots) != maxSlots || len(cat.databases) != maxDatabases {
		t.Errorf("%d slots, %d databases", len(cat.slots), len(cat.databases))
	}
	c := newTalk(cat, logicalStart)
	for i := range i32(2 * maxTypes) {
		c.send(wire('Y', i, "s\x00t\x00"))
	}
	for i := range i32(3 * maxOpen) {
		c.send(streamStart(1+i, 1))
		c.send(streamStop())
	}
	if n := len(c.changes.open); n > maxOpen {
		t.Errorf("%d open transactions", n)
	}
	c.send(begin(1))
	for i := range i32(2 * maxCounts) {
		c.send(wire('I', i+1, 'N', row(null)))
	}
	c.send(commit())
	if s := c.changes.change.Sum; s == nil || len(s.Counts) != maxCounts || !s.Partial {
		t.Errorf("%+v", s)
	}
	s := NewStream(cat, "db:5432")
	s.Begin("BASE_BACKUP ( LABEL 'x' )")
	for range 2 * maxArchives {
		b := wire('n', "a\x00\x00")
		s.Observe(messages.Backend, b, len(b))
	}
	if b := s.Backup(); len(b.Archives) != maxArchives || b.Dropped != maxArchives {
		t.Errorf("%d archives, %d dropped", len(b.Archives), b.Dropped)
	}
}

// nothing receives fields and keeps none.
type nothing struct{ n int }

func (v *nothing) Int(string, int64)      { v.n++ }
func (v *nothing) Uint(string, uint64)    { v.n++ }
func (v *nothing) Bool(string, bool)      { v.n++ }
func (v *nothing) LSN(string, LSN)        { v.n++ }
func (v *nothing) Time(string, Time)      { v.n++ }
func (v *nothing) Text(string, []byte)    { v.n++ }
func (v *nothing) Data(string, []byte)    { v.n++ }
func (v *nothing) Size(string, int)       { v.n++ }
func (v *nothing) Relations(string, OIDs) { v.n++ }
func (v *nothing) Columns(_ string, l ColumnList) {
	for it := l.Iter(); it.Next(); {
		v.n++
	}
}

func (v *nothing) Tuple(_ string, t Tuple) {
	for it := t.Iter(); it.Next(); {
		v.n++
	}
}

// Nothing is allocated for a message in steady state, whichever it is.
func TestAllocs(t *testing.T) {
	c := newTalk(NewCatalog(), logicalStart)
	var (
		d   Decoder
		lag Lag
		v   nothing
		sum Transactions
		now int64
	)
	one := func(dir messages.Direction, data []byte) {
		now++
		m := c.Observe(dir, data, len(data))
		outer, inner := c.Latest()
		if outer == nil {
			t.Fatalf("%q: %v", data, m.Fault)
		}
		lag.Observe(&m, outer, now)
		if inner != nil {
			sum.Observe(&m, outer.(*WALData), inner, len(data), now)
		}
		outer, inner = d.Decode(&m, data)
		outer.Visit(&v)
		if inner != nil {
			inner.Visit(&v)
		}
	}
	var all [][]byte
	for _, payload := range [][]byte{
		begin(700), relation(), insert(), remove(), wire('T', i32(1), '\x00', i32(16385)), wire('Y', i32(16390), "public\x00mood\x00"), commit(),
		streamStart(800, 1), relation(i32(800)), insert(i32(800)), insert(i32(801)), streamStop(), streamStart(800, 0), insert(i32(800)), streamStop(),
		wire('A', i32(800), i32(801)), wire('c', i32(800), '\x00', i64(1), i64(2), at),
		wire('b', i64(1), i64(2), at, i32(5), "g\x00"), insert(), wire('P', '\x00', i64(1), i64(2), at, i32(5), "g\x00"),
	} {
		all = append(all, walData(77, payload))
	}
	for _, s := range samples {
		if s.kind > KindWALData && s.kind < KindNewArchive {
			all = append(all, s.bytes)
		}
	}
	run := func() {
		for _, data := range all {
			dir := messages.Backend
			if data[0] == 'r' || data[0] == 'h' || data[0] == 'p' {
				dir = messages.Frontend
			}
			one(dir, data)
		}
	}
	run()
	if n := testing.AllocsPerRun(100, run); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
