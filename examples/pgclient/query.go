package main

import (
	"bytes"
	"io"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Result is what one command returned.
type Result struct {
	Columns []string
	Rows    [][][]byte // a nil value is NULL
	Tag     string
}

// Simple runs the commands of a string.
func (c *Client) Simple(sql string) ([]Result, error) {
	return c.run(&messages.Query{SQL: []byte(sql)})
}

// Query runs a command with parameters, as text.
func (c *Client) Query(sql string, parameters ...string) ([]Result, error) {
	return c.run(append(extended(sql, parameters), &messages.Sync{})...)
}

// Pipeline sends all commands before it reads what the first returned. Each is a
// transaction of its own: the failure of one leaves the others alone. What it
// sends must fit into the network's buffers together with the answers, and COPY
// FROM STDIN cannot be part of it.
func (c *Client) Pipeline(commands ...string) ([]Result, error) {
	var list []messages.Message
	for _, sql := range commands {
		list = append(append(list, extended(sql, nil)...), &messages.Sync{})
	}
	return c.run(list...)
}

func extended(sql string, parameters []string) []messages.Message {
	bind := &messages.Bind{}
	for _, p := range parameters {
		bind.Parameters.Add([]byte(p))
	}
	return []messages.Message{
		&messages.Parse{SQL: []byte(sql)}, bind, &messages.Describe{Target: messages.TargetPortal}, &messages.Execute{},
	}
}

// run sends messages and collects results until the server is ready again. The
// error is the first that occurred.
func (c *Client) run(list ...messages.Message) (results []Result, err error) {
	if err := c.send(list...); err != nil {
		return nil, err
	}
	var r Result
	err = c.receive(func(m messages.Message) (err error) {
		switch m := m.(type) {
		case *messages.RowDescription:
			for _, f := range m.Fields {
				r.Columns = append(r.Columns, string(f.Name))
			}
		case *messages.DataRow:
			row := make([][]byte, 0, m.Values.Len())
			for _, v := range m.Values {
				row = append(row, bytes.Clone(v))
			}
			r.Rows = append(r.Rows, row)
		case *messages.CommandComplete:
			r.Tag = string(m.Tag)
			results, r = append(results, r), Result{}
		case *messages.EmptyQueryResponse:
			results, r = append(results, r), Result{}
		case *messages.ErrorResponse:
			r = Result{}
		case *messages.CopyData:
			_, err = c.CopyOut.Write(m.Data)
		case *messages.CopyInResponse:
			err = c.copyIn(len(list) > 1)
		}
		return err
	})
	return results, err
}

// copyIn sends the data of a COPY. The Sync of an extended query is ignored
// while the server waits for data, so it is due again.
func (c *Client) copyIn(sync bool) error {
	data := make([]byte, 32<<10)
	for {
		n, err := c.CopyIn.Read(data)
		if n > 0 {
			if err := c.send(&messages.CopyData{Data: data[:n]}); err != nil {
				return err
			}
		}
		switch {
		case err == io.EOF:
			err = c.send(&messages.CopyDone{})
		case err != nil:
			err = c.send(&messages.CopyFail{Message: []byte(err.Error())})
		default:
			if err := c.flush(); err != nil {
				return err
			}
			continue
		}
		if err == nil && sync {
			err = c.send(&messages.Sync{})
		}
		if err != nil {
			return err
		}
		return c.flush()
	}
}
