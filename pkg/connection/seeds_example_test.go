package connection_test

import (
	"errors"
	"fmt"
	"net"

	"github.com/pgsniff/pgsniff/pkg/codec"
	"github.com/pgsniff/pgsniff/pkg/connection"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/tracker"
)

// Decoder and state machine by themselves: what a connection does for its program.
func Example_withoutConnection() {
	d := codec.NewBackendDecoder(codec.DecoderOptions{})
	m := tracker.NewFrontendMachine()
	if err := m.Send(&messages.StartupMessage{}); err != nil {
		fmt.Println(err)
	}
	d.Feed((&messages.AuthenticationOk{}).Append(nil))
	d.Feed((&messages.ReadyForQuery{Status: messages.TxIdle}).Append(nil))
	for {
		d.SetPhase(m.PhaseOf(messages.Backend))
		reply, err := d.Next()
		if errors.Is(err, codec.ErrNeedMore) {
			break
		}
		if err == nil {
			err = m.Receive(reply)
		}
		fmt.Println(reply, err)
	}
	fmt.Println(m.Phase())
	// Output:
	// AuthenticationOk <nil>
	// ReadyForQuery status="I" <nil>
	// ready
}

// A connection that writes what it sends to its socket.
func ExampleOnSend() {
	here, there := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		server := connection.NewBackend()
		for m, err := range server.Read(there) {
			fmt.Println("the server reads", m, err)
		}
	}()
	pg := connection.NewFrontend(connection.OnSend(func(_ messages.Message, wire []byte) error {
		_, err := here.Write(wire)
		return err
	}))
	if _, err := pg.Send(&messages.StartupMessage{Parameters: []messages.Pair{{Name: []byte("user"), Value: []byte("alice")}}}); err != nil {
		fmt.Println(err)
	}
	_ = here.Close()
	<-done
	// Output: the server reads StartupMessage protocol_version="3.0" parameters=["user"="alice"] <nil>
}

// Phases tell when the next query may be sent.
func ExampleFrontendConnection_Phase() {
	pg := connection.NewFrontend(connection.InPhase(messages.PhaseReady))
	_, _ = pg.Send(&messages.Query{SQL: []byte("SELECT 1")})
	fmt.Println(pg.Phase(), pg.IsReady())
	var replies []byte
	for _, m := range []messages.Message{
		messages.TextColumns("answer"), messages.TextRow("1"), &messages.CommandComplete{Tag: []byte("SELECT 1")},
		&messages.ReadyForQuery{Status: messages.TxInBlock},
	} {
		replies = m.Append(replies)
	}
	for m, err := range pg.Receive(replies) {
		fmt.Println(m, err)
	}
	fmt.Println(pg.Phase(), pg.IsReady(), pg.TxStatus())
	// Output:
	// simple_query false
	// RowDescription fields=["answer":25] <nil>
	// DataRow values=["1"] <nil>
	// CommandComplete command_tag="SELECT 1" <nil>
	// ReadyForQuery status="T" <nil>
	// ready true in transaction
}

// Each reply tells which request it answers.
func ExampleFrontendConnection_Answered() {
	pg := connection.NewFrontend(connection.InPhase(messages.PhaseReady))
	for _, m := range []messages.Message{
		&messages.Parse{Statement: []byte("s"), SQL: []byte("SELECT 1")}, &messages.Sync{},
		&messages.Bind{Statement: []byte("s")}, &messages.Execute{}, &messages.Sync{},
	} {
		_, _ = pg.Send(m)
	}
	replies := (&messages.ParseComplete{}).Append(nil)
	replies = (&messages.ReadyForQuery{Status: messages.TxIdle}).Append(replies)
	replies = (&messages.BindComplete{}).Append(replies)
	for m := range pg.Receive(replies) {
		r, _ := pg.Answered()
		fmt.Printf("%v answers %v %q of exchange %d\n", m, r.Kind, r.Statement, r.Exchange)
	}
	for r := range pg.Outstanding() {
		fmt.Println("outstanding:", r.Kind)
	}
	// Output:
	// ParseComplete answers Parse "s" of exchange 1
	// ReadyForQuery status="I" answers Sync "" of exchange 1
	// BindComplete answers Bind "s" of exchange 2
	// outstanding: Execute
	// outstanding: Sync
}

// What is out of order is refused with what would have been in order.
func ExampleBackendConnection_Receive() {
	pg := connection.NewBackend(connection.InPhase(messages.PhaseSASLInitial))
	for m, err := range pg.Receive((&messages.Sync{}).Append(nil)) {
		fmt.Println(m, errors.Is(err, messages.ErrProtocol))
		fmt.Println(err)
	}
	// Output:
	// Sync true
	// postgresql protocol: Sync is out of order in phase authenticating_sasl_initial; expected SASLInitialResponse or Terminate
}
