package client_test

import (
	"errors"
	"fmt"
	"log"
	"net"

	"github.com/pgsniff/pgsniff/pkg/client"
	"github.com/pgsniff/pgsniff/pkg/connection"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// do sends a request and runs the ready loop until the client is ready again.
func do(conn net.Conn, c *client.Client, request []byte, handle func(client.Event)) error {
	if _, err := conn.Write(request); err != nil {
		return c.Lost(err)
	}
	buffer := make([]byte, 8192)
	for {
		event, err := c.NextEvent()
		switch {
		case errors.Is(err, client.ErrNeedData):
			if out := c.Outgoing(); out != nil {
				if _, err := conn.Write(out); err != nil {
					return c.Lost(err)
				}
			}
			n, err := conn.Read(buffer)
			if err != nil {
				return c.Lost(err)
			}
			c.Receive(buffer[:n])
			continue
		case err != nil:
			return err
		}
		handle(event)
		if _, ready := event.(*client.Ready); ready {
			return nil
		}
	}
}

// A session over a transport of the program's own: here a pipe to a server of a
// few lines.
func Example() {
	conn, other := net.Pipe()
	go serve(other)
	defer conn.Close()

	c := client.New(client.Config{User: "alice", Password: "secret"})
	show := func(event client.Event) {
		switch e := event.(type) {
		case *client.Authenticated:
			fmt.Println("authenticated by", e.Method)
		case *client.Row:
			fmt.Println(e.Values())
		case *client.CommandComplete:
			fmt.Println(e.Tag)
		case *client.ServerError:
			fmt.Println(e)
		}
	}
	request, err := c.DoStartup()
	if err == nil {
		err = do(conn, c, request, show)
	}
	if err == nil {
		request, err = c.DoSimpleQuery("SELECT 42 AS answer")
	}
	if err == nil {
		err = do(conn, c, request, show)
	}
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.State())
	// Output:
	// authenticated by password
	// [42] <nil>
	// SELECT 1
	// ready
}

// serve lets everybody in and has one answer.
func serve(conn net.Conn) {
	server := connection.NewBackend()
	buffer := make([]byte, 8192)
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			return
		}
		var reply []byte
		for m, err := range server.Receive(buffer[:n]) {
			if err != nil {
				return
			}
			for _, answer := range answers(m) {
				reply, _ = server.Append(reply, answer)
			}
		}
		if len(reply) > 0 {
			_, _ = conn.Write(reply)
		}
	}
}

func answers(m messages.Message) []messages.Message {
	switch m.(type) {
	case *messages.StartupMessage:
		return []messages.Message{&messages.AuthenticationCleartextPassword{}}
	case *messages.PasswordMessage:
		return []messages.Message{&messages.AuthenticationOk{}, &messages.ReadyForQuery{Status: 'I'}}
	case *messages.Query:
		return []messages.Message{
			&messages.RowDescription{Fields: []messages.ColumnDescription{{Name: []byte("answer"), TypeOID: 23, TypeSize: 4}}},
			&messages.DataRow{Values: messages.MakeValues([]byte("42"))},
			&messages.CommandComplete{Tag: []byte("SELECT 1")},
			&messages.ReadyForQuery{Status: 'I'},
		}
	}
	return nil
}

// Two statements that succeed or fail together, in one round trip: neither is waited
// for, and the Sync goes where the program wants it.
func ExampleClient_Hold() {
	c := client.New(client.Config{User: "alice"})
	// … after startup:
	transfer := func(conn net.Conn, s *client.PreparedStatement, from, to, amount int) error {
		if err := c.Hold(); err != nil {
			return err
		}
		var requests []byte
		for _, arguments := range [][]any{{from, -amount}, {to, amount}} {
			request, err := c.DoBindExecute(s, arguments, client.ExecuteOptions{})
			if err != nil {
				return err
			}
			requests = append(requests, request...)
		}
		sync, err := c.DoSync()
		if err != nil {
			return err
		}
		var failed error
		for event, err := range c.Run(conn, append(requests, sync...)) {
			if err != nil {
				return err
			}
			if e, ok := event.(*client.ServerError); ok {
				failed = e // both are undone
			}
		}
		return failed
	}
	_ = transfer
}
