package analyze

import (
	"github.com/pgsniff/pgsniff/internal/friend"
	"github.com/pgsniff/pgsniff/internal/netfacts"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/reassembly"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// sessions is the second stage.
type sessions struct {
	shared      *session.Shared
	connections uint64
	label       []byte
	server      string     // the latest connection's
	slow        *slowWatch // nil where nobody asked
	told        func(*netfacts.Event)
	tickers     []Ticker
	opened      func(*session.Session)
	_           [24]byte // see TestLines
}

func (k *conn) direction(d reassembly.Dir) messages.Direction {
	return messages.Direction(d ^ k.frontend)
}

// of returns the session of a connection, made when first asked for.
func (t *sessions) of(k *conn) *session.Session {
	if k.session != nil {
		return k.session
	}
	if k.server != "" {
		return t.begin(k, k.client, k.server)
	}
	client, server := k.a, k.b
	if k.frontend == 1 {
		client, server = server, client
	}
	t.label = client.AppendTo(t.label[:0])
	n := len(t.label)
	t.label = server.AppendTo(t.label)
	if string(t.label[n:]) != t.server { // usually that of the connection before
		t.server = string(t.label[n:])
	}
	return t.begin(k, string(t.label[:n]), t.server)
}

func (t *sessions) begin(k *conn, client, server string) *session.Session {
	o := session.Opening{
		ID: k.id, Client: client, Server: server,
		At: k.first, MidStream: k.midStream, Candidate: !k.listed, Continues: k.continues,
	}
	if k.before != nil {
		k.session = t.shared.Resume(o, k.before)
		k.before = nil
	} else {
		k.session = t.shared.New(o)
	}
	if t.opened != nil {
		t.opened(k.session)
	}
	return k.session
}

// look looks for queries that are still running.
func (t *sessions) look(at reassembly.Stamp) { t.slow.look(at) }

// network passes on what the network did.
func (t *sessions) network(e *netfacts.Event) { t.told(e) }

func (t *sessions) data(k *conn, d reassembly.Dir, b []byte, unacked int32, at reassembly.Stamp) {
	s := t.of(k)
	t.unacked(s, unacked)
	s.Data(k.direction(d), b, at)
	if t.slow != nil {
		t.slow.sawData(k)
	}
	if s.Done() {
		k.done.Store(true)
	}
}

// chunk is data that was divided into parts ahead.
func (t *sessions) chunk(k *conn, d reassembly.Dir, b []byte, parts []friend.Part, shape friend.Shape, unacked int32, at reassembly.Stamp) {
	s := t.of(k)
	t.unacked(s, unacked)
	chunks.Chunk(s, k.direction(d), b, parts, shape, at)
	if t.slow != nil {
		t.slow.sawData(k)
	}
	if s.Done() {
		k.done.Store(true)
	}
}

// unacked tells a session what the sender of the next chunk had acknowledged.
func (t *sessions) unacked(s *session.Session, n int32) {
	if n != unknownUnacked {
		s.Unacked(int(n))
	}
}

func (t *sessions) gap(k *conn, d reassembly.Dir, n int64, at reassembly.Stamp) {
	s := t.of(k)
	s.Gap(k.direction(d), n, at)
	if s.Done() {
		k.done.Store(true)
	}
}

func (t *sessions) conflict(k *conn, d reassembly.Dir, at reassembly.Stamp) {
	t.of(k).Retransmitted(k.direction(d), at)
}

func (t *sessions) stalled(k *conn, since int64, at reassembly.Stamp) {
	t.of(k).Stalled(since, at.Time)
}

func (t *sessions) close(k *conn, why reassembly.Reason, at reassembly.Stamp) {
	s := t.of(k)
	var traffic session.Traffic
	for d := range reassembly.Dir(2) {
		m, n := k.direction(d), &k.stats[d]
		traffic.Bytes[m], traffic.Lost[m], traffic.Retransmitted[m] = n.Bytes, n.Lost, n.Retransmitted
	}
	if k.never != session.StateOpen {
		s.Never(k.never)
	}
	client := k.frontend
	if s.Turned() {
		client = 1 - client
	}
	if c := k.fins[client]; c != (reassembly.Stamp{}) {
		s.ClientClosed(c)
	}
	if s.PostgreSQL() && s.Info().State != session.StateNotPostgreSQL {
		if k.continues == 0 {
			t.connections++
		}
	}
	if k.watched != nil {
		t.slow.forget(k)
	}
	s.End(why, at, traffic)
	k.session = nil // k may be kept, and referred to by events that were played
}
