package connection

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/samples"
	"github.com/pgsniff/pgsniff/pkg/codec"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/tracker"
)

// said is a message and who sends it.
type said struct {
	by messages.Direction
	m  messages.Message
}

func front(m messages.Message) said { return said{messages.Frontend, m} }
func back(m messages.Message) said  { return said{messages.Backend, m} }

func text(s string) []byte { return []byte(s) }

// login is a startup with SCRAM after refused encryption.
func login() []said {
	return []said{
		front(&messages.GSSENCRequest{}),
		back(&messages.GSSENCResponse{}),
		front(&messages.SSLRequest{}),
		back(&messages.SSLResponse{}),
		front(&messages.StartupMessage{Version: messages.Version32, Parameters: []messages.Pair{{Name: text("user"), Value: text("alice")}}}),
		back(&messages.NegotiateProtocolVersion{Newest: messages.Version30}),
		back(&messages.AuthenticationSASL{Mechanisms: [][]byte{text("SCRAM-SHA-256")}}),
		front(&messages.SASLInitialResponse{Mechanism: text("SCRAM-SHA-256"), Data: text("n,,n=,r=abc")}),
		back(&messages.AuthenticationSASLContinue{Data: text("r=abcdef,s=AAAA,i=4096")}),
		front(&messages.SASLResponse{Data: text("c=biws,r=abcdef,p=AAAA")}),
		back(&messages.AuthenticationSASLFinal{Data: text("v=AAAA")}),
		back(&messages.AuthenticationOk{}),
		back(&messages.ParameterStatus{Name: text("server_version"), Value: text("15.3")}),
		back(&messages.BackendKeyData{ProcessID: 7, SecretKey: text("abcd")}),
		back(&messages.ReadyForQuery{Status: 'I'}),
	}
}

// work is a pipeline of two extended queries, COPY both ways, and a goodbye.
func work() []said {
	return []said{
		front(&messages.Parse{Statement: text("s"), SQL: text("SELECT $1::int4"), ParameterOIDs: []uint32{23}}),
		front(&messages.Bind{Portal: text(""), Statement: text("s"), Parameters: messages.MakeValues(text("42"))}),
		front(&messages.Execute{Portal: text("")}),
		front(&messages.Sync{}),
		front(&messages.Query{SQL: text("COPY t FROM STDIN; COPY t TO STDOUT")}),
		back(&messages.ParseComplete{}),
		back(&messages.BindComplete{}),
		back(&messages.DataRow{Values: messages.MakeValues(text("42"))}),
		back(&messages.CommandComplete{Tag: text("SELECT 1")}),
		back(&messages.ReadyForQuery{Status: 'T'}),
		back(&messages.CopyInResponse{}),
		front(&messages.CopyData{Data: bytes.Repeat(text("x\n"), 700)}),
		front(&messages.CopyDone{}),
		back(&messages.CommandComplete{Tag: text("COPY 700")}),
		back(&messages.CopyOutResponse{}),
		back(&messages.CopyData{Data: text("x\n")}),
		back(&messages.NotificationResponse{ProcessID: 7, Channel: text("c"), Payload: text("")}),
		back(&messages.CopyDone{}),
		back(&messages.CommandComplete{Tag: text("COPY 1")}),
		back(&messages.ReadyForQuery{Status: 'I'}),
		front(&messages.Terminate{}),
	}
}

// ends are both ends of a connection.
func ends(options ...Option) (f *FrontendConnection, b *BackendConnection, both [2]*connection) {
	f, b = NewFrontend(options...), NewBackend(options...)
	return f, b, [2]*connection{&f.connection, &b.connection}
}

// wire is the bytes of a message, made without a connection.
func wire(m messages.Message) []byte { return m.Append(nil) }

func TestConversationInAnyChunks(t *testing.T) {
	for _, size := range []int{1, 2, 7, 1 << 20} {
		_, _, ends := ends()
		for _, s := range append(login(), work()...) {
			b, err := ends[s.by].Send(s.m)
			if err != nil {
				t.Fatalf("chunks of %d: sending %v: %v", size, s.m.Kind(), err)
			}
			if !bytes.Equal(b, wire(s.m)) {
				t.Fatalf("%v is sent as %q", s.m.Kind(), b)
			}
			receiver := ends[s.by.Opposite()]
			received := 0
			for len(b) > 0 {
				n := min(size, len(b))
				chunk := bytes.Clone(b[:n])
				for m, err := range receiver.Receive(chunk) {
					if err != nil {
						t.Fatalf("chunks of %d: receiving %v: %v", size, m, err)
					}
					if m.Kind() != s.m.Kind() || !bytes.Equal(wire(m), wire(s.m)) {
						t.Fatalf("%v was received as %v %q", s.m.Kind(), m.Kind(), wire(m))
					}
					received++
				}
				clear(chunk) // it is the caller's again
				b = b[n:]
			}
			if received != 1 {
				t.Fatalf("chunks of %d: %v was received %d times", size, s.m.Kind(), received)
			}
			if f, b := ends[0].Phase(), ends[1].Phase(); f != b && ends[1].PendingSyncs() == 0 && f != messages.PhaseSimpleQuery {
				t.Fatalf("after %v the frontend is in %v and the backend in %v", s.m.Kind(), f, b)
			}
		}
		if ends[0].Phase() != messages.PhaseTerminated || ends[1].Phase() != messages.PhaseTerminated {
			t.Errorf("in the end: %v and %v", ends[0].Phase(), ends[1].Phase())
		}
	}
}

func TestAWholeSideAtOnce(t *testing.T) {
	f, _, _ := ends()
	var replies []byte
	var want, got []messages.Kind
	for _, s := range login() {
		if s.by == messages.Backend {
			replies = append(replies, wire(s.m)...)
			want = append(want, s.m.Kind())
		}
	}
	requests := login()
	next := func() {
		for len(requests) > 0 && requests[0].by == messages.Backend {
			requests = requests[1:]
		}
		if len(requests) > 0 {
			if _, err := f.Send(requests[0].m); err != nil {
				t.Fatal(err)
			}
			requests = requests[1:]
		}
	}
	next()
	for m, err := range f.Receive(replies) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, m.Kind())
		switch m.Kind() {
		case messages.KindGSSENCResponse, messages.KindSSLResponse, messages.KindAuthenticationSASL, messages.KindAuthenticationSASLContinue:
			next() // what is still buffered is framed by the phase that this leads to
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || !f.IsReady() {
		t.Errorf("got %v in %v\nwant %v", got, f.Phase(), want)
	}
}

func TestLoopsCanBeLeft(t *testing.T) {
	c := NewFrontend(InPhase(messages.PhaseReady))
	var chunk []byte
	for i := range 5 {
		chunk = (&messages.NotificationResponse{ProcessID: uint32(i)}).Append(chunk)
	}
	chunk = append(chunk, 'Z', 0)
	data := chunk
	for i := range 5 {
		for m, err := range c.Receive(data) {
			if n, ok := m.(*messages.NotificationResponse); err != nil || !ok || n.ProcessID != uint32(i) {
				t.Fatalf("message %d: %v, %v", i, m, err)
			}
			break
		}
		data = nil
	}
	for m, err := range c.Receive(nil) {
		t.Errorf("left over: %v, %v", m, err)
	}
	if c.Buffered() != 2 || string(c.Unread()) != "Z\x00" || c.Buffered() != 0 {
		t.Error("the beginning of the next message is not there")
	}
}

func TestStrictConnectionsRefuse(t *testing.T) {
	f, b, _ := ends(InPhase(messages.PhaseReady))
	var a *tracker.Anomaly
	out, err := f.Send(&messages.CopyDone{})
	if !errors.As(err, &a) || out != nil || !strings.Contains(err.Error(), "expected Query, Parse,") {
		t.Errorf("Send returned %q, %v", out, err)
	}
	kept := []byte("kept")
	if out, err = f.Append(kept, &messages.CopyDone{}); err == nil || string(out) != "kept" {
		t.Errorf("Append returned %q, %v", out, err)
	}
	chunk := append(wire(&messages.PasswordMessage{}), wire(&messages.Query{SQL: text("SELECT 1")})...)
	var got []string
	for m, err := range b.Receive(chunk) {
		got = append(got, fmt.Sprintf("%v %v", m.Kind(), errors.As(err, &a)))
	}
	if fmt.Sprint(got) != "[PasswordMessage true Query false]" {
		t.Errorf("received %v", got)
	}
	if b.Phase() != messages.PhaseSimpleQuery {
		t.Errorf("phase %v", b.Phase())
	}
}

func TestLenientConnectionsGoOn(t *testing.T) {
	f := NewFrontend(InPhase(messages.PhaseReady), Lenient())
	var a *tracker.Anomaly
	if out, err := f.Send(&messages.PasswordMessage{}); !errors.As(err, &a) || len(out) == 0 {
		t.Errorf("Send returned %q, %v", out, err)
	}
	for m, err := range f.Receive(wire(&messages.ReadyForQuery{Status: 'T'})) {
		if m == nil || !errors.As(err, &a) {
			t.Errorf("received %v, %v", m, err)
		}
	}
	if f.TxStatus() != 'T' {
		t.Error("ReadyForQuery has had no effect")
	}
}

func TestBodiesWithoutTheirFormat(t *testing.T) {
	chunk := append([]byte("Z\x00\x00\x00\x05?"), wire(&messages.NoticeResponse{})...)
	for _, strict := range []bool{true, false} {
		options := []Option{InPhase(messages.PhaseReady)}
		if !strict {
			options = append(options, Lenient())
		}
		f := NewFrontend(options...)
		if _, err := f.Send(&messages.Sync{}); err != nil {
			t.Fatal(err)
		}
		var got []string
		for m, err := range f.Receive(chunk) {
			var d *codec.DecodingError
			got = append(got, fmt.Sprintf("%v %v", m.Kind(), errors.As(err, &d)))
		}
		if want := "[ReadyForQuery true NoticeResponse false]"; fmt.Sprint(got) != want {
			t.Errorf("strict %v: got %v", strict, got)
		}
		if f.IsReady() == strict {
			t.Errorf("strict %v: ready %v", strict, f.IsReady())
		}
	}
}

func TestFramingErrorsAreFinal(t *testing.T) {
	f := NewFrontend(InPhase(messages.PhaseReady), MaxMessageSize(100))
	big := wire(&messages.NotificationResponse{Payload: bytes.Repeat(text("x"), 100)})
	for _, data := range [][]byte{big, wire(&messages.NoticeResponse{})} {
		n := 0
		for m, err := range f.Receive(data) {
			var e *codec.FramingError
			if m != nil || !errors.As(err, &e) || e.Offset != 0 {
				t.Errorf("received %v, %v", m, err)
			}
			n++
		}
		if n != 1 {
			t.Errorf("%d errors", n)
		}
	}
}

func TestUnencodable(t *testing.T) {
	f := NewFrontend(InPhase(messages.PhaseReady))
	out, err := f.Send(&messages.Query{SQL: text("SELECT 1\x00; DROP TABLE t")})
	if !errors.Is(err, messages.ErrNUL) || out != nil || !f.IsReady() {
		t.Errorf("Send returned %q, %v; phase %v", out, err, f.Phase())
	}
}

func TestInjectedByTheServersSide(t *testing.T) {
	for _, lenient := range []bool{false, true} {
		var options []Option
		if lenient {
			options = append(options, Lenient())
		}
		f := NewFrontend(options...)
		if _, err := f.Send(&messages.SSLRequest{}); err != nil {
			t.Fatal(err)
		}
		var got []string
		for m, err := range f.Receive(append([]byte("S"), wire(&messages.AuthenticationOk{})...)) {
			if m != nil {
				got = append(got, m.Kind().String())
			}
			if err != nil {
				got = append(got, fmt.Sprint(errors.Is(err, ErrInjected)))
			}
		}
		if fmt.Sprint(got) != "[SSLResponse true]" {
			t.Errorf("received %v", got)
		}
		if err := f.TLSEstablished(); !errors.Is(err, ErrInjected) {
			t.Errorf("TLSEstablished: %v", err)
		}
	}
}

func TestInjectedByTheClientsSide(t *testing.T) {
	startup := wire(&messages.StartupMessage{Version: messages.Version30})
	for _, together := range []bool{false, true} {
		b := NewBackend(Lenient())
		chunks := [][]byte{wire(&messages.SSLRequest{}), startup}
		if together {
			chunks = [][]byte{append(chunks[0], startup...)}
		}
		var got []string
		for _, chunk := range chunks {
			for m, err := range b.Receive(chunk) {
				if m != nil {
					got = append(got, m.Kind().String())
				}
				if err != nil {
					got = append(got, fmt.Sprint(errors.Is(err, ErrInjected)))
				}
			}
		}
		if fmt.Sprint(got) != "[SSLRequest true]" {
			t.Errorf("received %v", got)
		}
		if out, err := b.Send(&messages.SSLResponse{Accepted: true}); !errors.Is(err, ErrInjected) || out != nil {
			t.Errorf("Send returned %q, %v", out, err)
		}
	}
}

func TestTLSEstablished(t *testing.T) {
	f, b, ends := ends()
	steps := []said{front(&messages.SSLRequest{}), back(&messages.SSLResponse{Accepted: true})}
	pass := func(s said) {
		t.Helper()
		out, err := ends[s.by].Send(s.m)
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range ends[s.by.Opposite()].Receive(out) {
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, s := range steps {
		pass(s)
	}
	if !f.IsActive() || f.Phase() != messages.PhaseEncrypted || b.Phase() != messages.PhaseEncrypted {
		t.Errorf("phases %v and %v", f.Phase(), b.Phase())
	}
	if err := errors.Join(f.TLSEstablished(), b.TLSEstablished()); err != nil {
		t.Fatal(err)
	}
	for _, s := range login()[4:] {
		pass(s)
	}
	if !f.IsReady() || !b.IsReady() || !f.IsActive() {
		t.Error("not ready after the startup inside TLS")
	}
	if err := f.TLSEstablished(); err == nil {
		t.Error("TLS was established in session")
	}
}

// The hooks see every message that took effect, with its bytes.
func TestHooks(t *testing.T) {
	var got []string
	broken := errors.New("the pipe is broken")
	sent := func(m messages.Message, b []byte) error {
		got = append(got, fmt.Sprintf(">%v %q", m.Kind(), b))
		if m.Kind() == messages.KindFlush {
			return broken
		}
		return nil
	}
	received := func(m messages.Message, b []byte) { got = append(got, fmt.Sprintf("<%v %q", m.Kind(), b)) }
	f := NewFrontend(InPhase(messages.PhaseReady), OnSend(sent), OnReceive(received))
	_, _ = f.Send(&messages.CopyDone{}) // refused
	if out, err := f.Append([]byte("before"), &messages.Sync{}); err != nil || string(out) != "beforeS\x00\x00\x00\x04" {
		t.Errorf("%q, %v", out, err)
	}
	if out, err := f.Send(&messages.Flush{}); !errors.Is(err, broken) || len(out) == 0 {
		t.Errorf("with an error of the hook: %q, %v", out, err)
	}
	for range f.Receive(append(wire(&messages.ReadyForQuery{Status: 'I'}), wire(&messages.BindComplete{})...)) {
		continue
	}
	want := []string{`>Sync "S\x00\x00\x00\x04"`, `>Flush "H\x00\x00\x00\x04"`, `<ReadyForQuery "Z\x00\x00\x00\x05I"`}
	if !slices.Equal(got, want) {
		t.Errorf("hooks saw %v, want %v", got, want)
	}
}

// Left at any message, with a buffer that is used again, a loop loses nothing.
func TestLoopsLeftLoseNothing(t *testing.T) {
	for _, size := range []int{3, 7, 64, 4096} {
		_, _, ends := ends()
		buf := make([]byte, size)
		for _, s := range append(login(), work()...) {
			b, err := ends[s.by].Send(s.m)
			if err != nil {
				t.Fatal(err)
			}
			receiver := ends[s.by.Opposite()]
			received := 0
			notice := wire(&messages.NoticeResponse{})
			if s.by == messages.Backend && ends[0].Phase() >= messages.PhaseReady {
				b = append(b, notice...) // what stands behind the place where the loop is left
			}
			for len(b) > 0 || receiver.Buffered() > 0 {
				n := copy(buf, b)
				b = b[n:]
				for m, err := range receiver.Receive(buf[:n]) {
					if err != nil {
						t.Fatal(err)
					}
					if received == 0 && !bytes.Equal(wire(m), wire(s.m)) || received == 1 && !bytes.Equal(wire(m), notice) {
						t.Fatalf("%v was received as %v", s.m, m)
					}
					received++
					break
				}
				clear(buf)
			}
		}
	}
}

// One answer to SSLRequest that no server gives, and the connection is over.
func TestForeignAnswersAreFinal(t *testing.T) {
	for _, m := range []messages.Message{&messages.SSLRequest{}, &messages.GSSENCRequest{}} {
		for _, options := range [][]Option{nil, {Lenient()}} {
			f := NewFrontend(options...)
			if _, err := f.Send(m); err != nil {
				t.Fatal(err)
			}
			var errs []error
			for m, err := range f.Receive([]byte("HTTP/1.1 404 Not Found\r\n\r\n")) {
				if m != nil || err == nil {
					t.Errorf("%v, %v", m, err)
				}
				errs = append(errs, err)
			}
			var framing *codec.FramingError
			if len(errs) != 1 || !errors.As(errs[0], &framing) || !errors.Is(errs[0], messages.ErrProtocol) {
				t.Errorf("errors: %v", errs)
			}
		}
	}
}

// What cannot be sent is refused, and what zero values cannot do they say.
func TestZeroValues(t *testing.T) {
	refused := []struct {
		phase messages.Phase
		m     messages.Message
		want  error
	}{
		{messages.PhaseSimpleQuery, &messages.ReadyForQuery{}, messages.ErrUndefined},
		{messages.PhaseSimpleQuery, &messages.ReadyForQuery{Status: 'X'}, messages.ErrUndefined},
		{messages.PhaseReady, &messages.Describe{}, messages.ErrUndefined},
		{messages.PhaseReady, &messages.Close{}, messages.ErrUndefined},
		{messages.PhaseInitialization, &messages.BackendKeyData{}, messages.ErrKey},
		{messages.PhaseStartup, &messages.CancelRequest{}, messages.ErrKey},
		{messages.PhaseReady, nil, messages.ErrNoMessage},
	}
	for _, tt := range refused {
		for _, c := range []Connection{NewFrontend(InPhase(tt.phase)), NewBackend(InPhase(tt.phase))} {
			if out, err := c.Send(tt.m); !errors.Is(err, tt.want) || out != nil {
				t.Errorf("%v: %q, %v, want %v", tt.m, out, err, tt.want)
			}
		}
	}
	out, err := NewFrontend().Send(&messages.StartupMessage{})
	if err != nil || string(out) != "\x00\x00\x00\x09\x00\x03\x00\x00\x00" {
		t.Errorf("a StartupMessage without a version: %q, %v", out, err)
	}
	for _, c := range []Connection{new(FrontendConnection), new(BackendConnection)} {
		if _, err := c.Send(&messages.Sync{}); !errors.Is(err, errNotMade) {
			t.Errorf("Send of a zero connection: %v", err)
		}
		for m, err := range c.Receive(wire(&messages.Sync{})) {
			if m != nil || !errors.Is(err, errNotMade) {
				t.Errorf("Receive of a zero connection: %v, %v", m, err)
			}
		}
		for name, f := range map[string]func(){
			"Phase": func() { c.Phase() }, "IsReady": func() { c.IsReady() }, "IsActive": func() { c.IsActive() },
			"PendingSyncs": func() { c.PendingSyncs() }, "TxStatus": func() { c.TxStatus() },
			"Answered": func() { c.Answered() }, "Outstanding": func() { c.Outstanding() },
			"Wire": func() { c.Wire() }, "Buffered": func() { c.Buffered() }, "Unread": func() { c.Unread() },
			"Clear": c.Clear, "Decoder": func() { c.Decoder() }, "Machine": func() { c.Machine() },
			"TLSEstablished": func() { _ = c.TLSEstablished() },
		} {
			if got := recovered(f); got != errNotMade {
				t.Errorf("%s of a zero connection: %v", name, got)
			}
		}
	}
}

// recovered returns what f panics with.
func recovered(f func()) (r any) {
	defer func() { r = recover() }()
	f()
	return nil
}

func TestLogger(t *testing.T) {
	var log bytes.Buffer
	plain := slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}
	f := NewFrontend(InPhase(messages.PhaseReady), Lenient(), Logger(slog.New(slog.NewTextHandler(&log, &plain))))
	_, _ = f.Send(&messages.PasswordMessage{Password: text("pencil")})
	for range f.Receive(append(wire(&messages.NoData{}), "Z\x00\x00\x00\x05?"...)) {
		continue
	}
	got := log.String()
	for _, want := range []string{"level=WARN", "message=PasswordMessage", "message=NoData", "message=ReadyForQuery", "sent", "received"} {
		if !strings.Contains(got, want) {
			t.Errorf("the log does not hold %q:\n%s", want, got)
		}
	}
	if strings.Contains(got, "pencil") || strings.Count(got, "\n") != 3 {
		t.Errorf("the log:\n%s", got)
	}
	// The phase is that in which a message came, not the one that it has led to.
	if strings.Count(got, "phase=ready") != 3 {
		t.Errorf("the phases in the log:\n%s", got)
	}
}

func TestClear(t *testing.T) {
	f := NewFrontend(InPhase(messages.PhaseReady), MaxMessageSize(20))
	if _, err := f.Send(&messages.Query{}); err != nil {
		t.Fatal(err)
	}
	for range f.Receive([]byte("D\x00\x00\x01\x00")) { // larger than the limit: final
		continue
	}
	f.Clear()
	if f.Phase() != messages.PhaseSimpleQuery || f.Buffered() != 0 {
		t.Errorf("phase %v, %d bytes", f.Phase(), f.Buffered())
	}
	for m, err := range f.Receive(wire(&messages.EmptyQueryResponse{})) {
		if err != nil {
			t.Error(m, err)
		}
	}
}

// Every message that a side may send in a phase is framed and told apart by the
// other side in the same phase.
func TestEverySample(t *testing.T) {
	for _, s := range samples.All() {
		if s.Phase == messages.PhaseUnknown {
			continue
		}
		options := []Option{InPhase(s.Phase), Lenient()}
		f, b := NewFrontend(options...), NewBackend(options...)
		ends := [2]*connection{&f.connection, &b.connection}
		out, _ := ends[s.Direction].Send(s.Message)
		if !bytes.Equal(out, s.Wire) {
			t.Errorf("%s in %v is sent as %q", s.Name, s.Phase, out)
			continue
		}
		n := 0
		for m := range ends[s.Direction.Opposite()].Receive(s.Wire) {
			n++
			if m == nil || m.Kind() != s.Kind || !bytes.Equal(wire(m), s.Wire) {
				t.Errorf("%s in %v was received as %v", s.Name, s.Phase, m)
			}
		}
		if n != 1 {
			t.Errorf("%s in %v was received %d times", s.Name, s.Phase, n)
		}
	}
}
