package analyze_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/pgsniff/pgsniff/internal/test/hostile"
)

// generator makes up what a client may send.
type generator struct {
	*rand.Rand
	c   *talker
	out []byte
	due int // ReadyForQuery messages that will come
	// rescued tells that due is not certain.
	rescued bool
	next    int // number of the next statement
}

var (
	statementNames = []string{"", "", "s1", "s2"}
	portalNames    = []string{"", "", "p1", "p2"}
)

func pick[T any](g *generator, list []T) T { return list[g.IntN(len(list))] }

// talk sends a number of cycles, waiting for their ends now and then.
func (g *generator) talk() {
	g.due = g.c.ready
	g.query("create temp table t(a int)")
	for range 4 + g.IntN(12) {
		switch g.IntN(8) {
		case 0, 1:
			g.simple()
		case 2, 3:
			g.pipeline()
		default:
			g.extended()
		}
		if g.IntN(3) > 0 { // else it runs ahead
			g.flush()
			g.await()
		}
	}
	g.flush()
	g.await()
	if g.c.ready != g.due && !g.c.dead && !g.rescued {
		g.c.t.Errorf("the server was ready %d times, not %d", g.c.ready, g.due)
	}
}

// await waits until the server is ready. Where a portal of an earlier COPY was executed it
// waits for data, and has read past the Syncs that came meanwhile: then it is told that
// none will come.
func (g *generator) await() {
	for range 4 {
		if g.c.await(g.due, 10*time.Second); g.c.ready >= g.due || g.c.dead || !g.c.copying {
			return
		}
		g.c.send(append(hostile.Message('f', []byte("nothing\x00")), hostile.Sync()...))
		g.due, g.rescued = g.c.ready+1, true
	}
}

// flush sends what is made up, in pieces as they come.
func (g *generator) flush() {
	for len(g.out) > 0 {
		n := len(g.out)
		if g.IntN(4) == 0 {
			n = 1 + g.IntN(n)
		}
		g.c.send(g.out[:n])
		g.out = g.out[n:]
	}
}

func (g *generator) add(b []byte) { g.out = append(g.out, b...) }

func (g *generator) query(sql string) {
	g.add(hostile.Query(sql))
	g.due++
}

// number makes each text another one.
func (g *generator) number() int { g.next++; return g.next }

// simple makes up a Query.
func (g *generator) simple() {
	n := g.number()
	switch g.IntN(15) {
	case 0, 1:
		g.query(fmt.Sprintf("begin -- %d", n))
	case 2:
		g.query(fmt.Sprintf("commit -- %d", n))
	case 3:
		g.query(fmt.Sprintf("rollback -- %d", n))
	case 4:
		g.query(fmt.Sprintf("savepoint a -- %d", n))
	case 5:
		g.query(fmt.Sprintf("rollback to a -- %d", n))
	case 6:
		g.query(fmt.Sprintf("select %d; select generate_series(1,3), %d", n, n))
	case 7:
		g.query(fmt.Sprintf("select %d; select 1/0; select 2", n))
	case 8:
		g.query(fmt.Sprintf("prepare s1 as select 'by sql', %d", n))
	case 9:
		g.query(fmt.Sprintf("deallocate %s -- %d", pick(g, []string{"s1", "s2", "all"}), n))
	case 10:
		g.query(fmt.Sprintf("declare p1 cursor for select generate_series(1,5), %d", n))
	case 11:
		g.query(fmt.Sprintf("copy (select generate_series(1,3), %d) to stdout", n))
	case 12:
		g.query(fmt.Sprintf("copy t from stdin -- %d", n))
		g.copyData()
	case 13:
		g.query(fmt.Sprintf("copy t from stdin /* %d */; copy t to stdout", n))
		g.copyData()
	default:
		g.query(fmt.Sprintf("select %d as simple", n))
	}
}

// copyData is what follows a COPY FROM STDIN, without waiting for the server. Where that
// has failed it is dropped without a word.
func (g *generator) copyData() {
	for range g.IntN(3) {
		g.add(hostile.Message('d', []byte(pick(g, []string{"1\n", "2\n", "3\n", "not a number\n"}))))
	}
	if g.IntN(5) == 0 {
		g.add(hostile.Message('f', hostile.String("no more")))
	} else {
		g.add(hostile.Message('c'))
	}
}

// extended makes up a cycle of the extended protocol.
func (g *generator) extended() {
	for range 1 + g.IntN(5) {
		statement, portal := pick(g, statementNames), pick(g, portalNames)
		switch g.IntN(12) {
		case 0, 1, 2:
			g.add(hostile.Parse(statement, g.sql()))
			if g.IntN(2) == 0 {
				g.bind(portal, statement)
				g.execute(portal)
			}
		case 3, 4:
			g.bind(portal, statement)
		case 5, 6:
			g.execute(portal)
		case 7:
			g.bind(portal, statement)
			g.execute(portal)
		case 8:
			g.add(hostile.Message('D', []byte{'S'}, hostile.String(statement)))
		case 9:
			g.add(hostile.Message('C', []byte{pick(g, []byte{'S', 'P'})}, hostile.String(pick(g, []string{statement, portal}))))
		case 10:
			g.add(hostile.Message('H'))
			g.flush()
			g.c.await(1<<30, 3*time.Millisecond)
		case 11:
			g.add(hostile.Parse("", fmt.Sprintf("copy t from stdin -- %d", g.number())))
			g.bind("", "")
			g.execute("")
			g.copyData()
			g.add(hostile.Parse("", g.sql())) // or the next Bind would begin another
		}
	}
	g.add(hostile.Sync())
	g.due++
}

// pipelineNames are few, so that they collide.
var pipelineNames = []string{"ps1", "ps2", "ps3"}

// pipeline makes up what libpq's pipeline mode sends: whole queries, and statements of
// names that may be there or not, with a Sync now and then and no waiting.
func (g *generator) pipeline() {
	for range 1 + g.IntN(9) {
		name, n := pick(g, pipelineNames), g.number()
		switch k := g.IntN(20); {
		case k < 4:
			g.add(hostile.Parse(name, fmt.Sprintf("select %d::int, $1::int", n)))
		case k < 10:
			g.run(hostile.Bind("", name, fmt.Sprint(n)))
		case k < 14:
			g.whole(fmt.Sprintf("select %d", n))
		case k == 14:
			g.whole(fmt.Sprintf("selec %d", n))
		case k == 15:
			g.whole(fmt.Sprintf("select %d/0", n))
		case k == 16:
			g.whole(fmt.Sprintf("deallocate %s -- %d", name, n))
		case k == 17:
			g.whole(fmt.Sprintf("prepare %s as select %d, $1::int", name, n))
		case k == 18:
			g.add(hostile.Message('D', []byte{'S'}, hostile.String(name)))
		default:
			g.whole(fmt.Sprintf("%s -- %d", pick(g, []string{"begin", "commit", "rollback", "savepoint a", "rollback to a", "discard all"}), n))
		}
		switch k := g.IntN(20); {
		case k < 6:
			g.add(hostile.Sync())
			g.due++
		case k < 9:
			g.add(hostile.Message('H'))
		}
		if g.IntN(3) == 0 {
			g.flush()
		}
	}
	g.add(hostile.Sync())
	g.due++
}

// whole is a query as PQsendQueryParams sends it.
func (g *generator) whole(sql string) {
	g.add(hostile.Parse("", sql))
	g.run(hostile.Message('B', hostile.String(""), hostile.String(""), hostile.Int16(0), hostile.Int16(0), hostile.Int16(0)))
}

func (g *generator) run(bind []byte) {
	g.add(bind)
	g.add(hostile.Message('D', []byte{'P'}, hostile.String("")))
	g.add(hostile.Execute(""))
}

func (g *generator) bind(portal, statement string) {
	g.add(hostile.Message('B', hostile.String(portal), hostile.String(statement), hostile.Int16(0), hostile.Int16(0), hostile.Int16(0)))
}

func (g *generator) execute(portal string) {
	g.add(hostile.Message('E', hostile.String(portal), hostile.Int32(pick(g, []int{0, 0, 1, 2}))))
}

// sql makes up a statement to prepare.
func (g *generator) sql() string {
	n := g.number()
	switch g.IntN(14) {
	case 0:
		return fmt.Sprintf("selec %d", n)
	case 1:
		return fmt.Sprintf("select * from missing where %d = 1", n)
	case 2:
		return fmt.Sprintf("select 1/(%d-%d)", n, n)
	case 3:
		return fmt.Sprintf("insert into t values (%d)", n)
	case 4:
		return fmt.Sprintf("begin -- %d", n)
	case 5:
		return fmt.Sprintf("rollback -- %d", n)
	case 6:
		return fmt.Sprintf("savepoint a -- %d", n)
	case 7:
		return fmt.Sprintf("rollback to a -- %d", n)
	case 8:
		return fmt.Sprintf("deallocate s2 -- %d", n)
	case 9:
		return fmt.Sprintf("copy (select %d) to stdout", n)
	}
	return fmt.Sprintf("select generate_series(1,%d), %d", 1+g.IntN(4), n)
}
