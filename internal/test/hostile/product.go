package hostile

import (
	"bytes"
	"fmt"
	"io"
	"strings"
)

// A program keeps of a conversation what it may need again: texts, parameters,
// columns, errors. Kept says what one connection gives it to keep, Left how the
// conversation goes on, or not: each pair is a capture that leaves as much behind as
// it can. The list is of what the protocol has, not of what a program was seen to
// keep.

// Kept is something that may be kept of a connection, of some size. It is part of a
// query cycle that the connection has begun with before, and that has not ended.
type Kept struct {
	Name string
	send func(p *Packets, c *Conn, i, size int)
}

// Left is how a connection is left after that.
type Left struct {
	Name string
	send func(p *Packets, c *Conn, i, size int, k Kept)
}

// text is n bytes that differ by i, so that nothing can be kept once for all.
func text(i, n int) string {
	s := fmt.Sprintf("%08d", i)
	return strings.Repeat(s, n/len(s)+1)[:n]
}

func client(f func(i, size int) []byte) func(*Packets, *Conn, int, int) {
	return func(p *Packets, c *Conn, i, size int) { p.Send(c, Client, f(i, size)) }
}

// answer is what a server sends in a query of its own.
func answer(f func(i, size int) []byte) func(*Packets, *Conn, int, int) {
	return func(p *Packets, c *Conn, i, size int) {
		p.Send(c, Client, Query(fmt.Sprint("select ", i)))
		p.Send(c, Server, f(i, size))
	}
}

// AllKept are the things that may be kept.
var AllKept = []Kept{
	{"query", client(func(i, n int) []byte { return Query("select '" + text(i, n) + "'") })},
	{"distinct query", client(func(i, n int) []byte { return Query("select c" + text(i, n)) })},
	{"comment", client(func(i, n int) []byte { return Query("select 1 /*route='" + text(i, n) + "'*/") })},
	{"list", client(func(i, n int) []byte {
		return Query(fmt.Sprintf("select * from t%d where a in (%s1)", i, strings.Repeat("c, ", n/3)))
	})},
	{"statement", client(func(i, n int) []byte {
		return append(append(Parse("s", "select '"+text(i, n)+"'"), Bind("", "s", "x")...), Execute("")...)
	})},
	{"statement's name", client(func(i, n int) []byte {
		return append(append(Parse(text(i, n), "select 1"), Bind("", text(i, n), "x")...), Execute("")...)
	})},
	{"portal's name", client(func(i, n int) []byte {
		return append(append(Parse("", "select 1"), Bind(text(i, n), "", "x")...), Execute(text(i, n))...)
	})},
	{"parameter", client(func(i, n int) []byte {
		return append(append(Parse("", "select $1"), Bind("", "", text(i, n))...), Execute("")...)
	})},
	{"parameters", client(func(i, n int) []byte {
		n = min(n/8, 60_000)
		values := bytes.Repeat([]byte{0, 0, 0, 1, 'x'}, n)
		b := Parse(fmt.Sprint("s", i), "select $1")
		b = append(b, Message('B', String(""), String(fmt.Sprint("s", i)), Int16(0), Int16(n), values, Int16(0))...)
		return append(b, Execute("")...)
	})},
	{"parameter types", func(p *Packets, c *Conn, i, n int) {
		p.Send(c, Client, append(Parse("", "select 1"), Message('D', []byte{'S', 0})...))
		p.Send(c, Server, append(Message('1'), Message('t', Int16(min(n/4, 60_000)), bytes.Repeat(Int32(i), min(n/4, 60_000)))...))
	}},
	{"function's argument", client(func(i, n int) []byte {
		return Message('F', Int32(i), Int16(0), Int16(1), Int32(n), []byte(text(i, n)), Int16(0))
	})},
	{"columns", answer(func(i, n int) []byte {
		names := make([]string, min(n/220, 4000))
		for k := range names {
			names[k] = text(i+k, 200)
		}
		return Columns(names...)
	})},
	{"error", answer(func(i, n int) []byte {
		return Message('E', String("SERROR"), String("CXX000"), String("M"+text(i, n)), []byte{0})
	})},
	{"error's state", answer(func(i, n int) []byte { return Message('E', String("SERROR"), String("C"+text(i, n)), []byte{0}) })},
	{"notice", answer(func(i, n int) []byte {
		return Message('N', String("SNOTICE"), String("C00000"), String("M"+text(i, n)), []byte{0})
	})},
	{"tag", answer(func(i, n int) []byte { return Complete(text(i, n)) })},
	{"row", answer(func(i, n int) []byte { return append(Columns("a"), Row(text(i, n))...) })},
	{"copied data", answer(func(i, n int) []byte {
		return append(Message('H', []byte{0}, Int16(0)), Message('d', []byte(text(i, n)))...)
	})},
	{"setting", answer(func(i, n int) []byte { return Message('S', String("application_name"), String(text(i, n))) })},
	{"notification", answer(func(i, n int) []byte { return Message('A', Int32(i), String(text(i, n)), String(text(i, n/2))) })},
	{"unknown message", answer(func(i, n int) []byte { return Message('~', []byte(text(i, n))) })},
	{"relation", func(p *Packets, c *Conn, i, n int) {
		p.Send(c, Client, Query(`START_REPLICATION SLOT "`+fmt.Sprint(i)+`" LOGICAL 0/0 (proto_version '1', publication_names 'p')`))
		p.Send(c, Server, Message('W', []byte{0}, Int16(0)))
		columns := min(n/220, 1600)
		b := append([]byte{'w'}, make([]byte, 24)...)
		b = append(append(append(b, 'R'), Int32(i)...), String("public")...)
		b = append(append(append(b, String("t")...), 'd'), Int16(columns)...)
		for k := range columns {
			b = append(append(append(b, 0), String(text(i+k, 200))...), append(Int32(25), Int32(-1)...)...)
		}
		p.Send(c, Server, Message('d', b))
	}},
}

// AllLeft are the ways to leave it.
var AllLeft = []Left{
	{"open", func(p *Packets, c *Conn, i, n int, k Kept) { k.send(p, c, i, n) }},
	{"done", func(p *Packets, c *Conn, i, n int, k Kept) {
		k.send(p, c, i, n)
		p.Send(c, Client, Sync())
		p.Send(c, Server, append(Complete("SELECT 1"), Ready()...))
	}},
	{"failed", func(p *Packets, c *Conn, i, n int, k Kept) {
		k.send(p, c, i, n)
		p.Send(c, Server, append(Message('E', String("SERROR"), String("C22012"), String("Mdivision by zero"), []byte{0}), Ready()...))
	}},
	{"suspended", func(p *Packets, c *Conn, i, n int, k Kept) {
		k.send(p, c, i, n)
		p.Send(c, Client, Sync())
		p.Send(c, Server, append(Message('s'), Message('Z', []byte{'T'})...))
	}},
	{"cut", func(p *Packets, c *Conn, i, n int, k Kept) {
		k.send(p, c, i, n)
		p.Segment(c, Client, ACK|PSH, c.Seq[Client], c.Seq[Server], Announce('Q', uint32(n)))
		p.Segment(c, Server, ACK|PSH, c.Seq[Server], c.Seq[Client], append(Announce('D', uint32(n)), text(i, min(n/2, maxPayload))...))
	}},
	{"again and again", func(p *Packets, c *Conn, i, n int, k Kept) {
		for j := range 8 {
			k.send(p, c, i+j, n/8)
		}
	}},
	{"closed", func(p *Packets, c *Conn, i, n int, k Kept) {
		k.send(p, c, i, n)
		p.Close(c)
	}},
	{"lost", func(p *Packets, c *Conn, i, n int, k Kept) {
		k.send(p, c, i, n)
		c.Skip(Client, 1000)
		c.Skip(Server, 1000)
		k.send(p, c, i+1, n)
	}},
}

// product is one pair, on so many connections, with that many bytes each. first is
// the number of the first of them.
func product(k Kept, l Left, first, connections, size int) func(p *Packets) bool {
	i := 0
	return func(p *Packets) bool {
		l.send(p, p.login(first+i), i, size, k)
		i++
		return i < connections
	}
}

// Products is all pairs for which take tells so, one after the other, on connections
// of their own.
func Products(connections, size int, take func(k Kept, l Left) bool) io.Reader {
	var steps []func(p *Packets) bool
	for _, k := range AllKept {
		for _, l := range AllLeft {
			if take == nil || take(k, l) {
				steps = append(steps, product(k, l, len(steps)*connections, connections, size))
			}
		}
	}
	return Stream(func(p *Packets) bool {
		if len(steps) > 0 && !steps[0](p) {
			steps = steps[1:]
		}
		return len(steps) > 0
	})
}
