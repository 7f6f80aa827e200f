package replication

import (
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Whatever comes as a message: no panic, and what is decoded comes out as the same
// bytes.
func FuzzMessage(f *testing.F) {
	for _, s := range samples {
		f.Add(s.bytes, s.streamed)
	}
	f.Fuzz(func(t *testing.T, b []byte, streamed bool) {
		if len(b) == 0 {
			return
		}
		for k := KindUnknown + 1; k < NumKinds; k++ {
			if k.Tag() != b[0] {
				continue
			}
			if m, fault := decodeOne(k, b, streamed, false); fault == nil {
				fieldsOf(m)
				if got := m.Append(nil); string(got) != string(b) {
					t.Fatalf("%v\n got %q\nwant %q", k, got, b)
				}
			}
			if m, fault := decodeOne(k, b, streamed, true); fault == nil {
				fieldsOf(m)
			}
		}
	})
}

// Whatever comes on a connection, in any order and with any loss: no panic, the
// bounds hold, and a Decoder told the meaning finds what the Stream found.
func FuzzStream(f *testing.F) {
	var script []byte
	add := func(op byte, b []byte) {
		script = append(script, op, byte(len(b)>>8), byte(len(b)))
		script = append(script, b...)
	}
	for _, start := range []string{logicalStart, "BASE_BACKUP ( LABEL 'x' )", "START_REPLICATION 0/0", `START_REPLICATION SLOT "s" LOGICAL 0/0`} {
		add(0, []byte(start))
		for _, s := range samples {
			if s.kind.Logical() {
				add(1, walData(5, s.bytes))
				continue
			}
			add(1, s.bytes)
			add(2, s.bytes)
		}
		add(3, nil)
	}
	f.Add(script, true)
	f.Add(script, false)
	f.Fuzz(func(t *testing.T, b []byte, startup bool) {
		cat := NewCatalog()
		s := NewStream(cat, "h:1")
		if startup {
			s.Startup("d")
		}
		var (
			d   Decoder
			lag Lag
			sum Transactions
		)
		for now := int64(0); len(b) >= 3; now++ {
			op, n := b[0], int(b[1])<<8|int(b[2])
			data := b[3:min(3+n, len(b))]
			b = b[min(3+n, len(b)):]
			switch op % 5 {
			case 0:
				s.Begin(string(data))
				continue
			case 3:
				s.Lost(messages.Direction(op / 5 % 2))
				lag.Lost(messages.Direction(op / 5 % 2))
				sum.Lost()
				continue
			case 4:
				s.CopyOut()
				continue
			}
			dir := messages.Backend
			if op%5 == 2 {
				dir = messages.Frontend
			}
			m := s.Observe(dir, data, len(data)+int(op/128)*40)
			outer, inner := s.Latest()
			var first, second string
			if outer != nil && m.Kind != KindUnknown {
				first = fieldsOf(outer)
				lag.Observe(&m, outer, now)
			}
			if inner != nil && m.Logical != KindUnknown {
				second = fieldsOf(inner)
				if c, ok := sum.Observe(&m, outer.(*WALData), inner, len(data), now); ok {
					changeText(c)
				}
			}
			o, i := d.Decode(&m, data)
			if (o == nil) != (first == "" && m.Kind == KindUnknown) || o != nil && fieldsOf(o) != first {
				t.Fatalf("%+v: outer %v, was %q", m, o, first)
			}
			if i != nil && fieldsOf(i) != second {
				t.Fatalf("%+v: inner %q, was %q", m, fieldsOf(i), second)
			}
		}
		if s.Close(); cat.used < 0 || cat.used > maxCatalog {
			t.Fatalf("%d bytes in use", cat.used)
		}
	})
}

func FuzzCommand(f *testing.F) {
	f.Add(logicalStart)
	f.Add("BASE_BACKUP LABEL 'x' PROGRESS")
	f.Add(`CREATE_REPLICATION_SLOT "s" TEMPORARY LOGICAL pgoutput (SNAPSHOT 'use')`)
	f.Fuzz(func(t *testing.T, sql string) {
		c, ok := ParseCommand(sql)
		if ok && c.Kind == CommandNone || len(c.Options) > maxOptions {
			t.Fatalf("%q: %+v", sql, c)
		}
		c.Publications()
	})
}
