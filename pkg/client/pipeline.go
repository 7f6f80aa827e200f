package client

import (
	"errors"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// maxQueued bounds the requests of a pipeline, which a program that never reads would
// fill without end.
const maxQueued = 1 << 14

var errQueued = errors.New("a statement that may be a COPY, or one with a limit of rows, cannot wait in a pipeline")

// queued is a request that was sent before the one before it was answered.
type queued struct {
	cycle     cycle
	state     State
	statement PreparedStatement
	portal    string
	columns   []Column
}

// requireTurn checks that a request may be sent: the client is ready, or with
// Config.Pipeline what is being answered can be followed by another one.
func (c *Client) requireTurn(op string) error {
	if c.conn != nil && c.err == nil && c.mayQueue() {
		return nil
	}
	return c.require(op, StateReady)
}

func (c *Client) mayQueue() bool {
	if !c.config.Pipeline || c.cycle == cycleNone || len(c.queue) >= maxQueued {
		return false
	}
	switch c.state {
	case StateCopyIn, StateCopyInEnded, StateCopyBoth, StateCopyBothEnded, StatePortalSuspended:
		return false
	}
	return !c.cycle.extended() || c.conn.PendingSyncs() > 0 // its Sync is not still to come
}

// Queued returns how many requests wait for their answers behind the one that is
// being answered.
func (c *Client) Queued() int { return len(c.queue) }

// enqueue sends the messages of a request whose turn comes later.
func (c *Client) enqueue(q queued, list ...messages.Message) ([]byte, error) {
	state := c.state
	out, err := c.send(state, list...)
	if err == nil {
		c.queue = append(c.queue, q)
	}
	return out, err
}

// nextTurn goes on to the next request after a Ready.
func (c *Client) nextTurn() {
	c.state, c.cycle, c.columns = StateReady, cycleNone, nil
	if len(c.queue) == 0 {
		return
	}
	q := c.queue[0]
	c.queue[0] = queued{}
	if c.queue = c.queue[1:]; len(c.queue) == 0 {
		c.queue = nil
	}
	c.state, c.cycle, c.statement, c.portal, c.columns = q.state, q.cycle, q.statement, q.portal, q.columns
}
