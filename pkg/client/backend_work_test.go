package client

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/connection"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// work does one of each request, whatever recoverable errors come, and returns all
// events and the error that ended it.
func work(d *driver) (all []Event, err error) {
	do := func(out []byte, err2 error) []Event {
		if err != nil {
			return nil
		}
		var events []Event
		events, err = d.run(out, err2)
		all = append(all, events...)
		return events
	}
	do(d.DoStartup())
	if err != nil {
		return all, err
	}
	do(d.DoSimpleQuery("hello"))
	do(d.DoPrepare("s", "SELECT $1"))
	s := &PreparedStatement{Name: "s", SQL: "SELECT $1", ParameterOIDs: []uint32{25}, Columns: []Column{{Name: "a", TypeOID: 25}}}
	do(d.DoBindExecute(s, []any{"x"}, ExecuteOptions{}))
	do(d.DoBindExecute(s, []any{"x"}, ExecuteOptions{MaxRows: 1}))
	if d.State() == StatePortalSuspended {
		do(d.DoContinue(&Portal{Columns: s.Columns}, 5))
	}
	do(d.DoCloseStatement("s"))
	for _, begin := range []func() ([]byte, error){
		func() ([]byte, error) { return d.DoSimpleQuery("in") },
		func() ([]byte, error) {
			return d.DoBindExecute(&PreparedStatement{SQL: "COPY t FROM STDIN"}, nil, ExecuteOptions{Portal: "in"})
		},
	} {
		do(begin())
		if d.State() == StateCopyIn {
			out, err2 := d.DoCopyData([]byte("x\n"))
			done, err3 := d.DoCopyDone()
			do(append(out, done...), errors.Join(err2, err3))
		}
	}
	do(d.DoSimpleQuery("out"))
	do(d.DoFunctionCall(1, false))
	if err != nil {
		return all, err
	}
	out, err := d.DoTerminate()
	if err == nil {
		_, err = d.transport.Write(out)
	}
	return all, err
}

var everything = []string{
	"AuthenticationRequest", "SASLChallenge", "SASLVerified", "Authenticated", "BackendKey", "Ready",
	"RowDescription", "Row", "CommandComplete", "CommandComplete", "Ready",
	"ParseComplete", "ParameterDescription", "PreparedStatement", "Ready",
	"BindComplete", "Row", "CommandComplete", "Ready",
	"BindComplete", "Row", "Suspended", "Row", "CommandComplete", "Ready",
	"CloseComplete", "Ready",
	"CopyIn", "CommandComplete", "Ready",
	"BindComplete", "CopyIn", "CommandComplete", "Ready",
	"CopyOut", "CopyData", "CopyDone", "CommandComplete", "Ready",
	"FunctionResult", "Ready",
}

func worker(t testing.TB, transport io.ReadWriter, chunk int) *driver {
	return newDriver(t, New(Config{User: "alice", Password: secret, RequireAuth: AuthSCRAM}), transport, chunk)
}

func TestWorkInMemory(t *testing.T) {
	for _, chunk := range []int{1, 2, 3, 1000} {
		d := worker(t, newBackend(AuthSCRAM), chunk)
		events, err := work(d)
		same(t, names(events), everything)
		if err != nil || d.State() != StateTerminated || !errors.Is(d.Err(), ErrTerminated) || d.Lost(io.EOF) != nil {
			t.Errorf("%v in %v", err, d.State())
		}
		if _, err := d.NextEvent(); !errors.Is(err, ErrTerminated) {
			t.Error(err)
		}
	}
}

// TestWorkOverAPipe has the server in another goroutine, behind a synchronous
// transport.
func TestWorkOverAPipe(t *testing.T) {
	for _, chunk := range []int{1, 1000} {
		here, there := net.Pipe()
		served := make(chan error)
		go func() {
			b := newBackend(AuthSCRAM)
			buffer := make([]byte, 700)
			for {
				n, err := there.Read(buffer)
				if n > 0 {
					_, _ = b.Write(buffer[:n])
				}
				if b.out.Len() > 0 {
					_, err = b.out.WriteTo(there)
				}
				if err != nil {
					served <- err
					return
				}
			}
		}()
		d := worker(t, here, chunk)
		events, err := work(d)
		same(t, names(events), everything)
		if err != nil {
			t.Error(err)
		}
		_ = here.Close()
		if err := <-served; !errors.Is(err, io.EOF) {
			t.Error("server:", err)
		}
	}
}

var errBroken = errors.New("broken")

// brittle breaks after a number of bytes read or written.
type brittle struct {
	io.ReadWriter
	reads, writes int
}

func (b *brittle) Read(p []byte) (int, error) {
	if b.reads == 0 {
		return 0, errBroken
	}
	n, err := b.ReadWriter.Read(p[:min(len(p), b.reads)])
	b.reads -= n
	return n, err
}

func (b *brittle) Write(p []byte) (int, error) {
	n := min(len(p), b.writes)
	b.writes -= n
	if n < len(p) {
		_, _ = b.ReadWriter.Write(p[:n])
		return n, errBroken
	}
	return b.ReadWriter.Write(p)
}

// TestTransportFailsAtEachByte breaks the connection after every number of bytes
// in either direction: the error tells so, and the events are the first ones.
func TestTransportFailsAtEachByte(t *testing.T) {
	whole := &brittle{newBackend(AuthSCRAM), 1 << 20, 1 << 20}
	all, err := work(worker(t, whole, 50))
	if err != nil {
		t.Fatal(err)
	}
	reads, writes := 1<<20-whole.reads, 1<<20-whole.writes
	check := func(b *brittle) {
		t.Helper()
		d := worker(t, b, 50)
		events, err := work(d)
		var lost *LostError
		if !errors.As(err, &lost) || !errors.Is(err, errBroken) {
			if _, terminating := err.(*LostError); !terminating && d.State() == StateTerminated && errors.Is(err, errBroken) {
				return // while it said goodbye
			}
			t.Fatalf("%+v: %v", b, err)
		}
		if lost.State == StateReady || d.State() != StateUnrecoverableError || !d.IsDead() {
			t.Fatalf("lost in %v, now %v", lost.State, d.State())
		}
		for i, e := range events {
			if fmt.Sprintf("%T", e) != fmt.Sprintf("%T", all[i]) {
				t.Fatalf("event %d is %T, was %T", i, e, all[i])
			}
		}
		if _, err2 := d.NextEvent(); err2 != err || d.Outgoing() != nil {
			t.Fatal(err2)
		}
		d.Receive([]byte("anything"))
		var state *StateError
		if _, err := d.DoSimpleQuery("x"); !errors.As(err, &state) || !errors.Is(err, errBroken) {
			t.Fatal(err)
		}
	}
	for n := range reads {
		check(&brittle{newBackend(AuthSCRAM), n, 1 << 20})
	}
	for n := range writes {
		check(&brittle{newBackend(AuthSCRAM), 1 << 20, n})
	}
	if reads < 400 || writes < 300 {
		t.Errorf("only %d and %d bytes", reads, writes)
	}
}

func errorBytes(severity string) []byte {
	return (&messages.ErrorResponse{ErrorFields: messages.ErrorFields{Fields: []messages.ErrorField{
		{Type: messages.FieldSeverity, Value: []byte(severity)},
		{Type: messages.FieldSQLState, Value: []byte("XX000")},
		{Type: messages.FieldMessage, Value: []byte("sorry")},
	}}}).Append(nil)
}

// TestErrorsAtEachStep has an error come in the place of each message.
func TestErrorsAtEachStep(t *testing.T) {
	b := newBackend(AuthSCRAM)
	if _, err := work(worker(t, b, 1000)); err != nil {
		t.Fatal(err)
	}
	startup := 0
	for b.kinds[startup] != messages.KindReadyForQuery {
		startup++
	}
	for step, kind := range b.kinds {
		t.Run(fmt.Sprintf("%d %v", step, kind), func(t *testing.T) {
			for _, severity := range []string{"ERROR", "FATAL", "PANIC"} {
				b := newBackend(AuthSCRAM)
				b.instead, b.hangUp = map[int][]byte{step: errorBytes(severity)}, severity != "ERROR"
				d := worker(t, b, 1000)
				events, err := work(d)
				e := find[*ServerError](t, events)
				recoverable := severity == "ERROR" && step > startup
				if e.Recoverable != recoverable || e.Severity != severity || e.Message != "sorry" {
					t.Errorf("error %+v", e)
				}
				if recoverable && (err != nil || d.State() != StateTerminated) {
					t.Errorf("%v in %v, after %v", err, d.State(), names(events))
				}
				if !recoverable && (err != error(e) || d.State() != StateUnrecoverableError) {
					t.Errorf("%s: %v in %v, after %v", severity, err, d.State(), names(events))
				}
			}
		})
	}
}

// TestAnythingAtEachStep has every other message of the backend come in the place
// of each message, and broken ones. Nothing goes on as if it were in order unless
// it is.
func TestAnythingAtEachStep(t *testing.T) {
	b := newBackend(AuthSCRAM)
	if _, err := work(worker(t, b, 1000)); err != nil {
		t.Fatal(err)
	}
	for step, kind := range b.kinds {
		for k := range messages.Kind(messages.NumKinds) {
			if !k.Sides().Has(messages.Backend) || k == kind {
				continue
			}
			b := newBackend(AuthSCRAM)
			b.instead, b.hangUp = map[int][]byte{step: k.New().Append(nil)}, true
			d := worker(t, b, 1000)
			_, err := work(d)
			checkEnd(t, d, err, fmt.Sprintf("%v in place of %v, step %d", k, kind, step))
		}
		for _, garbage := range []string{"Z\x00\x00\x00\x03", "Z\x00\x00\x00\x05?", "?\x00\x00\x00\x04", "T\xff\xff\xff\xff", "\x00", "D\x00\x00\x00\x06\xff\xff"} {
			b := newBackend(AuthSCRAM)
			b.instead, b.hangUp = map[int][]byte{step: []byte(garbage)}, true
			d := worker(t, b, 1000)
			_, err := work(d)
			checkEnd(t, d, err, fmt.Sprintf("%q in place of %v, step %d", garbage, kind, step))
		}
	}
}

// checkEnd checks that a session ended in an error of a known type, for good.
func checkEnd(t *testing.T, d *driver, err error, what string) {
	t.Helper()
	var protocol *ProtocolError
	var auth *AuthError
	var lost *LostError
	var server *ServerError
	var state *StateError
	switch {
	case errors.As(err, &state) && !d.IsDead():
		return // by chance in order: the next request came too early
	case !errors.As(err, &protocol) && !errors.As(err, &auth) && !errors.As(err, &lost) && !errors.As(err, &server):
		t.Errorf("%s: %v", what, err)
	case d.State() != StateUnrecoverableError || d.Err() != err:
		t.Errorf("%s: %v, but in state %v: %v", what, err, d.State(), d.Err())
	}
	if err != nil && err.Error() == "" {
		t.Errorf("%s: an error without text", what)
	}
}

func TestLateBytesAreNotLost(t *testing.T) {
	d := worker(t, newBackend(AuthSCRAM), 1000)
	d.must(d.DoStartup())
	notification := (&messages.NotificationResponse{ProcessID: 1, Channel: []byte("c")}).Append(nil)
	d.Receive(notification[:3])
	d.Receive(notification[3:])
	d.Receive(bytes.Repeat(notification, 2))
	d.Receive(nil)
	for range 3 {
		if e, err := d.NextEvent(); err != nil || e.(*Notification).Channel != "c" {
			t.Fatal(e, err)
		}
	}
	if _, err := d.NextEvent(); !errors.Is(err, ErrNeedData) || !d.IsReady() {
		t.Error(err)
	}
}

func TestInjectedBytes(t *testing.T) {
	c := New(Config{User: "alice"})
	if _, err := c.DoSSLRequest(); err != nil {
		t.Fatal(err)
	}
	c.Receive(append([]byte("S"), (&messages.AuthenticationOk{}).Append(nil)...))
	e, err := c.NextEvent()
	if r, ok := e.(*EncryptionResponse); !ok || !r.Accepted || err != nil || c.State() != StateEncryptionAccepted {
		t.Fatal(e, err)
	}
	if _, err := c.NextEvent(); !errors.Is(err, connection.ErrInjected) || c.State() != StateUnrecoverableError {
		t.Error(err)
	}
}
