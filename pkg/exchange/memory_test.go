package exchange

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/tracker"
)

// counter is a handler that asks for all that an exchange knows.
type counter struct{ exchanges, incomplete int }

func (c *counter) Exchange(x *Exchange) {
	c.exchanges++
	if !x.Complete {
		c.incomplete++
	}
	values, formats := x.Parameters()
	for range values {
		_ = len(formats)
	}
	_, _ = x.Columns(), x.ParamTypes()
	var e messages.ErrorResponse
	x.ErrorFields(&e)
}

// feeder leads messages through a tracker and a log.
type feeder struct {
	log     *Log
	tracker tracker.Tracker
	frame   uint64
}

func newFeeder(sh *Shared, h Handler) *feeder {
	f := &feeder{log: New(h, sh)}
	f.tracker.SetPhase(messages.PhaseReady)
	f.log.Begin(false, "server", "database")
	return f
}

func (f *feeder) message(d messages.Direction, m messages.Message) {
	f.raw(d, m.Kind(), m.Append(nil)[5:])
}

func (f *feeder) raw(d messages.Direction, k messages.Kind, body []byte) {
	f.frame++
	at := Stamp{Time: int64(f.frame), Frame: f.frame}
	f.log.Observe(&Message{
		Direction: d, Kind: k, Body: body, Len: len(body) + 5, First: at, At: at,
		Step: f.tracker.Observe(d, k, body),
	})
}

// learnedCost is what is charged for as long as the capture lasts.
func (s *Shared) learnedCost() (n int) {
	for _, st := range s.learned {
		if st != nil {
			n += st.cost
		}
	}
	return n
}

// checkEmpty demands that nothing is charged once all connections have ended.
func checkEmpty(t *testing.T, sh *Shared) {
	t.Helper()
	if want := sh.learnedCost(); sh.used != want {
		t.Errorf("%d bytes are still charged, %d of them for what is learned", sh.used, want)
	}
}

// chatter makes up requests and replies: mostly in order, with names and texts
// that come again.
type chatter struct {
	*rand.Rand
	size int // longest text
}

func (c chatter) name() []byte {
	if c.IntN(3) == 0 {
		return nil
	}
	return fmt.Appendf(nil, "n%d", c.IntN(6))
}

func (c chatter) text() []byte {
	switch c.IntN(8) {
	case 0:
		return []byte("DEALLOCATE n1; DEALLOCATE n2")
	case 1:
		return []byte(strings.Repeat("x", c.IntN(c.size)))
	}
	return fmt.Appendf(nil, "SELECT %d", c.IntN(4))
}

func (c chatter) request() messages.Message {
	target := messages.TargetStatement
	if c.IntN(2) == 0 {
		target = messages.TargetPortal
	}
	switch c.IntN(14) {
	case 0:
		return &messages.Query{SQL: c.text()}
	case 1, 2, 3:
		return &messages.Parse{Statement: c.name(), SQL: c.text(), ParameterOIDs: make([]uint32, c.IntN(3))}
	case 4, 5, 6:
		return &messages.Bind{
			Portal: c.name(), Statement: c.name(), Parameters: messages.MakeValues(c.text()),
			ResultFormats: []int16{int16(c.IntN(2))},
		}
	case 7, 8, 9:
		return &messages.Execute{Portal: c.name(), MaxRows: int32(c.IntN(2))}
	case 10:
		return &messages.Describe{Target: target, Name: c.name()}
	case 11:
		return &messages.Close{Target: target, Name: c.name()}
	case 12:
		return &messages.FunctionCall{FunctionOID: 1, Arguments: messages.MakeValues(c.text())}
	}
	return &messages.Sync{}
}

func (c chatter) reply() messages.Message {
	switch c.IntN(16) {
	case 0, 1:
		return &messages.ParseComplete{}
	case 2, 3:
		return &messages.BindComplete{}
	case 4:
		return &messages.CloseComplete{}
	case 5:
		return &messages.ParameterDescription{ParameterOIDs: make([]uint32, c.IntN(4))}
	case 6, 7:
		return &messages.RowDescription{Fields: make([]messages.ColumnDescription, c.IntN(4))}
	case 8:
		return &messages.NoData{}
	case 9:
		return &messages.DataRow{Values: messages.MakeValues(c.text())}
	case 10, 11:
		tags := []string{"SELECT 1", "DEALLOCATE", "DISCARD ALL", "DEALLOCATE ALL"}
		return &messages.CommandComplete{Tag: []byte(tags[c.IntN(len(tags))])}
	case 12:
		return &messages.PortalSuspended{}
	case 13:
		codes := []string{"26000", "34000", "57014", "42601"}
		return &messages.ErrorResponse{ErrorFields: messages.ErrorFields{Fields: []messages.ErrorField{
			{Type: messages.FieldSQLState, Value: []byte(codes[c.IntN(len(codes))])},
		}}}
	case 14:
		return &messages.CopyInResponse{}
	}
	return &messages.ReadyForQuery{Status: messages.TxStatus("ITE"[c.IntN(3)])}
}

// Whatever is said, in whatever order, the memory that is charged stays within
// its limit, and all of it is given back.
func TestMemoryIsGivenBack(t *testing.T) {
	for _, limit := range []int{2 << 10, 20 << 10, 200 << 10, DefaultTotal} {
		for seed := range uint64(20) {
			c := chatter{rand.New(rand.NewPCG(seed, 7)), 3000}
			h := &counter{}
			sh := NewShared(Limits{Total: limit, NoParameters: seed%5 == 4, NoColumns: seed%5 >= 3})
			conns := []*feeder{newFeeder(sh, h), newFeeder(sh, h), newFeeder(sh, h)}
			for range 3000 {
				f := conns[c.IntN(len(conns))]
				switch n := c.IntN(100); {
				case n < 50:
					f.message(messages.Frontend, c.request())
				case n < 97:
					f.message(messages.Backend, c.reply())
				case n < 99:
					f.tracker.Gap(messages.Backend)
					f.log.Lost(messages.Direction(c.IntN(2)), c.IntN(100)-1)
				default:
					f.log.End()
					f.log.Reset()
					*f = feeder{log: f.log, frame: f.frame}
					f.tracker.SetPhase(messages.PhaseReady)
				}
				if sh.used > limit || sh.used < 0 {
					t.Fatalf("limit %d, seed %d: %d bytes charged", limit, seed, sh.used)
				}
			}
			for _, f := range conns {
				f.log.End()
			}
			checkEmpty(t, sh)
			if h.exchanges == 0 {
				t.Errorf("seed %d: no exchanges", seed)
			}
		}
	}
}

// facts writes down of an exchange what does not come of parameters and columns.
type facts []string

func (f *facts) Exchange(x *Exchange) {
	line := fmt.Sprintf("%d %v %q %d %q %q %v rows=%d bytes=%d copy=%v,%d,%d error=%q@%v notices=%d %v %v %v %v pause=%d %c tx=%c missing=%v",
		x.ID, x.Protocol, x.SQL, x.SQLLen, x.Statement, x.Portal, x.Function, x.Rows, x.Bytes, x.Copy, x.CopyBytes, x.CopyMessages,
		x.Error, x.FailedAt, x.Notices, x.Start, x.FirstReply, x.FirstRow, x.End, x.Pause, x.PauseTx, x.Tx, x.Missing)
	for _, r := range x.Results {
		line += fmt.Sprintf(" {%q %d %d %v}", r.Tag, r.Rows, r.Bytes, r.Suspended)
	}
	*f = append(*f, line)
}

// Leaving parameters and columns out changes nothing else, but for what is seen to be
// impossible by them after a loss.
func TestLeavingOut(t *testing.T) {
	for seed := range uint64(50) {
		var logs [2]facts
		for i, limits := range []Limits{{}, {NoParameters: true, NoColumns: true}} {
			c := chatter{rand.New(rand.NewPCG(seed, 9)), 100}
			f := newFeeder(NewShared(limits), &logs[i])
			for range 2000 {
				switch n := c.IntN(100); {
				case n < 50:
					f.message(messages.Frontend, c.request())
				case n < 99:
					f.message(messages.Backend, c.reply())
				default:
					f.tracker.Gap(messages.Backend)
					f.log.Lost(messages.Direction(c.IntN(2)), c.IntN(100)-1)
				}
			}
			f.log.End()
		}
		if !slices.Equal(logs[0], logs[1]) || len(logs[0]) == 0 {
			for i := range min(len(logs[0]), len(logs[1])) {
				if logs[0][i] != logs[1][i] {
					t.Fatalf("seed %d:\n%s, want\n%s", seed, logs[1][i], logs[0][i])
				}
			}
			t.Fatalf("seed %d: %d exchanges, want %d", seed, len(logs[1]), len(logs[0]))
		}
	}
}

// Portals that are used again must be nobody's.
func TestPortalsAreReused(t *testing.T) {
	c := chatter{rand.New(rand.NewPCG(3, 1)), 100}
	sh := NewShared(Limits{})
	f := newFeeder(sh, &counter{})
	for range 20000 {
		if c.IntN(2) == 0 {
			f.message(messages.Frontend, c.request())
		} else {
			f.message(messages.Backend, c.reply())
		}
		free := map[*portal]bool{}
		for _, p := range sh.freePortals {
			if free[p] {
				t.Fatal("a portal is free twice")
			}
			free[p] = true
		}
		if free[f.log.unnamedPtl] {
			t.Fatal("the unnamed portal is free")
		}
		for name, p := range f.log.portals {
			if free[p] {
				t.Fatalf("portal %q is free", name)
			}
		}
		for _, x := range f.log.open {
			if x != nil && x.portal != nil && free[x.portal] {
				t.Fatalf("the portal of exchange %d is free", x.ID)
			}
		}
	}
}

// What there is no room for is counted, and said to be missing.
func TestDropped(t *testing.T) {
	sh := NewShared(Limits{Total: 64 << 10})
	f := newFeeder(sh, &counter{})
	for i := range 1000 {
		f.message(messages.Frontend, &messages.Parse{Statement: fmt.Appendf(nil, "s%d", i), SQL: []byte("SELECT 1")})
		f.message(messages.Frontend, &messages.Sync{})
		f.message(messages.Backend, &messages.ParseComplete{})
		f.message(messages.Backend, &messages.ReadyForQuery{Status: 'I'})
	}
	if kept := uint64(len(f.log.statements)); sh.DroppedStatements == 0 || kept+sh.DroppedStatements != 1000 {
		t.Errorf("%d statements kept, %d dropped", kept, sh.DroppedStatements)
	}
	f.log.End()
	checkEmpty(t, sh)
}

// Many open requests are bounded together with all else.
func TestOutstandingIsBounded(t *testing.T) {
	sh := NewShared(Limits{Total: 1 << 20})
	h := &counter{}
	f := newFeeder(sh, h)
	for range 50000 {
		f.message(messages.Frontend, &messages.Query{SQL: []byte(strings.Repeat("x", 500))})
	}
	if f.log.n > 1<<20/500 || sh.DroppedExchanges == 0 {
		t.Errorf("%d exchanges are open, %d were given up", f.log.n, sh.DroppedExchanges)
	}
	f.log.End()
	checkEmpty(t, sh)
	if h.exchanges != 50000 || h.incomplete != h.exchanges {
		t.Errorf("%d exchanges, %d of them incomplete", h.exchanges, h.incomplete)
	}
}

// FuzzLog takes bytes for messages: a kind, a length and a body each.
func FuzzLog(f *testing.F) {
	for seed := range uint64(8) {
		c := chatter{rand.New(rand.NewPCG(seed, 9)), 20}
		var b []byte
		for i := range 40 {
			m := c.request()
			if i%2 == 1 {
				m = c.reply()
			}
			body := m.Append(nil)[5:]
			b = append(b, byte(m.Kind()), byte(i%2), byte(len(body)))
			b = append(b, body[:min(len(body), 255)]...)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		sh := NewShared(Limits{Total: 8 << 10, SQL: 100})
		h := newFeeder(sh, &counter{})
		for len(b) >= 3 {
			k, d, n := messages.Kind(int(b[0])%messages.NumKinds), messages.Direction(b[1]&1), min(int(b[2]), len(b)-3)
			if b[1] >= 250 {
				h.tracker.Gap(d)
				h.log.Lost(d, n-1)
			}
			h.raw(d, k, b[3:3+n])
			b = b[3+n:]
			if sh.used > 8<<10 || sh.used < 0 {
				t.Fatalf("%d bytes charged", sh.used)
			}
		}
		h.log.End()
		checkEmpty(t, sh)
	})
}

// What a Log cannot do without is asked for when it is made.
func TestNewWithout(t *testing.T) {
	for name, f := range map[string]func(){
		"handler": func() { New(nil, NewShared(Limits{})) },
		"shared":  func() { New(new(counter), nil) },
	} {
		if r := recovered(f); r != "exchange: New needs a Handler and a Shared" {
			t.Errorf("no %s: %v", name, r)
		}
	}
}

// recovered returns what f panics with.
func recovered(f func()) (r any) {
	defer func() { r = recover() }()
	f()
	return nil
}
