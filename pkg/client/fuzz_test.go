package client

import (
	"encoding/binary"
	"errors"
	"testing"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pgsniff/pgsniff/internal/test/samples"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// FuzzServer gives a client whatever a server may send, in chunks of any size. It
// must not panic, must come to an end, and must stay in its states.
func FuzzServer(f *testing.F) {
	for method := AuthTrust; method <= AuthMD5; method++ {
		b := newBackend(method)
		tape := &tape{backend: b}
		d := newDriver(f, New(Config{User: "alice", Password: secret, Token: bearerToken}), tape, 1000)
		if _, err := work(d); err != nil {
			f.Fatal(err)
		}
		f.Add(tape.read, uint8(0), uint8(50))
	}
	var all []byte
	for _, s := range samples.All() {
		if s.Direction == messages.Backend {
			all = append(all, s.Wire...)
			f.Add(s.Wire, uint8(0), uint8(20))
		}
	}
	f.Add(all, uint8(3), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, first, chunk uint8) {
		c := New(Config{User: "alice", Password: secret, MaxMessageSize: 1 << 16})
		if _, err := c.DoStartup(); err != nil {
			t.Fatal(err)
		}
		request := int(first)
		for len(data) > 0 {
			n := min(int(chunk)+1, len(data))
			c.Receive(data[:n])
			data = data[n:]
			for events := 0; ; events++ {
				e, err := c.NextEvent()
				if err != nil {
					if errors.Is(err, ErrNeedData) == c.IsDead() {
						t.Fatalf("%v in state %v", err, c.State())
					}
					break
				}
				if events > n {
					t.Fatal("more events than bytes")
				}
				if r, ok := e.(*Row); ok {
					for i := range r.Len() {
						_, _ = r.Text(i)
						_, _ = r.Value(i)
					}
				}
			}
			c.Outgoing()
			if request%3 == 1 {
				_ = c.Hold()
			}
			for range requests {
				request++
				if _, err := requests[request%len(requests)].do(c); err == nil {
					break
				}
			}
		}
	})
}

// tape keeps what was read.
type tape struct {
	*backend
	read []byte
}

func (t *tape) Read(p []byte) (int, error) {
	n, err := t.backend.Read(p)
	t.read = append(t.read, p[:n]...)
	return n, err
}

// FuzzValue converts any bytes as a value of any type, format and encoding.
func FuzzValue(f *testing.F) {
	for i, v := range typed {
		f.Add([]byte(v.text), uint32(16+i), false, uint8(i))
	}
	array := func(element uint32, values ...string) []byte {
		b := binary.BigEndian.AppendUint32(nil, 1)
		b = binary.BigEndian.AppendUint32(b, 0)
		b = binary.BigEndian.AppendUint32(b, element)
		b = binary.BigEndian.AppendUint32(b, uint32(len(values)))
		b = binary.BigEndian.AppendUint32(b, 1)
		m := messages.MakeValues()
		for _, v := range values {
			m.Add([]byte(v))
		}
		return append(b, (&messages.DataRow{Values: m}).Append(nil)[7:]...)
	}
	f.Add(array(25, "\x95\\", "x"), uint32(pgtype.TextArrayOID), true, uint8(30))
	f.Add(array(3802, "\x01{}", "\x01\"\xe4\""), uint32(pgtype.JSONBArrayOID), true, uint8(1))
	f.Add([]byte("\x00\x00\x00\x01\x00\x00\x00\x19\x00\x00\x00\x01\xe4"), uint32(pgtype.RecordOID), true, uint8(1))
	f.Add([]byte("\xe4"), uint32(pgtype.JSONBOID), true, uint8(1))
	f.Add([]byte("\x01\xe4"), uint32(pgtype.TSVectorOID), true, uint8(1))
	names := append(sortedKeys(encodings), "UTF8", "MULE_INTERNAL")
	f.Fuzz(func(t *testing.T, b []byte, oid uint32, binary bool, encoding uint8) {
		v := New(Config{}).conversion
		v.text = newTextEncoding(names[int(encoding)%len(names)])
		c := &Column{Name: "c", TypeOID: oid}
		if binary {
			c.Format = 1
		}
		text, err := v.textOf(c, b)
		if err == nil && v.text.encoding != nil && !utf8.ValidString(text) {
			t.Errorf("%s: %q is not UTF-8", v.text.name, text)
		}
		if len(text) > 100+40*len(b) && !binary {
			t.Errorf("%d bytes of text of %d", len(text), len(b))
		}
		_, _ = v.valueOf(c, b)
		var s string
		_ = v.scan(c, b, &s)
		var list []string
		_ = v.scan(c, b, &list)
	})
}
