package hostile

import (
	"fmt"
	"io"
)

// Scenario is a capture made to break a bound. N is the size that it is about;
// Enough is one at which the bound is reached, for tests that must be quick.
type Scenario struct {
	Name      string
	N, Enough int
	Make      func(n int) io.Reader
}

// Scenarios are captures that would take all memory or all time of a program
// that trusts them.
var Scenarios = []Scenario{
	{"opened never closed", 1_000_000, 300_000, openedNeverClosed},
	{"opened with startup", 1_000_000, 100_000, openedWithStartup},
	{"idle with startup", 100_000, 80_000, idleWithStartup},
	{"long names", 100_000, 70_000, longNames},
	{"message of 1 GB", 1_000_000_000, 1 << 28, hugeMessage},
	{"half messages", 20_000, 5_000, halfMessages},
	{"tiny segments out of order", 1_000_000, 200_000, tinyOutOfOrder},
	{"tiny segments on many connections", 1_000_000, 300_000, tinyOnMany},
	{"prepared statements", 65_535, 65_535, preparedStatements},
	{"prepared statements, large", 10_000, 3_000, largeStatements},
	{"described statements", 2_000, 1_000, describedStatements},
	{"garbage after a gap", 400_000, 40_000, garbageAfterGap},
	{"zeros after a gap", 2_000, 300, zerosAfterGap},
	{"pipelined without replies", 100_000, 100_000, pipelinedWithoutReplies},
	{"pipelined on many connections", 3_000_000, 500_000, pipelinedOnMany},
	{"open portals", 1_000, 300, openPortals},
	{"open portals on many connections", 500, 200, openPortalsOnMany},
	{"parameter status", 1_000_000, 200_000, parameterStatus},
	{"notices", 1_000_000, 200_000, notices},
	{"results of one query", 200_000, 100_000, manyResults},
	{"wide results of one query", 5_000, 1_000, wideResults},
	{"describes of one unit", 1_000_000, 500_000, manyDescribes},
	{"describes on many connections", 30_000_000, 8_000_000, describesOnMany},
	{"cancel requests", 200_000, 50_000, cancelRequests},
	{"TLS without key", 100_000, 70_000, tlsHalfRecords},
	{"several bounds at once, percent", 100, 100, together},
}

// rounds makes a stream of n steps.
func rounds(n int, step func(p *Packets, i int)) io.Reader {
	i := 0
	return Stream(func(p *Packets) bool {
		step(p, i)
		i++
		return i < n
	})
}

func openedNeverClosed(n int) io.Reader {
	return rounds(n, func(p *Packets, i int) { p.Open(NewConn(uint32(i))) })
}

// login opens a session and brings it to its first ReadyForQuery.
func (p *Packets) login(n int) *Conn {
	c := NewConn(uint32(n))
	p.Open(c)
	p.Send(c, Client, Startup("user", "app", "database", "shop", "application_name", fmt.Sprint("worker ", n)))
	p.Send(c, Server, Authenticated(n))
	return c
}

func openedWithStartup(n int) io.Reader {
	return rounds(n, func(p *Packets, i int) { p.login(i) })
}

// idleWithStartup lets each session ask once, after all have been opened.
func idleWithStartup(n int) io.Reader {
	conns := make([][2]uint32, n)
	return rounds(2*n, func(p *Packets, i int) {
		if i < n {
			conns[i] = p.login(i).Seq
			return
		}
		c := NewConn(uint32(i - n))
		c.Seq = conns[i-n]
		p.Send(c, Client, Query("select 1"))
		p.Send(c, Server, append(append(Columns("a"), Complete("SELECT 0")...), Ready()...))
	})
}

func longNames(n int) io.Reader {
	long := make([]byte, 3000)
	for i := range long {
		long[i] = 'x'
	}
	return rounds(n, func(p *Packets, i int) {
		c := NewConn(uint32(i))
		p.Open(c)
		p.Send(c, Client, Startup("user", string(long), "database", string(long), "application_name", string(long)))
		p.Send(c, Server, Message('S', String("server_version"), String(string(long[:i%3000]))))
	})
}

// hugeMessage announces a body of n bytes and sends it.
func hugeMessage(n int) io.Reader {
	const chunk = 60000
	var c *Conn
	b := make([]byte, chunk)
	return rounds(2+n/chunk, func(p *Packets, i int) {
		switch {
		case i == 0:
			c = p.login(1)
			p.Send(c, Client, Query("select pg_read_binary_file('big')"))
			p.Send(c, Server, append(Columns("a"), Announce('D', uint32(n-1))...))
		case i <= n/chunk:
			p.Send(c, Server, b)
		default:
			rest := n - 1 - n/chunk*chunk
			p.Send(c, Server, append(b[:max(rest, 0):chunk], append(Complete("SELECT 1"), Ready()...)...))
		}
	})
}

// halfMessages leaves each of n connections in the middle of a message.
func halfMessages(n int) io.Reader {
	b := make([]byte, 30000)
	return rounds(n, func(p *Packets, i int) {
		c := p.login(i)
		p.Send(c, Client, append(Announce('Q', 100_000), b[:20_000+i%10_000]...))
		p.Send(c, Server, append(Announce('D', 900_000), b[:3_000]...))
	})
}

func tinyOutOfOrder(n int) io.Reader {
	var c *Conn
	return rounds(n, func(p *Packets, i int) {
		if i == 0 {
			c = p.login(1)
		}
		// Every second byte, the first one never.
		p.Segment(c, Client, ACK, c.Seq[Client]+1+2*uint32(i), c.Seq[Server], []byte{'x'})
	})
}

func tinyOnMany(n int) io.Reader {
	return rounds(n, func(p *Packets, i int) {
		c := NewConn(uint32(i % 10_000))
		if i < 10_000 {
			p.Open(c)
		}
		p.Segment(c, Client, ACK, c.Seq[Client]+1+2*uint32(i/10_000), c.Seq[Server], []byte{'x'})
	})
}

func preparedStatements(n int) io.Reader {
	var c *Conn
	return rounds(2*n, func(p *Packets, i int) {
		if i == 0 {
			c = p.login(1)
		}
		name := fmt.Sprint("statement", i%n)
		if i < n {
			p.Send(c, Client, append(Parse(name, fmt.Sprintf("select a, b, c from orders_%d where id = $1 and state = 'open'", i)), Sync()...))
			p.Send(c, Server, append(Message('1'), Ready()...))
			return
		}
		p.Send(c, Client, append(append(Bind("", name, "7"), Execute("")...), Sync()...))
		p.Send(c, Server, append(append(Message('2'), Complete("SELECT 0")...), Ready()...))
	})
}

func largeStatements(n int) io.Reader {
	long := make([]byte, 50_000)
	for i := range long {
		long[i] = 'y'
	}
	var c *Conn
	return rounds(n, func(p *Packets, i int) {
		if i%100 == 0 {
			c = p.login(i)
		}
		name := fmt.Sprint("statement", i)
		p.Send(c, Client, append(append(append(Parse(name, "select "+string(long)), Bind("", name, "7")...), Execute("")...), Sync()...))
		p.Send(c, Server, append(append(append(Message('1'), Message('2')...), Complete("SELECT 0")...), Ready()...))
	})
}

func wideColumns(n, i int) []byte {
	names := make([]string, n)
	for k := range names {
		names[k] = fmt.Sprint("column_", i, "_", k)
	}
	return Columns(names...)
}

func describedStatements(n int) io.Reader {
	var c *Conn
	return rounds(n, func(p *Packets, i int) {
		if i%100 == 0 {
			c = p.login(i)
		}
		name := fmt.Sprint("statement", i)
		p.Send(c, Client, append(append(Parse(name, "select * from wide"), Message('D', []byte{'S'}, String(name))...), Sync()...))
		b := append(Message('1'), Message('t', Int16(0))...)
		p.Send(c, Server, append(append(b, wideColumns(1600, i)...), Ready()...))
		p.Send(c, Client, append(append(Bind("", name, "7"), Execute("")...), Sync()...))
		p.Send(c, Server, append(append(Message('2'), Complete("SELECT 0")...), Ready()...))
	})
}

func garbageAfterGap(n int) io.Reader {
	var c *Conn
	r := Rand(1)
	b := make([]byte, 1400)
	return rounds(n, func(p *Packets, i int) {
		if i == 0 {
			c = p.login(1)
			c.Skip(Server, 100)
		}
		for k := 0; k < len(b); k += 8 {
			v := r.Uint64()
			if i%2 == 0 {
				v &= 0x1fff00ff4c // every second packet looks much like headers
			}
			for j := range 8 {
				b[k+j] = byte(v >> (8 * j))
			}
		}
		p.Send(c, Server, b)
	})
}

// zerosAfterGap sends the bytes that make a search expensive: each is the
// beginning of a possible length.
func zerosAfterGap(n int) io.Reader {
	var c *Conn
	b := make([]byte, 60_000)
	return rounds(n, func(p *Packets, i int) {
		if i == 0 {
			c = p.login(1)
			c.Skip(Server, 100)
		}
		if i%2 == 1 {
			for k := range b {
				b[k] = "D\x00\x00\x00"[k&3]
			}
		}
		p.Send(c, Server, b)
	})
}

func pipelinedWithoutReplies(n int) io.Reader {
	var c *Conn
	return rounds(n, func(p *Packets, i int) {
		if i == 0 {
			c = p.login(1)
		}
		b := append(Parse("", fmt.Sprint("insert into t values ($1) -- ", i)), Bind("", "", "value")...)
		p.Send(c, Client, append(append(b, Execute("")...), Sync()...))
	})
}

// pipelinedOnMany leaves n simple queries unanswered on 1,000 connections.
func pipelinedOnMany(n int) io.Reader {
	conns := make([]*Conn, 1000)
	b := Query("")
	return rounds(n/1000, func(p *Packets, i int) {
		if i < len(conns) {
			conns[i] = p.login(i)
		}
		if c := conns[i%len(conns)]; c != nil {
			many := make([]byte, 0, 1000*len(b))
			for range 1000 {
				many = append(many, b...)
			}
			p.Send(c, Client, many)
		}
	})
}

func openPortals(n int) io.Reader {
	large := make([]byte, 500_000)
	for i := range large {
		large[i] = 'p'
	}
	var c *Conn
	return rounds(n, func(p *Packets, i int) {
		if i == 0 {
			c = p.login(1)
			p.Send(c, Client, Query("begin"))
			p.Send(c, Server, append(Complete("BEGIN"), Message('Z', []byte{'T'})...))
			p.Send(c, Client, append(Parse("s", "select $1"), Sync()...))
			p.Send(c, Server, append(Message('1'), Message('Z', []byte{'T'})...))
		}
		p.Send(c, Client, append(append(Bind(fmt.Sprint("portal", i), "s", string(large)),
			Message('E', String(fmt.Sprint("portal", i)), Int32(1))...), Sync()...))
		b := append(append(Message('2'), Row("x")...), Message('s')...)
		p.Send(c, Server, append(b, Message('Z', []byte{'T'})...))
	})
}

func openPortalsOnMany(n int) io.Reader {
	large := make([]byte, 100_000)
	var c *Conn
	return rounds(n*10, func(p *Packets, i int) {
		if i%10 == 0 {
			c = p.login(i)
		}
		p.Send(c, Client, append(Parse("s", "select $1"), Bind(fmt.Sprint("portal", i), "s", string(large))...))
	})
}

func parameterStatus(n int) io.Reader {
	var c *Conn
	return rounds(n, func(p *Packets, i int) {
		if i == 0 {
			c = p.login(1)
		}
		p.Send(c, Server, Message('S', String(fmt.Sprint("name", i)), String(fmt.Sprint("value", i))))
	})
}

func notices(n int) io.Reader {
	var c *Conn
	return rounds(n, func(p *Packets, i int) {
		if i == 0 {
			c = p.login(1)
			p.Send(c, Client, Query("do $$ … $$"))
		}
		p.Send(c, Server, Message('N', String("SNOTICE"), String("VNOTICE"), String("C00000"), String(fmt.Sprint("M", i)), []byte{0}))
	})
}

func manyResults(n int) io.Reader {
	var c *Conn
	return rounds(n, func(p *Packets, i int) {
		if i == 0 {
			c = p.login(1)
			p.Send(c, Client, Query("select 1; …"))
		}
		p.Send(c, Server, append(append(Columns(fmt.Sprint("a", i)), Row("1")...), Complete("SELECT 1")...))
		if i == n-1 {
			p.Send(c, Server, Ready())
		}
	})
}

func wideResults(n int) io.Reader {
	tag := make([]byte, 20_000)
	for i := range tag {
		tag[i] = 't'
	}
	var c *Conn
	return rounds(n, func(p *Packets, i int) {
		if i == 0 {
			c = p.login(1)
			p.Send(c, Client, Query("select 1; …"))
		}
		p.Send(c, Server, append(wideColumns(1600, i), Complete(string(tag))...))
		if i == n-1 {
			p.Send(c, Server, Ready())
		}
	})
}

// manyDescribes never executes: all belongs to one exchange.
func manyDescribes(n int) io.Reader {
	var c *Conn
	b := Message('D', []byte{'S'}, String("s"))
	return rounds(n/1000, func(p *Packets, i int) {
		if i == 0 {
			c = p.login(1)
		}
		var many []byte
		for k := range 1000 {
			if k%2 == 0 {
				many = append(many, b...)
			} else {
				many = append(many, Parse(fmt.Sprint("s", i, k), "select 1")...)
			}
		}
		p.Send(c, Client, many)
	})
}

// describesOnMany leaves n requests unanswered on 500 connections.
func describesOnMany(n int) io.Reader {
	conns := make([]*Conn, 500)
	b := Message('D', []byte{'P', 0})
	many := make([]byte, 0, 5000*len(b))
	for range 5000 {
		many = append(many, b...)
	}
	return rounds(n/5000, func(p *Packets, i int) {
		k := i % len(conns)
		if conns[k] == nil {
			conns[k] = p.login(k)
		}
		p.Send(conns[k], Client, many)
	})
}

func cancelRequests(n int) io.Reader {
	return rounds(n, func(p *Packets, i int) {
		c := NewConn(uint32(i))
		p.Open(c)
		b := append(Int32(16), Int32(80877102)...)
		p.Send(c, Client, append(append(b, Int32(i)...), Int32(i)...))
		p.Close(c)
	})
}

// tlsHalfRecords begins TLS on n connections and stops inside a record.
func tlsHalfRecords(n int) io.Reader {
	b := make([]byte, 12_000)
	return rounds(n, func(p *Packets, i int) {
		c := NewConn(uint32(i))
		p.Open(c)
		p.Send(c, Client, append(Int32(8), Int32(80877103)...))
		p.Send(c, Server, []byte{'S'})
		p.Send(c, Client, append([]byte{22, 3, 1, 0x30, 0, 1, 0, 0x2f, 0xfc, 3, 3}, b[:100+i%100*50]...))
		p.Send(c, Server, append([]byte{23, 3, 3, 0x40, 0}, b[:100+i%100*50]...))
	})
}
