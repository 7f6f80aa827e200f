package exchange_test

import (
	"fmt"

	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/tracker"
)

// printer prints the exchanges of one connection.
type printer struct{}

func (printer) Exchange(x *exchange.Exchange) {
	ns, _ := x.Duration()
	fmt.Printf("%d %s: %s\n", x.ID, x.Protocol, x.SQL)
	values, _ := x.Parameters()
	for i, v := range values {
		fmt.Printf("  $%d = %s\n", i+1, v)
	}
	for _, r := range x.Results {
		fmt.Printf("  %s, %d rows of %d bytes in %d µs\n", r.Tag, r.Rows, r.Bytes, ns/1000)
	}
}

// A program that sees messages itself, such as a proxy, tells them to a tracker
// and gives each with its Step to a Log.
func Example() {
	log := exchange.New(printer{}, exchange.NewShared(exchange.Limits{}))
	var session tracker.Tracker
	session.SetPhase(messages.PhaseReady) // the startup is over

	var now int64
	observe := func(d messages.Direction, list ...messages.Message) {
		now += 250_000 // nanoseconds
		for _, m := range list {
			wire := m.Append(nil)
			at := exchange.Stamp{Time: now, Frame: uint64(now)}
			log.Observe(&exchange.Message{
				Direction: d, Kind: m.Kind(), Body: wire[5:], Len: len(wire),
				First: at, At: at, Step: session.Observe(d, m.Kind(), wire[5:]),
			})
		}
	}
	observe(messages.Frontend,
		&messages.Parse{SQL: []byte("SELECT name FROM users WHERE id = $1")},
		&messages.Bind{Parameters: messages.MakeValues([]byte("42"))},
		&messages.Execute{},
		&messages.Sync{})
	observe(messages.Backend,
		&messages.ParseComplete{},
		&messages.BindComplete{},
		&messages.DataRow{Values: messages.MakeValues([]byte("Ada"))},
		&messages.CommandComplete{Tag: []byte("SELECT 1")},
		&messages.ReadyForQuery{Status: 'I'})
	log.End()

	// Output:
	// 1 extended: SELECT name FROM users WHERE id = $1
	//   $1 = 42
	//   SELECT 1, 1 rows of 14 bytes in 250 µs
}
