package findings_test

import (
	"testing"

	"github.com/pgsniff/pgsniff/internal/findings"
	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Programs that connect for each query are common: what a connection needs serves
// the next one.
func TestShortConnectionsDoNotAllocate(t *testing.T) {
	e := findings.New(findings.Options{})
	sql := []byte("select a from t where id = $1")
	id, now := uint64(0), int64(1e18)
	at := func(after int64) findings.Stamp { return findings.Stamp{Time: now + after, Frame: id} }
	message, end := findings.Message{}, findings.Ending{}
	q := findings.Exchange{
		Protocol: exchange.ProtocolSimple, SQL: sql, Normalized: sql, Fingerprint: sqlnorm.Fingerprint(sql),
		Results: []findings.Result{{Tag: []byte("SELECT 1"), Rows: 1}}, Rows: 1, Pause: 10, PauseTx: 'I', Tx: 'I', Answered: true, Complete: true,
	}
	c := findings.Conn{Client: "10.0.0.1:4000", Server: "10.0.0.2:5432", User: "u", Database: "d"}
	connection := func() {
		id++
		now += 1e6
		c.ID, c.Started = id, at(0)
		message.Kind, message.At = messages.KindStartupMessage, at(1)
		e.Message(&c, &message)
		for k := range int64(3) {
			q.ID, q.Start, q.FirstReply, q.End = uint64(k+1), at(100*k), at(100*k+10), at(100*k+20)
			e.Exchange(&c, &q)
		}
		message.Kind, message.At = messages.KindTerminate, at(500)
		e.Message(&c, &message)
		end.At = at(600)
		e.End(&c, &end)
	}
	for range 2000 { // until every quantile and list has its size
		connection()
	}
	if n := testing.AllocsPerRun(1000, connection); n > 1 {
		t.Errorf("%v allocations for a connection", n)
	}
}

// What is concluded of a connection that is over must not be told of the one that
// comes after it.
func TestConnectionsAreToldApart(t *testing.T) {
	e := findings.New(findings.Options{})
	now := int64(1e18)
	at := func(after int64) findings.Stamp { return findings.Stamp{Time: now + after, Frame: uint64(after / 1e6)} }
	sql := []byte("update t set a = $1")
	query := func(c *findings.Conn, id uint64, from, to int64, tx byte) {
		e.Exchange(c, &findings.Exchange{
			ID: id, Protocol: exchange.ProtocolSimple, SQL: sql, Normalized: sql, Fingerprint: sqlnorm.Fingerprint(sql),
			Results: []findings.Result{{Tag: []byte("UPDATE 1")}}, Start: at(from), FirstReply: at(to), End: at(to), Pause: -1, Tx: tx, Answered: true, Complete: true,
		})
	}
	const ms = int64(1e6)
	holder := findings.Conn{ID: 1, Client: "10.0.0.1:1", Server: "10.0.0.9:5432", User: "holder"}
	waiter := findings.Conn{ID: 2, Client: "10.0.0.2:2", Server: "10.0.0.9:5432", User: "waiter"}
	query(&holder, 1, 0, ms, 'T')
	query(&holder, 2, 3000*ms, 3001*ms, 'I')
	query(&waiter, 1, 100*ms, 3002*ms, 'I')
	e.End(&waiter, &findings.Ending{At: at(3010 * ms)})
	e.End(&holder, &findings.Ending{At: at(3010 * ms)})
	// Others begin before the wait is judged, and would take the place of both.
	for id := uint64(3); id < 6; id++ {
		c := findings.Conn{ID: id, Client: "10.0.0.3:3", Server: "10.0.0.9:5432", User: "stranger"}
		query(&c, 1, 3020*ms, 3021*ms, 'I')
	}
	for _, f := range e.Finish() {
		if f.Code != "lock_wait" {
			continue
		}
		for _, c := range f.Connections {
			if c.User == "stranger" {
				t.Errorf("%s names %+v", f.Title, c)
			}
		}
		if len(f.Connections) == 0 || f.Connections[0].User != "waiter" && f.Connections[0].User != "holder" {
			t.Errorf("connections %+v", f.Connections)
		}
		return
	}
	t.Errorf("no lock_wait in %+v", e.Finish())
}
