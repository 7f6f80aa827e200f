package findings_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/findings"
	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

const ms = int64(1e6)

// program is one connection of a made-up application, whose statements take a millisecond.
type program struct {
	e     *findings.Engine
	c     findings.Conn
	now   int64
	id    uint64
	tx    byte
	frame uint64
	rows  uint64 // of the next result
	takes int64  // nanoseconds of the next statements; 0: a millisecond
	state string // SQLSTATE of the next statements; empty: they succeed
}

func newProgram(e *findings.Engine, id uint64, name string) *program {
	return &program{
		e: e, now: 1e18, tx: 'I',
		c: findings.Conn{ID: id, Client: fmt.Sprint("10.0.0.1:", 4000+id), Server: "10.0.0.9:5432", User: "u", Database: "d", Application: name, Started: findings.Stamp{Time: 1e18}},
	}
}

// asks sends a statement as a simple query after a pause.
func (p *program) asks(pause int64, sql string) {
	tag, before := "SELECT 1", p.tx
	switch word, _, _ := strings.Cut(sql, " "); word {
	case "begin":
		tag, p.tx = "BEGIN", 'T'
	case "commit", "rollback":
		tag, p.tx = strings.ToUpper(word), 'I'
	case "insert":
		tag = "INSERT 0 1"
	case "update":
		tag = "UPDATE 1"
	}
	p.now += pause
	p.id++
	at := func(after int64) findings.Stamp {
		p.frame++
		return findings.Stamp{Time: p.now + after, Frame: p.frame}
	}
	takes := ms
	if p.takes != 0 {
		takes = p.takes
	}
	normalized := sqlnorm.Append(nil, []byte(sql))
	var failed []byte
	if p.state != "" {
		failed = []byte("SERROR\x00C" + p.state + "\x00Mno\x00\x00")
	}
	p.e.Exchange(&p.c, &findings.Exchange{
		Error: failed, ID: p.id, Protocol: exchange.ProtocolSimple, SQL: []byte(sql), Normalized: normalized, Fingerprint: sqlnorm.Fingerprint(normalized),
		Rows: p.rows, Results: []findings.Result{{Tag: []byte(tag), Rows: p.rows}}, Start: at(0), FirstReply: at(takes), End: at(takes),
		Pause: pause, PauseTx: before, Tx: p.tx, Answered: true, Complete: true,
	})
	p.now += takes
}

// ends closes the connection in good order.
func (p *program) ends() {
	p.e.Message(&p.c, &findings.Message{Kind: messages.KindTerminate, At: findings.Stamp{Time: p.now}})
	p.e.End(&p.c, &findings.Ending{At: findings.Stamp{Time: p.now}})
}

// found returns the finding with a code, nil if there is none.
func found(list []findings.Finding, code string) *findings.Finding {
	for i := range list {
		if list[i].Code == code {
			return &list[i]
		}
	}
	return nil
}

// TestInsertsOfLoops: rows one by one are an illness in a loop, not where each request
// writes some.
func TestInsertsOfLoops(t *testing.T) {
	row := func(i int) string { return fmt.Sprintf("insert into log(k, v) values (%d, 'x')", i) }
	for name, c := range map[string]struct {
		play     func(p *program)
		count    uint64
		severity findings.Severity
	}{
		"committed by themselves": {func(p *program) {
			for i := range 100 {
				p.asks(2*ms, row(i))
			}
		}, 100, findings.Warning},
		"after a pause at first": {func(p *program) {
			p.asks(ms, "select 1 from t")
			p.asks(500*ms, row(0))
			for i := range 99 {
				p.asks(2*ms, row(i))
			}
		}, 100, findings.Warning},
		"by a program that is held up": {func(p *program) {
			for i := range 200 {
				p.asks([]int64{2, 3, 1, 2, 2, 4, 1, 2, 3, 1, 2, 90, 70}[i%13]*ms, row(i))
			}
		}, 200, findings.Warning},
		"after a look at each": {func(p *program) {
			for i := range 100 {
				p.asks(2*ms, fmt.Sprintf("select k from log where k = %d", i))
				p.asks(ms, row(i))
			}
		}, 100, findings.Warning},
		"the last step of a job for each": {func(p *program) {
			for i := range 100 {
				p.asks(2*ms, fmt.Sprintf("select a from t where k = %d", i))
				p.asks(ms, fmt.Sprintf("update t set a = 1 where k = %d", i))
				p.asks(ms, row(i))
			}
		}, 0, 0},
		"one for each request": {func(p *program) {
			for i := range 300 {
				p.asks(50*ms, row(i))
			}
		}, 0, 0},
		"between their own BEGIN and COMMIT": {func(p *program) {
			for i := range 60 {
				p.asks(2*ms, "begin")
				p.asks(ms, row(i))
				p.asks(ms, "commit")
			}
		}, 60, findings.Warning},
		"in a transaction of each request": {func(p *program) {
			for i := range 300 {
				p.asks(50*ms, "begin")
				p.asks(ms, row(i))
				p.asks(ms, "commit")
			}
		}, 0, 0},
		"one for each of many transactions": {func(p *program) {
			for i := range 300 {
				p.asks(2*ms, "begin")
				p.asks(ms, fmt.Sprintf("update t set a = %d", i))
				p.asks(ms, row(i))
				p.asks(ms, "commit")
			}
		}, 0, 0},
		"an order with its items": {func(p *program) {
			for i := range 300 {
				p.asks(2*ms, "begin")
				p.asks(ms, fmt.Sprintf("insert into o(id) values (%d)", i))
				for k := range 3 {
					p.asks(ms, row(k))
				}
				p.asks(ms, "commit")
			}
		}, 0, 0},
		"in one transaction": {func(p *program) {
			p.asks(2*ms, "begin")
			for i := range 250 {
				p.asks(ms, row(i))
			}
			p.asks(ms, "commit")
		}, 250, findings.Info},
		"in transactions of a hundred": {func(p *program) {
			for range 3 {
				p.asks(2*ms, "begin")
				for i := range 100 {
					p.asks(ms, row(i))
				}
				p.asks(ms, "commit")
			}
		}, 300, findings.Info},
		"rolled back": {func(p *program) {
			for i := range 60 {
				p.asks(2*ms, "begin")
				p.asks(ms, row(i))
				p.asks(ms, "rollback")
			}
		}, 0, 0},
	} {
		e := findings.New(findings.Options{})
		p := newProgram(e, 1, "loader")
		c.play(p)
		p.ends()
		list := e.Finish()
		f := found(list, "single_row_inserts")
		switch {
		case c.count == 0 && f != nil:
			t.Errorf("%s: %s", name, f.Title)
		case c.count > 0 && (f == nil || f.Count != c.count || f.Severity != c.severity):
			t.Errorf("%s: want %d%s", name, c.count, text(list))
		}
	}
}

// prepares has a statement parsed in a round trip of its own, as lib/pq does for each
// query: it takes a millisecond, and the query follows a tenth of one later.
func (p *program) prepares(pause int64, sql string) {
	p.now += pause
	p.frame++
	at := findings.Stamp{Time: p.now, Frame: p.frame}
	body := append(append([]byte{0}, sql...), 0, 0, 0)
	p.e.Message(&p.c, &findings.Message{Kind: messages.KindParse, Body: body, Query: p.id + 1, At: at, First: at})
	p.now += ms
	p.asks(ms/10, sql)
}

// TestPausesBeforeParse: where the statement is prepared in a round trip of its own, the
// client's pause is the one before that.
func TestPausesBeforeParse(t *testing.T) {
	insert := func(i int) string { return fmt.Sprintf("insert into log(k) values (%d)", i) }
	read := func(i int) string { return fmt.Sprintf("select v from t where k = %d", i) }
	play := func(f func(p *program)) []findings.Finding {
		e := findings.New(findings.Options{})
		p := newProgram(e, 1, "shop")
		f(p)
		p.ends()
		return e.Finish()
	}
	for _, sql := range []func(int) string{insert, read} {
		for _, f := range play(func(p *program) {
			for i := range 200 {
				p.prepares(50*ms, sql(i))
			}
		}) {
			if f.Code == "single_row_inserts" || f.Code == "n_plus_one" {
				t.Errorf("of requests that come one by one: %s", f.Title)
			}
		}
	}
	// Each takes 2 ms, 0.1 ms between them, and 0.9 ms before but for the first: 200 in 599.1 ms.
	list := play(func(p *program) {
		for i := range 200 {
			p.prepares(9*ms/10, insert(i))
		}
	})
	if f := found(list, "single_row_inserts"); f == nil || f.Count != 200 || !strings.Contains(f.Title, "334 rows a second") {
		t.Errorf("200 rows, 334 a second:%s", text(list))
	}
	list = play(func(p *program) {
		p.asks(ms, "begin")
		p.asks(ms, "update t set a = 1")
		p.prepares(4000*ms, read(1))
		p.asks(ms, "commit")
	})
	if f := found(list, "idle_in_transaction"); f == nil || !strings.Contains(f.Title, "4.00 s in 1 pause") {
		t.Errorf("silent for 4 s:%s", text(list))
	}
}

// TestChurn: who connects for each task is told from a pool that opens its connections,
// and closes them at the end.
func TestChurn(t *testing.T) {
	for name, c := range map[string]struct {
		together int // connections that are open at a time
		rounds   int
		want     bool
	}{
		"one after the other": {1, 40, true}, "of ten workers": {10, 5, true}, "a pool": {40, 1, false},
	} {
		e := findings.New(findings.Options{})
		now, id := int64(1e18), uint64(0)
		for range c.rounds {
			var open []*program
			for range c.together {
				id++
				p := newProgram(e, id, "shop")
				p.now = now
				p.c.Started = findings.Stamp{Time: now}
				e.Message(&p.c, &findings.Message{Kind: messages.KindStartupMessage, At: findings.Stamp{Time: now}})
				p.asks(ms, "select 1 from t")
				open = append(open, p)
			}
			now += 20 * ms
			for _, p := range open {
				p.now = now
				p.ends()
			}
			now += ms
		}
		if list := e.Finish(); (found(list, "connection_churn") != nil) != c.want {
			t.Errorf("%s: want %t%s", name, c.want, text(list))
		}
	}
}

// lists is a query that returns rows, over which a loop may run: their keys are first and
// those that follow.
func (p *program) lists(pause int64, sql string, first, rows int) {
	for i := range rows {
		key := fmt.Sprint(first + i)
		body := append([]byte{0, 1, 0, 0, 0, byte(len(key))}, key...)
		p.e.Message(&p.c, &findings.Message{
			Direction: messages.Backend, Kind: messages.KindDataRow, Body: body, Query: p.id + 1,
			At: findings.Stamp{Time: p.now + pause}, Columns: []messages.ColumnDescription{{Name: []byte("customer_id"), TypeOID: 23}},
		})
	}
	p.rows = uint64(rows)
	p.asks(pause, sql)
	p.rows = 0
}

// TestLoopsHeldUp: a loop is one, though its program was held up in it, or the capture
// ends in it; requests that come one by one are none, though some follow at once.
func TestLoopsHeldUp(t *testing.T) {
	one := func(i int) string { return fmt.Sprintf("select name from customers where id = %d", i) }
	loops := func(p *program, slow int, pause int64, rounds int) {
		for r := range rounds {
			p.lists(2*ms, fmt.Sprintf("select customer_id from orders where day = %d", r), 1000*r, 31)
			for i := range 31 {
				if i == slow {
					p.asks(pause, one(1000*r+i))
				} else {
					p.asks(ms, one(1000*r+i))
				}
			}
		}
	}
	for name, c := range map[string]struct {
		play  func(p *program)
		title string // empty: no finding
	}{
		"a loop":  {func(p *program) { loops(p, 0, ms, 4) }, "124 executions of one SELECT in 4 loops of 31"},
		"held up": {func(p *program) { loops(p, 12, 90*ms, 4) }, "124 executions of one SELECT in 4 loops of 31"},
		"cut off": {func(p *program) {
			loops(p, 0, ms, 3)
			p.lists(2*ms, "select customer_id from orders where day = 9", 9000, 31)
			for i := range 9 {
				p.asks(ms, one(9000+i))
			}
		}, "102 executions of one SELECT in 4 loops of 9 to 31"},
		"by a program that has no processor": {func(p *program) {
			// A pause is long before the first of each loop, and before two of five.
			for r := range 4 {
				p.lists(400*ms, fmt.Sprintf("select customer_id from orders where day = %d", r), 1000*r, 31)
				for i := range 31 {
					p.asks([]int64{90 * ms, 3 * ms, 2 * ms, 35 * ms, ms}[i%5], one(1000*r+i))
				}
			}
		}, "124 executions of one SELECT in 4 loops of 31"},
		"two statements that take turns, held up": {func(p *program) {
			for r := range 4 {
				p.lists(400*ms, fmt.Sprintf("select customer_id from orders where day = %d", r), 1000*r, 20)
				for i := range 20 {
					p.asks([]int64{ms, ms, ms, 40 * ms}[i%4], one(1000*r+i))
					p.asks([]int64{ms, ms, 60 * ms}[i%3], fmt.Sprintf("select item from items where customer = %d", 1000*r+i))
				}
			}
		}, "80 executions of one SELECT in 4 loops of 20"},
		"what requests ask of a list, one each": {func(p *program) {
			p.lists(2*ms, "select customer_id from orders where day = 1", 0, 31)
			for i := range 31 {
				p.asks(120*ms, one(i))
			}
		}, ""},
		"one each request": {func(p *program) {
			for i := range 400 {
				p.asks([]int64{2 * ms, 30 * ms, 4 * ms, 45 * ms, 60 * ms}[i%5], one(i*37%1000))
			}
		}, ""},
	} {
		e := findings.New(findings.Options{})
		p := newProgram(e, 1, "shop")
		c.play(p)
		p.ends()
		list := e.Finish()
		f := found(list, "n_plus_one")
		switch {
		case c.title == "" && f != nil:
			t.Errorf("%s: %s", name, f.Title)
		case c.title != "" && (f == nil || !strings.Contains(f.Title, c.title)):
			t.Errorf("%s: want %s%s", name, c.title, text(list))
		case f != nil && !strings.Contains(f.Advice, "customer_id"):
			t.Errorf("%s: %s", name, f.Advice)
		}
	}
}

// TestFetchesHeldUp: a cursor that is read in small steps is, though its program was held up
// now and then; what a person pages through is not.
func TestFetchesHeldUp(t *testing.T) {
	for name, c := range map[string]struct {
		pauses []int64
		count  uint64
	}{
		"at once":  {[]int64{ms}, 100},
		"held up":  {[]int64{ms, 4 * ms, 60 * ms, 2 * ms}, 100},
		"a person": {[]int64{900 * ms, 2500 * ms}, 0},
	} {
		e := findings.New(findings.Options{})
		p := newProgram(e, 1, "export")
		p.asks(ms, "begin")
		p.asks(ms, "declare c cursor for select a from t")
		p.rows = 10
		for i := range 100 {
			p.asks(c.pauses[i%len(c.pauses)], "fetch forward 10 from c")
		}
		p.rows = 0
		p.asks(ms, "close c")
		p.asks(ms, "commit")
		p.ends()
		list := e.Finish()
		switch f := found(list, "tiny_fetch_size"); {
		case c.count == 0 && f != nil:
			t.Errorf("%s: %s", name, f.Title)
		case c.count > 0 && (f == nil || f.Count != c.count):
			t.Errorf("%s: want %d%s", name, c.count, text(list))
		}
	}
}

// TestSilencesAtTheEnd: what ends a transaction with its connection, or with the capture,
// tells how long its client was silent.
func TestSilencesAtTheEnd(t *testing.T) {
	fatal := []byte("SFATAL\x00C25P03\x00Mterminating connection due to idle-in-transaction timeout\x00\x00")
	for name, c := range map[string]struct {
		end   func(p *program)
		title string // empty: no finding
		more  string // of its evidence
	}{
		"asked to the end": {func(p *program) {
			sql := []byte("update t set a = 2")
			at := findings.Stamp{Time: p.now + ms}
			p.e.Exchange(&p.c, &findings.Exchange{
				ID: 9, Protocol: exchange.ProtocolSimple, SQL: sql, Normalized: sql, Fingerprint: sqlnorm.Fingerprint(sql),
				Start: at, Pause: ms, PauseTx: 'T',
			})
			p.now += 20_000 * ms
		}, "", ""},
		"until the capture's end": {func(p *program) { p.now += 20_000 * ms }, "20.0 s in 1 pause", "the end of the capture"},
		"ended by the server": {func(p *program) {
			p.now += 2000 * ms
			p.e.Message(&p.c, &findings.Message{
				Direction: messages.Backend, Kind: messages.KindErrorResponse, Body: fatal, At: findings.Stamp{Time: p.now},
			})
			p.now += 60_000 * ms // until the client looks
		}, "2.00 s in 1 pause", "the server ended it (25P03)"},
		"ended by the server, and asked for more": {func(p *program) {
			end := p.now + 2000*ms
			p.e.Message(&p.c, &findings.Message{
				Direction: messages.Backend, Kind: messages.KindErrorResponse, Body: fatal, At: findings.Stamp{Time: end},
			})
			p.now += 9000 * ms
			sql := []byte("select 1")
			p.e.Exchange(&p.c, &findings.Exchange{
				ID: 9, Protocol: exchange.ProtocolSimple, SQL: sql, Normalized: sql, Fingerprint: sqlnorm.Fingerprint(sql),
				Start: findings.Stamp{Time: p.now}, Pause: 9000 * ms, PauseTx: 'T',
			})
			p.now += 1000 * ms
		}, "2.00 s in 1 pause", "the server ended it (25P03)"},
	} {
		e := findings.New(findings.Options{})
		p := newProgram(e, 1, "shop")
		p.asks(ms, "begin")
		p.asks(ms, "update t set a = 1")
		c.end(p)
		e.End(&p.c, &findings.Ending{At: findings.Stamp{Time: p.now}, Open: true})
		list := e.Finish()
		f := found(list, "idle_in_transaction")
		switch {
		case c.title == "" && f != nil:
			t.Errorf("%s: %s", name, f.Title)
		case c.title == "":
		case f == nil || f.Severity != findings.Warning || !strings.Contains(f.Title, c.title) || !strings.Contains(f.Evidence[0].Text, c.more):
			t.Errorf("%s: want %s, %s%s", name, c.title, c.more, text(list))
		}
	}
}

// TestRetries: what fails and is repeated as it was is told from rows that cannot be inserted,
// each another one.
func TestRetries(t *testing.T) {
	for name, c := range map[string]struct {
		state string
		sql   string
		want  bool
	}{
		"the same row":     {"23505", "insert into t(k) values (7)", true},
		"rows of a file":   {"23505", "insert into t(k) values (%d)", false},
		"no such table":    {"42P01", "insert into t(k) values (%d)", true},
		"a bad number":     {"22P02", "select * from t where k = 'x'", true},
		"many bad numbers": {"22P02", "select * from t where k = 'x%d'", false},
	} {
		e := findings.New(findings.Options{})
		p := newProgram(e, 1, "loader")
		p.state = c.state
		for i := range 30 {
			sql := c.sql
			if strings.Contains(sql, "%d") {
				sql = fmt.Sprintf(sql, i)
			}
			p.asks(40*ms, sql)
		}
		p.ends()
		if list := e.Finish(); (found(list, "retry_storm") != nil) != c.want {
			t.Errorf("%s: want %t%s", name, c.want, text(list))
		}
	}
}

// TestSlowByThemselves: updates of one table that take as long always, and end together, wait
// for nothing; those that are quick else, or of one row, do.
func TestSlowByThemselves(t *testing.T) {
	for name, c := range map[string]struct {
		usual int64 // of executions by themselves
		row   string
		want  bool
	}{
		"always slow": {600 * ms, "", false}, "quick else": {2 * ms, "", true}, "one row": {600 * ms, "7", true},
	} {
		e := findings.New(findings.Options{})
		a, b := newProgram(e, 1, "plant"), newProgram(e, 2, "office")
		update := func(p *program, i int) string {
			if c.row != "" {
				return "update t set a = 1 where k = " + c.row
			}
			return fmt.Sprintf("update t set a = 1 where k = %d", 1000*int(p.c.ID)+i)
		}
		for i := range 8 {
			for _, p := range []*program{a, b} {
				p.asks(100*ms, "begin")
				p.takes = c.usual
				if i%2 == 1 {
					p.takes = 600 * ms
				}
				if p == b && i%2 == 1 {
					p.now -= 5 * ms // it ends just behind the other's COMMIT
					p.takes += 8 * ms
				}
				p.asks(ms, update(p, i))
				p.takes = 0
				if p == b {
					p.now += 4 * ms
				}
				p.asks(ms, "commit")
			}
			a.now = max(a.now, b.now)
			b.now = a.now
		}
		a.ends()
		b.ends()
		if list := e.Finish(); (found(list, "lock_wait") != nil) != c.want {
			t.Errorf("%s: want %t%s", name, c.want, text(list))
		}
	}
}
