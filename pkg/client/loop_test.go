package client

import (
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"
)

// driver runs the ready loop over a transport.
type driver struct {
	*Client
	t         testing.TB
	transport io.ReadWriter
	buffer    []byte // its size is the most that is read at once
	states    []State
	look      func(*Client) // called in each state, if not nil
}

func newDriver(t testing.TB, c *Client, transport io.ReadWriter, chunk int) *driver {
	return &driver{Client: c, t: t, transport: transport, buffer: make([]byte, chunk)}
}

// note remembers the states that the client goes through.
func (d *driver) note() {
	if d.look != nil {
		d.look(d.Client)
	}
	if n := len(d.states); n == 0 || d.states[n-1] != d.State() {
		d.states = append(d.states, d.State())
	}
}

// run sends a request and returns the events up to Ready, or up to one that the
// program has to do something about. Rows are cloned.
func (d *driver) run(out []byte, err error) (events []Event, _ error) {
	if err != nil {
		return nil, err
	}
	d.note()
	if _, err := d.transport.Write(out); err != nil {
		return nil, d.Lost(err)
	}
	for {
		e, err := d.NextEvent()
		d.note()
		switch {
		case errors.Is(err, ErrNeedData):
			if err := d.wait(); err != nil {
				return events, err
			}
			continue
		case err != nil:
			return events, err
		}
		switch o := e.(type) {
		case *Row:
			e = o.Clone()
		case *CopyData:
			e = &CopyData{append([]byte(nil), o.Data...)}
		}
		events = append(events, e)
		switch e.(type) {
		case *Ready, *EncryptionResponse, *Suspended, *CopyIn, *CopyBoth:
			return events, nil
		}
	}
}

// wait sends what the client wants sent and reads.
func (d *driver) wait() error {
	if out := d.Outgoing(); out != nil {
		d.note()
		if _, err := d.transport.Write(out); err != nil {
			return d.Lost(err)
		}
	}
	n, err := d.transport.Read(d.buffer)
	d.Receive(d.buffer[:n])
	for i := range n {
		d.buffer[i] = 0xAA // it was copied
	}
	if n == 0 && err != nil {
		return d.Lost(err)
	}
	return nil
}

// must is run for requests that succeed.
func (d *driver) must(out []byte, err error) []Event {
	d.t.Helper()
	events, err := d.run(out, err)
	if err != nil {
		d.t.Fatalf("in state %v: %v, after %v", d.State(), err, names(events))
	}
	for _, e := range events {
		if e, ok := e.(*ServerError); ok {
			d.t.Fatal(e)
		}
	}
	return events
}

// names lists the types of events, several rows as one.
func names(events []Event) (list []string) {
	for _, e := range events {
		name := fmt.Sprintf("%T", e)[len("*client."):]
		if n := len(list); name == "Row" && n > 0 && list[n-1] == name || name == "ParameterStatus" || name == "Notice" {
			continue
		}
		list = append(list, name)
	}
	return list
}

// find returns the first event of a type.
func find[E Event](t testing.TB, events []Event) E {
	t.Helper()
	for _, e := range events {
		if e, ok := e.(E); ok {
			return e
		}
	}
	var e E
	t.Fatalf("no %T among %v", e, names(events))
	return e
}

// rows returns the text of all rows.
func rows(t testing.TB, events []Event) (list [][]string) {
	t.Helper()
	for _, e := range events {
		if r, ok := e.(*Row); ok {
			var row []string
			for i := range r.Len() {
				text, err := r.Text(i)
				if err != nil {
					t.Fatal(err)
				}
				row = append(row, text)
			}
			list = append(list, row)
		}
	}
	return list
}

// dial connects to a server; the connection is closed at the test's end.
func dial(t testing.TB, address string) net.Conn {
	t.Helper()
	conn, err := net.DialTimeout("tcp", address, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(60 * time.Second))
	return conn
}
