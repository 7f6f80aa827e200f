package session_test

import (
	"fmt"
	"time"

	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// slow prints the SQL of each query and how long it took. It looks at nothing
// else.
type slow struct{}

func (slow) Exchange(s *session.Session, x *exchange.Exchange) {
	ns, ok := x.Duration()
	if !ok {
		return // its beginning or its end was not seen
	}
	fmt.Printf("%s@%s %v %s\n", s.Info().User, s.Info().Database, time.Duration(ns), x.SQL)
}

func (slow) Message(*session.Event) {}

func (slow) Notice(_ *session.Session, n *session.Notice) { fmt.Println("notice:", n.Text) }

func (slow) End(s *session.Session) {
	fmt.Printf("%s after %d queries\n", s.Info().State, s.Totals().Queries)
}

// The bytes of a connection, in causal order, become queries. They may come from
// a reassembler, a proxy or a file, in pieces of any size.
func Example() {
	capture := session.NewShared(session.Config{Exchanges: true}, exchange.Limits{}, slow{})
	conn := capture.New(session.Opening{ID: 1, Client: "10.0.0.1:40000", Server: "10.0.0.2:5432"})

	var at session.Stamp
	send := func(d messages.Direction, after time.Duration, list ...messages.Message) {
		at.Time += int64(after)
		at.Frame++
		var wire []byte
		for _, m := range list {
			wire = m.Append(wire)
		}
		conn.Data(d, wire, at)
	}
	at.Time = time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC).UnixNano()
	send(messages.Frontend, 0, &messages.StartupMessage{
		Version: messages.Version30, Parameters: []messages.Pair{{Name: []byte("user"), Value: []byte("ada")}},
	})
	send(messages.Backend, time.Millisecond, &messages.AuthenticationOk{}, &messages.ReadyForQuery{Status: 'I'})
	send(messages.Frontend, time.Second, &messages.Query{SQL: []byte("SELECT count(*) FROM orders")})
	send(messages.Backend, 42*time.Millisecond,
		&messages.DataRow{Values: messages.MakeValues([]byte("7"))},
		&messages.CommandComplete{Tag: []byte("SELECT 1")}, &messages.ReadyForQuery{Status: 'I'})
	send(messages.Frontend, time.Millisecond, &messages.Terminate{})
	conn.End(session.EndFIN, at, session.Traffic{})
	capture.Finish()

	// Output:
	// ada@ada 42ms SELECT count(*) FROM orders
	// terminated after 1 queries
}
