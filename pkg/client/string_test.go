package client

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

func TestEventsPrint(t *testing.T) {
	for _, tt := range []struct {
		e    Event
		want string
	}{
		{&ParameterStatus{"TimeZone", "a\x1b[2Jb"}, `ParameterStatus name="TimeZone" value="a\x1b[2Jb"`},
		{&BackendKey{4711, []byte("geheim")}, "BackendKeyData process_id=4711 secret_key=<redacted>"},
		{&RowDescription{[]Column{{Name: "id", TypeOID: 23}}}, `RowDescription fields=["id":23]`},
		{&Row{cells: [][]byte{[]byte("1"), nil}}, `DataRow values=["1" NULL]`},
		{&CommandComplete{Tag: "SELECT 1", Command: "SELECT", Rows: 1}, `CommandComplete command_tag="SELECT 1"`},
		{&PreparedStatement{Name: "s", SQL: "SELECT $1", ParameterOIDs: []uint32{25}, Columns: []Column{{}}}, `PreparedStatement name="s" parameter_oids=[25] columns=1`},
		{&Suspended{&Portal{Name: "p"}}, `Suspended portal="p"`},
		{&CopyData{[]byte("1\n")}, `CopyData data="1\n"`},
		{&FunctionResult{[]byte("2")}, `FunctionCallResponse result="2"`},
		{&Notification{1, "c", "\x1b"}, `NotificationResponse process_id=1 channel="c" payload="\x1b"`},
	} {
		if got := fmt.Sprint(tt.e); got != tt.want {
			t.Errorf("%T: %s, want %s", tt.e, got, tt.want)
		}
	}
}

// recorder is a transport to a server that says nothing.
type recorder struct{ written []byte }

func (r *recorder) Write(b []byte) (int, error) {
	r.written = append(r.written, b...)
	return len(b), nil
}
func (r *recorder) Read([]byte) (int, error) { return 0, io.EOF }

// What DoTerminate returns has no answer: Run sends it, and that is no error. What is
// run afterwards is one.
func TestRunTerminates(t *testing.T) {
	c := New(Config{User: "alice"})
	var transport recorder
	run := func(request []byte, err error) (failure error) {
		if err != nil {
			return err
		}
		for _, err := range c.Run(&transport, request) {
			failure = err
		}
		return failure
	}
	if _, err := c.DoStartup(); err != nil {
		t.Fatal(err)
	}
	c.Receive((&messages.ReadyForQuery{Status: messages.TxIdle}).Append((&messages.AuthenticationOk{}).Append(nil)))
	for !c.IsReady() {
		if _, err := c.NextEvent(); err != nil {
			t.Fatal(err)
		}
	}
	if err := run(c.DoTerminate()); err != nil || string(transport.written) != "X\x00\x00\x00\x04" {
		t.Errorf("%v, %q was sent", err, transport.written)
	}
	if err := run(nil, nil); !errors.Is(err, ErrTerminated) {
		t.Error(err)
	}
	if err := run(c.DoSimpleQuery("SELECT 1")); err == nil {
		t.Error("a query was sent")
	}
}
