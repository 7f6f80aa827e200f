package main

import (
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/pgsniff/pgsniff/pkg/connection"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/scram"
)

// Client is a connection to a server, in session.
type Client struct {
	CopyIn  io.Reader // what COPY FROM STDIN sends
	CopyOut io.Writer // where COPY TO STDOUT goes

	net net.Conn
	pg  *connection.FrontendConnection
	in  []byte // read buffer
	out []byte // to be written
}

// ServerError is an ErrorResponse.
type ServerError struct{ Severity, SQLState, Message string }

func (e *ServerError) Error() string { return e.Severity + " " + e.SQLState + ": " + e.Message }

// Connect logs in.
func Connect(addr, user, database, password string) (*Client, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	c := &Client{
		CopyIn: strings.NewReader(""), CopyOut: io.Discard,
		net: conn, pg: connection.NewFrontend(), in: make([]byte, 16<<10),
	}
	login := &scram.Login{User: user, Password: password}
	err = c.send(&messages.StartupMessage{Version: messages.Version30, Parameters: []messages.Pair{
		{Name: []byte("user"), Value: []byte(user)}, {Name: []byte("database"), Value: []byte(database)},
	}})
	if err == nil {
		err = c.receive(func(m messages.Message) error {
			if answer, err := login.Answer(m); answer == nil || err != nil {
				return err
			} else if err = c.send(answer); err != nil {
				return err
			}
			return c.flush()
		})
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return c, nil
}

// Close says goodbye.
func (c *Client) Close() error {
	if err := c.send(&messages.Terminate{}); err == nil {
		_ = c.flush()
	}
	return c.net.Close()
}

// receive hands over what comes from the server until it is ready for more.
func (c *Client) receive(handle func(messages.Message) error) (failure error) {
	if err := c.flush(); err != nil {
		return err
	}
	for {
		n, err := c.net.Read(c.in)
		for m, err := range c.pg.Receive(c.in[:n]) {
			if err != nil {
				return err
			}
			if e, ok := m.(*messages.ErrorResponse); ok && failure == nil {
				failure = &ServerError{string(e.Severity()), string(e.SQLState()), string(e.Message())}
			}
			if err := handle(m); err != nil {
				return err
			}
		}
		switch {
		case c.pg.IsReady(), failure != nil && !c.pg.IsActive():
			return failure
		case err != nil:
			return fmt.Errorf("the server hung up: %w", err)
		}
	}
}

// send queues messages.
func (c *Client) send(list ...messages.Message) (err error) {
	for _, m := range list {
		if c.out, err = c.pg.Append(c.out, m); err != nil {
			return err
		}
	}
	return nil
}

func (c *Client) flush() error {
	_, err := c.net.Write(c.out)
	c.out = c.out[:0]
	return err
}
