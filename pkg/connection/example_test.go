package connection_test

import (
	"errors"
	"fmt"

	"github.com/pgsniff/pgsniff/pkg/connection"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/tracker"
)

// A client logs in by trust and runs a query against a server of a few lines; a
// slice of bytes stands in for the network.
func Example() {
	client := connection.NewFrontend()
	server := connection.NewBackend()

	request, err := client.Send(&messages.StartupMessage{
		Version:    messages.Version30,
		Parameters: []messages.Pair{{Name: []byte("user"), Value: []byte("alice")}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for !client.IsReady() || client.TxStatus() == 0 {
		reply := serve(server, request)
		for m, err := range client.Receive(reply) {
			fmt.Println(m.Kind(), err)
		}
	}

	request, _ = client.Send(&messages.Query{SQL: []byte("BEGIN")})
	fmt.Println(client.Phase())
	for m, err := range client.Receive(serve(server, request)) {
		fmt.Println(m.Kind(), err)
	}
	fmt.Printf("%v %c\n", client.Phase(), client.TxStatus())
	// Output:
	// AuthenticationOk <nil>
	// ReadyForQuery <nil>
	// simple_query
	// CommandComplete <nil>
	// ReadyForQuery <nil>
	// ready T
}

// serve answers what the client sent.
func serve(server *connection.BackendConnection, request []byte) (reply []byte) {
	send := func(list ...messages.Message) {
		for _, m := range list {
			reply, _ = server.Append(reply, m)
		}
	}
	for m, err := range server.Receive(request) {
		if err != nil {
			fmt.Println(err)
			return reply
		}
		switch m.(type) {
		case *messages.StartupMessage:
			send(&messages.AuthenticationOk{}, &messages.ReadyForQuery{Status: 'I'})
		case *messages.Query:
			send(&messages.CommandComplete{Tag: []byte("BEGIN")}, &messages.ReadyForQuery{Status: 'T'})
		}
	}
	return reply
}

// A strict connection refuses what is out of order and says what was expected.
func ExampleFrontendConnection_Send() {
	c := connection.NewFrontend(connection.InPhase(messages.PhaseReady))
	_, err := c.Send(&messages.CopyDone{})
	fmt.Println(err)
	var anomaly *tracker.Anomaly
	fmt.Println(errors.As(err, &anomaly), c.Phase())
	// Output:
	// postgresql protocol: CopyDone is out of order in phase ready; expected Query, Parse, Bind, Describe, Execute, Close, Flush, Sync, FunctionCall or Terminate
	// true ready
}
