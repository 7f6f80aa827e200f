package analyze_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/analyze"
	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/internal/tlsdecrypt"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// told is a handler that counts, and keeps the notices.
type told struct {
	messages int
	notices  []string
	ended    int
}

func (h *told) Message(*session.Event)                        { h.messages++ }
func (h *told) Exchange(*session.Session, *exchange.Exchange) {}
func (h *told) Notice(_ *session.Session, n *session.Notice) {
	h.notices = append(h.notices, n.Code+": "+n.Text)
}
func (h *told) End(*session.Session) { h.ended++ }
func (h *told) said(code string) (yes bool) {
	for _, n := range h.notices {
		yes = yes || strings.HasPrefix(n, code+": ")
	}
	return yes
}

const tlsCapture = "../../testdata/pcaps/tls13_aes128gcm"

// feedTo passes the packets up to a number on, and returns the time of the last.
func feedTo(t *testing.T, a *analyze.Analyzer, src capture.Source, upTo uint64) (last int64) {
	t.Helper()
	var p capture.Packet
	for {
		err := src.Next(&p)
		if errors.Is(err, io.EOF) {
			return last
		}
		if err != nil {
			t.Fatal(err)
		}
		a.Packet(&p)
		if last = p.Time; p.Frame == upTo {
			return last
		}
	}
}

// TestKeysComeWhileIdle: a connection on which nothing more happens is decrypted
// when the key log has its keys.
func TestKeysComeWhileIdle(t *testing.T) {
	keys, err := os.ReadFile(tlsCapture + ".keys")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "keys")
	log := tlsdecrypt.NewKeyLog(func(w tlsdecrypt.Warning) { t.Error(w) })
	if err := log.OpenFile(path); err == nil {
		t.Fatal("there is no such file yet")
	}
	src, err := capture.OpenFiles([]string{tlsCapture + ".pcap"}, capture.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	h := new(told)
	a := analyze.New(analyze.Options{
		Ports: []uint16{5432}, Workers: 1,
		Session: session.Config{Messages: true, Exchanges: true, NewTLS: analyze.NewTLS(log)},
	}, h)
	now := feedTo(t, a, src, 40)
	if h.messages != 2 || len(h.notices) > 0 {
		t.Fatalf("%d messages, notices %q before the keys", h.messages, h.notices)
	}
	// The client writes a line and a half, then the rest.
	half := len(keys) / 2
	for i, text := range [][]byte{keys[:half], keys} {
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := log.Refresh(); err != nil {
			t.Fatal(err)
		}
		a.PollKeys(now + int64(i))
	}
	if h.messages < 30 || len(h.notices) > 0 {
		t.Fatalf("%d messages, notices %q after the keys have come", h.messages, h.notices)
	}
	feedTo(t, a, src, 0)
	a.Finish()
	if h.messages != 366 || h.ended != 1 || len(h.notices) > 0 {
		t.Errorf("%d messages, %d connections, notices %q", h.messages, h.ended, h.notices)
	}
}

// TestKeysDoNotCome: after a while it is said, also where nothing more happens.
func TestKeysDoNotCome(t *testing.T) {
	for _, none := range []bool{false, true} {
		var log *tlsdecrypt.KeyLog
		if !none {
			log = tlsdecrypt.NewKeyLog(nil)
		}
		src, err := capture.OpenFiles([]string{tlsCapture + ".pcap"}, capture.FileOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		h := new(told)
		a := analyze.New(analyze.Options{
			Ports: []uint16{5432}, Workers: 1,
			Session: session.Config{Messages: true, NewTLS: analyze.NewTLS(log)},
		}, h)
		now := feedTo(t, a, src, 40)
		if h.said("encrypted") != none {
			t.Errorf("no key log %v: notices %q at once", none, h.notices)
		}
		a.PollKeys(now + int64(time.Second))
		if h.said("encrypted") != none {
			t.Errorf("no key log %v: notices %q after a second", none, h.notices)
		}
		a.PollKeys(now + int64(time.Minute))
		if !h.said("encrypted") {
			t.Errorf("no key log %v: nothing is said after a minute", none)
		}
		feedTo(t, a, src, 0)
		a.Finish()
		if len(h.notices) != 1 || h.messages != 2 {
			t.Errorf("no key log %v: notices %q, %d messages", none, h.notices, h.messages)
		}
	}
}

// TestKeysInOrder: keys that come between packets are there for those that follow
// and what was held, whatever the number of goroutines.
func TestKeysInOrder(t *testing.T) {
	for workers := 1; workers <= 2; workers++ {
		log := tlsdecrypt.NewKeyLog(nil)
		src, err := capture.OpenFiles([]string{tlsCapture + ".pcap"}, capture.FileOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer src.Close()
		h := new(told)
		a := analyze.New(analyze.Options{
			Ports: []uint16{5432}, Workers: workers,
			Session: session.Config{Messages: true, NewTLS: analyze.NewTLS(log)},
		}, h)
		var before, after int
		feedTo(t, a, src, 40)
		a.Keys(func() {
			before = h.messages
			f, err := os.Open(tlsCapture + ".keys")
			if err != nil {
				t.Error(err)
				return
			}
			defer f.Close()
			if err := log.Load(f); err != nil {
				t.Error(err)
			}
		})
		a.Keys(func() { after = h.messages })
		feedTo(t, a, src, 0)
		a.Finish()
		if before != 2 || after < 30 || h.messages != 366 {
			t.Errorf("%d workers: %d messages before the keys, %d after, %d in all", workers, before, after, h.messages)
		}
	}
}
