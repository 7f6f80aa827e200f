package analyze_test

import (
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
	"os"
	"reflect"
	"testing"

	"github.com/pgsniff/pgsniff/internal/analyze"
	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/internal/tlsdecrypt"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/reassembly"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// wire is a message's bytes.
func (m *seen) wire() []byte {
	var b []byte
	if m.tag != 0 {
		b = append(b, m.tag)
	}
	if len(m.body) < m.len { // not a byte that stands alone
		b = binary.BigEndian.AppendUint32(b, uint32(len(m.body)+4))
	}
	return append(b, m.body...)
}

// runTLS analyses the capture of a TLS connection; after is called after each packet.
func runTLS(t *testing.T, workers int, keys *tlsdecrypt.KeyLog, after func(a *analyze.Analyzer, p *capture.Packet)) *collector {
	t.Helper()
	src, err := capture.OpenFiles([]string{tlsCapture + ".pcap"}, capture.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	c := new(collector)
	a := analyze.New(analyze.Options{
		Ports: []uint16{5432}, Workers: workers,
		Session: session.Config{Messages: true, Exchanges: true, NewTLS: analyze.NewTLS(keys)},
	}, c)
	var p capture.Packet
	for {
		switch err := src.Next(&p); {
		case errors.Is(err, io.EOF):
			a.Finish()
			return c
		case err != nil:
			t.Fatal(err)
		}
		a.Packet(&p)
		if after != nil {
			after(a, &p)
		}
	}
}

func endpoint(t *testing.T, s string) reassembly.Endpoint {
	t.Helper()
	at, err := netip.ParseAddrPort(s)
	if err != nil {
		t.Fatal(err)
	}
	return reassembly.EndpointFrom(at)
}

// decrypted is the messages of the TLS capture, read with its keys.
func decrypted(t *testing.T) *collector {
	t.Helper()
	f, err := os.Open(tlsCapture + ".keys")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	keys := tlsdecrypt.NewKeyLog(func(w tlsdecrypt.Warning) { t.Error(w) })
	if err := keys.Load(f); err != nil {
		t.Fatal(err)
	}
	want := runTLS(t, 1, keys, nil)
	if len(want.messages) < 20 || len(want.queries) == 0 {
		t.Fatalf("%d messages, %d queries", len(want.messages), len(want.queries))
	}
	return want
}

// What an inlet gives of a connection that is encrypted in the packets is what its
// keys would have given.
func TestInletOfCaptured(t *testing.T) {
	want := decrypted(t)
	for workers := 1; workers <= 2; workers++ {
		rest := want.messages
		var in *analyze.Inlet
		waits := tlsdecrypt.NewKeyLog(nil) // so that nothing is said at once
		got := runTLS(t, workers, waits, func(a *analyze.Analyzer, p *capture.Packet) {
			for len(rest) > 0 && rest[0].frame <= p.Frame {
				m := rest[0]
				rest = rest[1:]
				if m.kind == messages.KindSSLRequest || m.kind == messages.KindSSLResponse {
					continue
				}
				if in == nil {
					in = a.FindInlet(endpoint(t, m.client), endpoint(t, m.server), "test")
				}
				in.Data(m.dir, m.wire(), session.Stamp{Time: p.Time, Frame: p.Frame})
			}
		})
		if !reflect.DeepEqual(got.messages, want.messages) || !reflect.DeepEqual(got.queries, want.queries) {
			t.Errorf("%d workers: %d messages, %d queries; with the keys %d, %d",
				workers, len(got.messages), len(got.queries), len(want.messages), len(want.queries))
		}
		if i := got.ends[0]; i.DecryptedBy != "test" || !i.TLS.Decrypted || i.TLS.Version != "TLSv1.3" {
			t.Errorf("%d workers: %+v, %+v", workers, i, i.TLS)
		}
		if len(got.notices) != 0 {
			t.Errorf("%d workers: %v", workers, got.notices)
		}
	}
}

// A connection without packets is what the same bytes would be in packets.
func TestInletAlone(t *testing.T) {
	want := decrypted(t)
	for workers := 1; workers <= 2; workers++ {
		c := new(collector)
		a := analyze.New(analyze.Options{
			Workers: workers, Session: session.Config{Messages: true, Exchanges: true},
		}, c)
		in := a.OpenInlet("unix:/tmp/.s.PGSQL.5432", "postgres", session.Stamp{Time: 1}, false, "test")
		open := a.OpenInlet("b", "c", session.Stamp{Time: 1}, false, "test")
		for i := range want.messages {
			m := &want.messages[i]
			in.Data(m.dir, m.wire(), session.Stamp{Time: int64(i + 2)})
		}
		open.Data(messages.Frontend, want.messages[0].wire(), session.Stamp{Time: 9})
		in.Close(session.Stamp{Time: 1000})
		if in.Open() || !open.Open() {
			t.Error("which is open?")
		}
		in.Data(messages.Frontend, []byte("late"), session.Stamp{})
		a.Finish()
		n := 0
		for i := range c.messages {
			m := &c.messages[i]
			if m.client != "unix:/tmp/.s.PGSQL.5432" {
				continue
			}
			w := want.messages[n]
			if n++; m.kind != w.kind || m.body != w.body || m.dir != w.dir {
				t.Fatalf("%d workers: message %d is %v, not %v", workers, n, m.kind, w.kind)
			}
		}
		if n != len(want.messages) || len(c.ends) != 2 || c.ends[0].State != session.StateTerminated || c.ends[1].State != session.StateOpen {
			t.Errorf("%d workers: %d messages of %d, ends %+v", workers, n, len(want.messages), c.ends)
		}
		sums := 0
		for i := range want.messages {
			sums += len(want.messages[i].wire())
		}
		if got := c.ends[0].Traffic.Bytes; int(got[0]+got[1]) != sums {
			t.Errorf("%d workers: %v bytes of %d", workers, got, sums)
		}
	}
}
