package connection

import (
	"bytes"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/samples"
	"github.com/pgsniff/pgsniff/pkg/codec"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// cycle runs a prepared statement as pgbench does, from both sides.
type cycle struct {
	f        *FrontendConnection
	b        *BackendConnection
	requests []messages.Message
	replies  []messages.Message
	buf      []byte
}

func newCycle() *cycle {
	return &cycle{
		f: NewFrontend(InPhase(messages.PhaseReady)),
		b: NewBackend(InPhase(messages.PhaseReady)),
		requests: []messages.Message{
			&messages.Bind{Statement: text("P_0"), Parameters: messages.MakeValues(text("4711"))},
			&messages.Describe{Target: messages.TargetPortal},
			&messages.Execute{},
			&messages.Sync{},
		},
		replies: []messages.Message{
			&messages.BindComplete{},
			&messages.RowDescription{Fields: []messages.ColumnDescription{{Name: text("abalance"), TypeOID: 23, TypeSize: 4}}},
			&messages.DataRow{Values: messages.MakeValues(text("-42"))},
			&messages.CommandComplete{Tag: text("SELECT 1")},
			&messages.ReadyForQuery{Status: 'I'},
		},
	}
}

func (c *cycle) run(t testing.TB) {
	var err error
	c.buf = c.buf[:0]
	for _, m := range c.requests {
		if c.buf, err = c.f.Append(c.buf, m); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range c.b.Receive(c.buf) {
		if err != nil {
			t.Fatal(err)
		}
	}
	c.buf = c.buf[:0]
	for _, m := range c.replies {
		if c.buf, err = c.b.Append(c.buf, m); err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range c.f.Receive(c.buf) {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Neither messages that are sent nor those that are received allocate anything, and
// neither does a loop over them.
func TestCycleAllocations(t *testing.T) {
	c := newCycle()
	c.run(t)
	if n := testing.AllocsPerRun(100, func() { c.run(t) }); n != 0 {
		t.Errorf("a cycle allocates %v times", n)
	}
}

// So it is with every message that is checked and encoded.
func TestEncodingAllocatesNothing(t *testing.T) {
	buf := make([]byte, 0, 1<<20)
	for _, s := range samples.All() {
		if len(s.Wire) > cap(buf) {
			continue
		}
		if n := testing.AllocsPerRun(20, func() {
			if messages.Encodable(s.Message) != nil {
				t.Fatal(s.Name)
			}
			buf = s.Message.Append(buf[:0])
		}); n != 0 {
			t.Errorf("%s: sending allocates %v times", s.Name, n)
		}
	}
}

// And with every message that is received.
func TestDecodingAllocatesNothing(t *testing.T) {
	for _, s := range samples.All() {
		opt := codec.DecoderOptions{Phase: s.Phase}
		d := codec.NewBackendDecoder(opt)
		if s.Direction == messages.Frontend {
			d = codec.NewFrontendDecoder(opt)
		}
		decode := func() {
			d.Feed(s.Wire)
			if m, err := d.Next(); m == nil || m.Kind() != s.Kind || err != nil && s.Kind != messages.KindUnknown {
				t.Fatal(s.Name, m, err)
			}
			if d.Buffered() != 0 {
				t.Fatal(s.Name)
			}
			d.SetPhase(s.Phase)
		}
		if n := testing.AllocsPerRun(20, decode); n != 0 && s.Kind != messages.KindUnknown { // that is an error
			t.Errorf("%s: receiving allocates %v times", s.Name, n)
		}
	}
}

func BenchmarkCycle(b *testing.B) {
	c := newCycle()
	c.run(b)
	b.ReportAllocs()
	for b.Loop() {
		c.run(b)
	}
}

func TestReceiveAllocatesNothingForMessages(t *testing.T) {
	f := NewFrontend(InPhase(messages.PhaseReady))
	allocations := func(n int) float64 {
		var chunk []byte
		for range n {
			chunk = (&messages.NotificationResponse{Channel: text("c"), Payload: text("p")}).Append(chunk)
		}
		return testing.AllocsPerRun(100, func() {
			for _, err := range f.Receive(chunk) {
				if err != nil {
					t.Fatal(err)
				}
			}
		})
	}
	if one, many := allocations(1), allocations(1000); one != many {
		t.Errorf("a chunk of one message allocates %v times, one of a thousand %v times", one, many)
	}
}

// What a hostile side sends leads to errors, never to a panic, and the same ones
// in any chunks.
func FuzzReceive(f *testing.F) {
	for _, list := range [][]said{login(), work()} {
		var sides [2][]byte
		for _, s := range list {
			sides[s.by] = append(sides[s.by], wire(s.m)...)
		}
		for p := messages.PhaseStartup; int(p) < messages.NumPhases; p += 4 {
			f.Add(sides[messages.Frontend], true, p%8 == 1, uint8(p), uint8(3))
			f.Add(sides[messages.Backend], false, p%8 != 1, uint8(p), uint8(9))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, backend, lenient bool, phase, chunk uint8) {
		options := []Option{InPhase(messages.Phase(int(phase) % messages.NumPhases)), MaxMessageSize(1 << 16)}
		if lenient {
			options = append(options, Lenient())
		}
		whole, wholeEnd := receiveAll(data, backend, options, len(data))
		parts, partsEnd := receiveAll(data, backend, options, int(chunk)+1)
		if !bytes.Equal(whole, parts) || wholeEnd != partsEnd {
			t.Errorf("at once %q, ending in %v; in parts %q, ending in %v", whole, wholeEnd, parts, partsEnd)
		}
	})
}

// receiveAll feeds data in chunks to a connection and returns what came of it.
func receiveAll(data []byte, backend bool, options []Option, chunk int) (got []byte, end messages.Phase) {
	f, b := NewFrontend(options...), NewBackend(options...)
	c := &f.connection
	if backend {
		c = &b.connection
	}
	for {
		n := min(chunk, len(data))
		for m, err := range c.Receive(data[:n]) {
			if m != nil {
				got = append(got, m.Kind().String()...)
			}
			if err != nil {
				got = append(got, err.Error()...)
			}
			if m == nil {
				return got, c.Phase() // final
			}
		}
		if data = data[n:]; len(data) == 0 {
			return got, c.Phase()
		}
	}
}
