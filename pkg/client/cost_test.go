package client

import (
	"errors"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// reading returns a client in the middle of a result of three columns, and a chunk
// of n rows of it.
func reading(t testing.TB, n int) (*Client, []byte) {
	c := New(Config{User: "alice"})
	feed := func(list ...messages.Message) {
		for _, m := range list {
			c.Receive(m.Append(nil))
			if _, err := c.NextEvent(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := c.DoStartup(); err != nil {
		t.Fatal(err)
	}
	feed(&messages.AuthenticationOk{}, ready)
	if _, err := c.DoSimpleQuery("x"); err != nil {
		t.Fatal(err)
	}
	feed(described("a", "b", "c"))
	var rows []byte
	for range n {
		rows = dataRow("one value", "another", "42").Append(rows)
	}
	return c, rows
}

// drain takes the rows of a chunk.
func drain(t testing.TB, c *Client, chunk []byte) (rows int) {
	c.Receive(chunk)
	for {
		e, err := c.NextEvent()
		if errors.Is(err, ErrNeedData) {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		if r, ok := e.(*Row); !ok || string(r.Raw(2)) != "42" {
			t.Fatalf("%T", e)
		}
		rows++
	}
}

func TestRowsAllocateNothing(t *testing.T) {
	c, chunk := reading(t, 100)
	if rows := drain(t, c, chunk); rows != 100 {
		t.Fatalf("%d rows", rows)
	}
	if n := testing.AllocsPerRun(20, func() { drain(t, c, chunk) }); n > 1 { // the chunk costs one
		t.Errorf("%v allocations for 100 rows", n)
	}
}

// TestManyWaitingChunks gives many chunks before any event is taken.
func TestManyWaitingChunks(t *testing.T) {
	c, row := reading(t, 1)
	const n = 20000
	for range n {
		c.Receive(row)
	}
	if rows := drain(t, c, nil); rows != n {
		t.Errorf("%d rows", rows)
	}
}

func BenchmarkRows(b *testing.B) {
	c, chunk := reading(b, 200)
	b.ReportAllocs()
	b.SetBytes(int64(len(chunk)))
	for b.Loop() {
		drain(b, c, chunk)
	}
}

func BenchmarkRowText(b *testing.B) {
	c, chunk := reading(b, 200)
	b.ReportAllocs()
	b.SetBytes(int64(len(chunk)))
	for b.Loop() {
		c.Receive(chunk)
		for {
			e, err := c.NextEvent()
			if err != nil {
				break
			}
			if _, err := e.(*Row).Text(0); err != nil {
				b.Fatal(err)
			}
		}
	}
}
