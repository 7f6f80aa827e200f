package tracker_test

import (
	"errors"
	"fmt"

	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/tracker"
)

// A tracker observes a pipeline of two queries, of which the first fails.
func ExampleTracker() {
	var t tracker.Tracker
	t.SetPhase(messages.PhaseReady)
	observe := func(d messages.Direction, k messages.Kind, body string) {
		s := t.Observe(d, k, []byte(body))
		fmt.Printf("%-8v %-16v query %d, answers %v\n", d, k, s.Exchange, s.Request)
	}
	observe(messages.Frontend, messages.KindQuery, "SELECT 1/0\x00")
	observe(messages.Frontend, messages.KindQuery, "COMMIT\x00")
	observe(messages.Backend, messages.KindErrorResponse, "SERROR\x00C22012\x00\x00")
	observe(messages.Backend, messages.KindReadyForQuery, "I")
	observe(messages.Backend, messages.KindCommandComplete, "COMMIT\x00")
	observe(messages.Backend, messages.KindReadyForQuery, "I")
	// Output:
	// frontend Query            query 1, answers Unknown
	// frontend Query            query 2, answers Unknown
	// backend  ErrorResponse    query 1, answers Query
	// backend  ReadyForQuery    query 1, answers Query
	// backend  CommandComplete  query 2, answers Query
	// backend  ReadyForQuery    query 2, answers Query
}

// A strict machine refuses a message out of order and stays as it was.
func ExampleFrontendMachine() {
	m := tracker.NewFrontendMachine(tracker.InPhase(messages.PhaseReady))
	for _, msg := range []messages.Message{&messages.Parse{}, &messages.Bind{}, &messages.Sync{}} {
		if err := m.Send(msg); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(m.Phase(), "pending Syncs:", m.PendingSyncs())
	fmt.Println(m.Receive(&messages.BindComplete{}))
	fmt.Println(m.Receive(&messages.ParseComplete{}))
	// Output:
	// extended_query pending Syncs: 1
	// postgresql protocol: BindComplete is out of order in phase extended_query; expected ParseComplete or ErrorResponse
	// <nil>
}

// A proxy knows what both sides think: each message is sent by one and received by the
// other, and they stay in step.
func ExampleMachine() {
	client, server := tracker.NewFrontendMachine(), tracker.NewBackendMachine()
	pass := func(from, to tracker.Machine, list ...messages.Message) {
		for _, m := range list {
			if err := errors.Join(from.Send(m), to.Receive(m)); err != nil {
				fmt.Println(err)
				return
			}
		}
		fmt.Println(client.Phase(), server.Phase())
	}
	pass(client, server, &messages.Query{}) // before the startup
	pass(client, server, &messages.StartupMessage{})
	pass(server, client, &messages.AuthenticationOk{}, &messages.ReadyForQuery{Status: messages.TxIdle})
	pass(client, server, &messages.Query{})
	pass(server, client, &messages.CommandComplete{}, &messages.ReadyForQuery{Status: messages.TxIdle})
	// Output:
	// postgresql protocol: Query is out of order in phase startup; expected StartupMessage, SSLRequest, GSSENCRequest, CancelRequest or StartupMessageV2
	// postgresql protocol: Query is out of order in phase startup; expected StartupMessage, SSLRequest, GSSENCRequest, CancelRequest or StartupMessageV2
	// authenticating authenticating
	// ready ready
	// simple_query simple_query
	// ready ready
}
