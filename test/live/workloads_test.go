//go:build linux

package live

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// workloadTables are what the ill programs work on.
const workloadTables = `
	CREATE TABLE authors (id int PRIMARY KEY, name text);
	INSERT INTO authors SELECT i, 'author ' || i FROM generate_series(1, 200) i;
	CREATE TABLE posts (id int PRIMARY KEY, author_id int, title text);
	INSERT INTO posts SELECT i, i, 'post ' || i FROM generate_series(1, 200) i;
	CREATE TABLE accounts (id int PRIMARY KEY, balance int);
	INSERT INTO accounts SELECT i, 100 FROM generate_series(1, 100) i;
	CREATE TABLE events (id bigserial PRIMARY KEY, kind text);
	CREATE TABLE pictures (id int, name text, at timestamptz DEFAULT now(), data text);
	INSERT INTO pictures SELECT i, 'p' || i, now(), repeat('x', 8000) FROM generate_series(1, 40) i;
	CREATE ROLE narrow LOGIN CONNECTION LIMIT 1;
	GRANT ALL ON ALL TABLES IN SCHEMA public TO PUBLIC;`

// patient is a program under an application_name of its own.
type patient struct {
	t    *testing.T
	s    *pgtest.Server
	name string
	// done is when the latest statement was answered, and longest the longest time from
	// there to the next one.
	done    time.Time
	longest time.Duration
}

// asks notes that a statement is about to be sent.
func (c *patient) asks() {
	if !c.done.IsZero() {
		c.longest = max(c.longest, time.Since(c.done))
	}
}

// sleep makes a pause on purpose.
func (c *patient) sleep(d time.Duration) {
	time.Sleep(d)
	c.done = time.Time{}
}

func (c *patient) dial(user string) (*pgconn.PgConn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return pgconn.Connect(ctx, c.s.DSN(user, "postgres")+"&application_name="+c.name)
}

// connect opens a connection that is closed at the test's end, if it was not before.
func (c *patient) connect() *pgconn.PgConn {
	conn, err := c.dial(c.s.SuperUser)
	if err != nil {
		c.t.Errorf("%s: %v", c.name, err)
		return nil
	}
	c.t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// simple sends texts with the simple protocol, one after the other. Errors are what some
// of them are for.
func (c *patient) simple(conn *pgconn.PgConn, texts ...string) {
	for _, sql := range texts {
		c.asks()
		_, _ = conn.Exec(context.Background(), sql).ReadAll()
		c.done = time.Now()
	}
}

// ask sends a text with a parameter in one round trip.
func (c *patient) ask(conn *pgconn.PgConn, sql string, params ...string) {
	values := make([][]byte, len(params))
	for i, p := range params {
		values[i] = []byte(p)
	}
	c.asks()
	conn.ExecParams(context.Background(), sql, values, nil, nil, nil).Read()
	c.done = time.Now()
}

// workloads are the programs, by their application_name.
var workloads = map[string]func(*patient){
	"list-page": func(c *patient) {
		conn := c.connect()
		for range 4 {
			c.ask(conn, "SELECT id, author_id, title FROM posts WHERE id <= $1 ORDER BY id", "40")
			for i := range 40 {
				c.ask(conn, "SELECT name FROM authors WHERE id = $1", strconv.Itoa(i+1))
			}
			c.sleep(50 * time.Millisecond)
		}
	},
	"small-page": func(c *patient) {
		conn := c.connect()
		c.simple(conn, "SELECT id, author_id FROM posts WHERE id <= 60 ORDER BY id")
		for i := range 60 {
			c.simple(conn, fmt.Sprintf("SELECT name FROM authors WHERE id = %d", i+1))
		}
	},
	"importer": func(c *patient) {
		conn := c.connect()
		for i := range 300 {
			c.ask(conn, "INSERT INTO events (kind) VALUES ($1)", "k"+strconv.Itoa(i))
		}
	},
	"text-builder": func(c *patient) {
		conn := c.connect()
		for i := range 600 {
			c.simple(conn, fmt.Sprintf("SELECT id, title FROM posts WHERE title = 'post %d'", i))
		}
	},
	"idler": func(c *patient) {
		conn := c.connect()
		other := &patient{t: c.t, s: c.s, name: "idler-victim"}
		waiter := other.connect()
		var wait sync.WaitGroup
		for range 3 {
			c.simple(conn, "BEGIN", "UPDATE accounts SET balance = balance - 1 WHERE id = 1")
			wait.Go(func() {
				time.Sleep(100 * time.Millisecond)
				other.simple(waiter, "UPDATE accounts SET balance = balance + 1 WHERE id = 1")
			})
			c.sleep(1300 * time.Millisecond)
			c.simple(conn, "COMMIT")
			wait.Wait()
		}
	},
	"lock-waiter": func(c *patient) {
		conn := c.connect()
		other := &patient{t: c.t, s: c.s, name: "lock-holder"}
		holder := other.connect()
		var wait sync.WaitGroup
		for range 3 {
			other.simple(holder, "BEGIN", "UPDATE accounts SET balance = 0 WHERE id = 2")
			wait.Go(func() {
				time.Sleep(20 * time.Millisecond)
				c.simple(conn, "UPDATE accounts SET balance = 1 WHERE id = 2")
			})
			other.simple(holder, "SELECT pg_sleep(0.6)", "COMMIT")
			wait.Wait()
		}
	},
	"crossing": func(c *patient) {
		other := &patient{t: c.t, s: c.s, name: c.name}
		a, b := c.connect(), other.connect()
		for range 3 {
			c.simple(a, "BEGIN", "UPDATE accounts SET balance = 0 WHERE id = 11")
			other.simple(b, "BEGIN", "UPDATE accounts SET balance = 0 WHERE id = 12")
			var wait sync.WaitGroup
			wait.Go(func() { c.simple(a, "UPDATE accounts SET balance = 0 WHERE id = 12") })
			wait.Go(func() { other.simple(b, "UPDATE accounts SET balance = 0 WHERE id = 11") })
			wait.Wait()
			c.simple(a, "ROLLBACK")
			other.simple(b, "ROLLBACK")
		}
	},
	"limited": func(c *patient) {
		conn := c.connect()
		c.simple(conn, "SET statement_timeout = 150")
		for i := range 4 {
			c.ask(conn, "SELECT count(*) FROM generate_series(1, 100000000) g WHERE g % 7 = $1::int", strconv.Itoa(i))
		}
	},
	"cancelling": func(c *patient) {
		conn := c.connect()
		for range 4 {
			timer := time.AfterFunc(200*time.Millisecond, func() { _ = conn.CancelRequest(context.Background()) })
			c.simple(conn, "SELECT count(*) FROM generate_series(1, 100000000) g WHERE g % 7 = 3")
			timer.Stop()
		}
	},
	"careless": func(c *patient) {
		conn := c.connect()
		for range 3 {
			c.simple(conn, "BEGIN", "INSERT INTO authors VALUES (1, 'again')", "SELECT 1 FROM posts", "SELECT 2 FROM posts", "SELECT 3 FROM posts", "COMMIT")
		}
	},
	"stubborn": func(c *patient) {
		conn := c.connect()
		for range 14 {
			c.simple(conn, "INSERT INTO authors VALUES (1, 'again')")
			c.sleep(10 * time.Millisecond)
		}
	},
	"reconnecting": func(c *patient) {
		for i := range 40 {
			conn, err := c.dial(c.s.SuperUser)
			if err != nil {
				c.t.Error(err)
				return
			}
			c.ask(conn, "SELECT name FROM authors WHERE id = $1", strconv.Itoa(i))
			_ = conn.Close(context.Background())
		}
	},
	"leaking": func(c *patient) {
		conn := c.connect()
		for i := range 200 {
			if _, err := conn.Prepare(context.Background(), fmt.Sprintf("get_%d", i), "SELECT name FROM authors WHERE id = $1", nil); err != nil {
				c.t.Error(err)
				return
			}
			conn.ExecPrepared(context.Background(), fmt.Sprintf("get_%d", i), [][]byte{[]byte("7")}, nil, nil).Read()
		}
	},
	"preparing": func(c *patient) {
		conn := c.connect()
		for i := range 100 {
			if _, err := conn.Prepare(context.Background(), "", "SELECT balance FROM accounts WHERE id = $1", nil); err != nil {
				c.t.Error(err)
				return
			}
			conn.ExecPrepared(context.Background(), "", [][]byte{[]byte(strconv.Itoa(i))}, nil, nil).Read()
		}
	},
	"pinging": func(c *patient) {
		conn := c.connect()
		for i := range 80 {
			c.simple(conn, "SELECT 1", "SET search_path = public")
			c.ask(conn, "SELECT balance FROM accounts WHERE id = $1", strconv.Itoa(i%7))
		}
	},
	"paging": func(c *patient) {
		conn := c.connect()
		c.simple(conn, "BEGIN", "DECLARE c CURSOR FOR SELECT g FROM generate_series(1, 500) g")
		for range 51 {
			c.simple(conn, "FETCH 10 FROM c")
		}
		c.simple(conn, "COMMIT")
	},
	"gallery": func(c *patient) {
		conn := c.connect()
		for range 3 {
			c.ask(conn, "SELECT * FROM pictures WHERE id > $1", "0")
			c.sleep(30 * time.Millisecond)
		}
	},
	"wanting": func(c *patient) {
		conn := c.connect()
		for range 2 {
			c.simple(conn, "SELECT g, 'row ' || g FROM generate_series(1, 20000) g")
		}
	},
	"locked-out": func(c *patient) {
		for range 6 {
			conn, err := pgconn.Connect(context.Background(), fmt.Sprintf("host=%s port=%d user=guarded password=wrong dbname=postgres sslmode=disable application_name=%s", c.s.Host, c.s.Port, c.name))
			if err == nil {
				c.t.Error("a wrong password was taken")
				_ = conn.Close(context.Background())
			}
		}
	},
	"naked": func(c *patient) {
		if conn, err := c.dial("naked"); err != nil {
			c.t.Error(err)
		} else {
			c.simple(conn, "SELECT 1")
			_ = conn.Close(context.Background())
		}
	},
	"crowd": func(c *patient) {
		first, err := c.dial("narrow")
		if err != nil {
			c.t.Error(err)
			return
		}
		for range 5 {
			if conn, err := c.dial("narrow"); err == nil {
				c.t.Error("the limit of connections does not hold")
				_ = conn.Close(context.Background())
			}
		}
		_ = first.Close(context.Background())
	},
	// The healthy one answers requests of users, and writes now and then.
	"healthy": func(c *patient) {
		conn := c.connect()
		for i := range 60 {
			c.ask(conn, "SELECT id, title FROM posts WHERE author_id = $1 ORDER BY id LIMIT 10", strconv.Itoa(i))
			if i%5 == 0 {
				c.simple(conn, "BEGIN")
				c.ask(conn, "UPDATE accounts SET balance = balance + 1 WHERE id = $1", strconv.Itoa(50+i%40))
				c.simple(conn, "COMMIT")
			}
			c.sleep(time.Duration(25+i%7*9) * time.Millisecond)
		}
	},
}
