package client

import (
	"slices"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// DoCopyData returns the bytes that carry data of COPY FROM STDIN or of a
// replication stream, after a CopyIn or CopyBoth event. The data may be cut
// anywhere, and is sent as it is: see EncodeText.
func (c *Client) DoCopyData(data []byte) ([]byte, error) {
	if err := c.require("DoCopyData", StateCopyIn, StateCopyBoth); err != nil {
		return nil, err
	}
	return c.send(c.state, &messages.CopyData{Data: data})
}

// DoCopyDone returns the bytes that end the data of COPY FROM STDIN or of this side
// of a replication stream. Events are CommandComplete and Ready, after a CopyBoth
// also the rest of what the server sends.
func (c *Client) DoCopyDone() ([]byte, error) {
	return c.endCopy("DoCopyDone", &messages.CopyDone{})
}

// DoCopyFail returns the bytes that have COPY FROM STDIN fail, for a reason that
// the server's error repeats. Events are that ServerError and Ready.
func (c *Client) DoCopyFail(reason string) ([]byte, error) {
	text, err := c.text().encode([]byte(reason))
	if err != nil {
		return nil, err
	}
	return c.endCopy("DoCopyFail", &messages.CopyFail{Message: text})
}

func (c *Client) endCopy(op string, m messages.Message) ([]byte, error) {
	if err := c.require(op, StateCopyIn, StateCopyBoth); err != nil {
		return nil, err
	}
	next := StateCopyInEnded
	if c.state == StateCopyBoth {
		next = StateCopyBothEnded
	}
	if c.cycle.extended() {
		return c.send(next, m, &messages.Sync{})
	}
	return c.send(next, m)
}

func copyFormat(f *messages.CopyFormats) CopyFormat {
	return CopyFormat{Binary: f.Format != 0, ColumnFormats: slices.Clone(f.ColumnFormats)}
}
