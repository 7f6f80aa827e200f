package tracker_test

import (
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
		fmt.Printf("%-8v %-16v query %d, answers %v\n", d, k, s.Unit, s.Request)
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
