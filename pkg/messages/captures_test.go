package messages_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/analyze"
	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/internal/tlsdecrypt"
	"github.com/pgsniff/pgsniff/pkg/codec"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// moreCaptures names an environment variable with directories of further
// captures to test with, separated like those of PATH.
const moreCaptures = "PGSNIFF_TEST_PCAPS"

// TestCaptures leads every capture through packets, TCP and sessions, and checks
// each complete message: what Decode accepts, Append writes again byte for byte,
// and pgproto3 reads the same in it.
func TestCaptures(t *testing.T) {
	dirs := append([]string{"../../testdata/pcaps"}, filepath.SplitList(os.Getenv(moreCaptures))...)
	seen := make(map[messages.Kind]int)
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*.pcap*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			t.Run(filepath.Base(file), func(t *testing.T) {
				c := &captureChecker{t: t, seen: seen, reused: make(map[messages.Kind]messages.Message)}
				c.read(file)
				if want := malformedIn[filepath.Base(file)]; c.malformed != want {
					t.Errorf("%d malformed messages, want %d; the first: %v", c.malformed, want, c.first)
				}
			})
		}
	}
	for _, k := range []messages.Kind{
		messages.KindStartupMessage, messages.KindParameterStatus, messages.KindQuery, messages.KindParse, messages.KindBind,
		messages.KindRowDescription, messages.KindDataRow, messages.KindCommandComplete, messages.KindErrorResponse,
		messages.KindReadyForQuery,
	} {
		if seen[k] == 0 {
			t.Errorf("no capture has a complete %v", k)
		}
	}
	t.Logf("complete messages by kind: %v", seen)
}

// malformedIn counts the messages of captures that do not have their format.
var malformedIn = map[string]int{
	"negotiate_pg18.pcap": 1, // a version-2 startup packet of eight bytes
	// From two servers each: a Query without NUL, a Bind and a Parse that end too
	// early, a StartupMessage without its last NUL, a CancelRequest without key.
	"malformed.pcap":    10,
	"raw1.pcap":         4, // FunctionCalls with four bytes too many
	"sasl_plainpw.pcap": 1, // a password in place of a SASLInitialResponse
	"sc_0_0.pcap":       1, // a startup packet with nothing but a version
}

// captureChecker is the handler that checks messages.
type captureChecker struct {
	t         *testing.T
	seen      map[messages.Kind]int
	reused    map[messages.Kind]messages.Message
	malformed int
	first     error
	failures  int
}

func (c *captureChecker) read(file string) {
	c.t.Helper()
	keys := tlsdecrypt.NewKeyLog(func(tlsdecrypt.Warning) {})
	if f, err := os.Open(strings.TrimSuffix(file, filepath.Ext(file)) + ".keys"); err == nil {
		if err := keys.Load(f); err != nil {
			c.t.Fatal(err)
		}
		_ = f.Close()
	}
	files, err := capture.OpenFiles([]string{file}, capture.FileOptions{OnWarning: func(error) {}})
	if err != nil {
		c.t.Skip(err) // there to be refused
	}
	defer files.Close()
	a := analyze.New(analyze.Options{
		Ports: []uint16{5432}, AnyPort: true, Workers: 1, Limits: exchange.Limits{},
		Session: session.Config{
			Messages: true, NewTLS: analyze.NewTLS(keys), Stream: codec.StreamOptions{MaxMessage: 64 << 20},
		},
	}, c)
	var p capture.Packet
	for err = files.Next(&p); err == nil; err = files.Next(&p) {
		a.Packet(&p)
	}
	a.Finish()
	if !errors.Is(err, io.EOF) {
		c.t.Logf("reading ended: %v", err)
	}
}

func (c *captureChecker) Exchange(*session.Session, *exchange.Exchange) {}
func (c *captureChecker) Notice(*session.Session, *session.Notice)      {}
func (c *captureChecker) End(*session.Session)                          {}

// Message checks a complete message.
func (c *captureChecker) Message(e *session.Event) {
	if e.Truncated || e.Lost > 0 || c.failures > 5 {
		return
	}
	for _, n := range e.Notes {
		if n.Code == session.NoteForeign {
			return // its body was translated
		}
	}
	wire := wireOf(e)
	if len(wire) != e.Len {
		c.fail("%v of %d bytes on the wire has %d", e.Kind, e.Len, len(wire))
		return
	}
	m := c.reused[e.Kind]
	if m == nil {
		m = e.Kind.New()
		c.reused[e.Kind] = m
	}
	if u, ok := m.(*messages.Unknown); ok {
		u.Tag = e.Tag
	}
	if err := m.Decode(e.Body); err != nil {
		if c.malformed++; c.first == nil {
			c.first = err
		}
		return
	}
	c.seen[e.Kind]++
	if got := m.Append(nil); !bytes.Equal(got, wire) {
		c.fail("%v\nwas   %.200x\nis    %.200x", e.Kind, wire, got)
	}
	c.compare(e, m)
}

func (c *captureChecker) fail(format string, args ...any) {
	c.t.Helper()
	c.failures++
	c.t.Errorf(format, args...)
}

// wireOf puts the message together as it was on the wire.
func wireOf(e *session.Event) (wire []byte) {
	switch {
	case e.Kind == messages.KindSSLResponse, e.Kind == messages.KindGSSENCResponse:
		return e.Body
	case e.Kind == messages.KindErrorResponseV2:
		return append([]byte{e.Tag}, e.Body...)
	case e.Tag != 0:
		wire = append(wire, e.Tag)
	}
	wire = binary.BigEndian.AppendUint32(wire, uint32(len(e.Body)+4))
	return append(wire, e.Body...)
}

// compare has pgproto3 read the same bytes.
func (c *captureChecker) compare(e *session.Event, m messages.Message) {
	peer := peerOf(e.Kind)
	if peer == nil || deviates(m) {
		return
	}
	if err := peer.Decode(bytes.Clone(e.Body)); err != nil {
		c.fail("%v: pgproto3 refuses it: %v\n%.200x", e.Kind, err, e.Body)
		return
	}
	var ours, theirs dump
	visitSorted(m, &ours)
	visitSorted(translate(peer), &theirs)
	if ours.String() != theirs.String() {
		c.fail("%v:\nours   %.300s\ntheirs %.300s", e.Kind, ours.String(), theirs.String())
	}
}

// deviates tells the messages in which pgproto3 is known to differ from the
// protocol; see peerDeviates.
func deviates(m messages.Message) bool {
	switch m := m.(type) {
	case *messages.StartupMessage:
		return m.Version != messages.Version30 && m.Version != messages.Version32
	case *messages.SASLInitialResponse:
		return m.Data == nil
	}
	return false
}
