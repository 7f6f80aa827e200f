package analyze

import (
	"bytes"
	"encoding/json"
	"net/netip"

	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/reassembly"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// stateMagic begins what State returns, so that blocks of others are told from it.
const stateMagic = "pgsniff connection 1 "

// openState is an open connection as State writes it.
type openState struct {
	Client netip.AddrPort `json:"client"`
	Server netip.AddrPort `json:"server"`
	// Next are the sequence numbers of the bytes that come next, of the client and of
	// the server; nil where something is missing before them.
	Next *[2]uint32 `json:"next,omitempty"`
	*session.Snapshot
}

// State returns what a reader has to know who begins with the next packet: a text for
// each open connection, for Resume. see is given what is known of a connection before
// it is written, and may take from it. In all they are room bytes long at most: what
// does not fit is left without its statements, and then left out. It is for an analyzer
// with one worker.
func (a *Analyzer) State(room int, see func(*session.Snapshot)) (blocks [][]byte) {
	add := func(s *openState) bool {
		b, err := json.Marshal(s)
		if err != nil || len(stateMagic)+len(b) > room {
			return false
		}
		blocks = append(blocks, append([]byte(stateMagic), b...))
		room -= len(stateMagic) + len(b)
		return true
	}
	a.tcp.Each(func(c *reassembly.Conn) {
		k, _ := c.Value.(*conn)
		if k == nil || k.session == nil {
			return
		}
		s := openState{Snapshot: k.session.Snapshot()}
		if s.Snapshot == nil {
			return
		}
		client, server := c.A, c.B
		if k.frontend == 1 {
			client, server = server, client
		}
		s.Client, s.Server = client.AddrPort(), server.AddrPort()
		var next [2]uint32
		whole := true
		for d := range reassembly.Dir(2) {
			n, ok := c.Position(d)
			next[k.direction(d)] = n
			whole = whole && ok
		}
		if whole {
			s.Next = &next
		} else {
			s.Tx = ""
		}
		see(s.Snapshot)
		if !add(&s) {
			s.Statements = nil
			add(&s)
		}
	})
	return blocks
}

// known is what earlier captures told of connections whose packets are to come.
type known struct {
	texts map[Pair][]byte
	size  int
}

// maxKnown bounds them, in bytes: those of all connections that are followed at once,
// with some statements each.
const maxKnown = 32 << 20

// Resume takes what State returned. It is believed when a packet of the connection
// comes, unless that begins another. What is not State's is passed over.
func (a *Analyzer) Resume(block []byte) {
	text, ours := bytes.CutPrefix(block, []byte(stateMagic))
	if !ours {
		return
	}
	text = bytes.TrimRight(text, "\x00") // blocks are filled up
	var s openState
	if json.Unmarshal(text, &s) != nil || !s.Client.IsValid() || !s.Server.IsValid() || s.Snapshot == nil {
		return
	}
	pair := pairOf(reassembly.EndpointFrom(s.Client), reassembly.EndpointFrom(s.Server))
	if a.known.size+len(text) > maxKnown {
		return
	}
	if a.known.texts == nil {
		a.known.texts = make(map[Pair][]byte)
	}
	a.known.size += len(text) - len(a.known.texts[pair])
	a.known.texts[pair] = bytes.Clone(text)
}

// recall returns what is known of a connection that begins with the packet at hand,
// and forgets it.
func (a *Analyzer) recall(c *reassembly.Conn) *openState {
	pair := pairOf(c.A, c.B)
	text, ok := a.known.texts[pair]
	if !ok {
		return nil
	}
	delete(a.known.texts, pair)
	a.known.size -= len(text)
	s := new(openState)
	if !c.MidStream || json.Unmarshal(text, s) != nil {
		return nil
	}
	return s
}

// resume makes the connection of what is known of one.
func (a *Analyzer) resume(c *reassembly.Conn, s *openState) *conn {
	k := a.conns.get()
	k.id, k.a, k.b, k.first, k.midStream, k.listed = c.ID, c.A, c.B, c.First, true, true
	if c.A != reassembly.EndpointFrom(s.Client) {
		k.frontend = 1
	}
	if s.Next != nil {
		for _, d := range []messages.Direction{messages.Frontend, messages.Backend} {
			c.Continue(reassembly.Dir(d)^k.frontend, s.Next[d])
		}
	} else {
		s.Tx = ""
	}
	if a.opt.Inside {
		k.wire = new(wire)
	}
	k.before = s.Snapshot
	return k
}
