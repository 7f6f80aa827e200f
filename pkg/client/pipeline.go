package client

import (
	"errors"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// maxQueued bounds the requests of a pipeline, which a program that never reads would
// fill without end.
const maxQueued = 1 << 14

var (
	errQueued  = errors.New("a statement that may be a COPY, or one with a limit of rows, cannot wait in a pipeline")
	errHeld    = errors.New("only extended queries, and none that may be a COPY, go before a Sync that is held back")
	errNotHeld = errors.New("no Sync is held back")
)

// queued is a request that was sent before the one before it was answered.
type queued struct {
	cycle     cycle
	state     State
	statement PreparedStatement
	portal    string
	columns   []Column
	held      bool // another request follows before the Sync
}

// hold is what the client knows of requests that share a Sync.
type hold struct {
	open    bool // Hold was called, DoSync is still to come
	held    bool // the request that is being answered has no Sync of its own
	over    bool // it has been answered, and nothing is queued: the program's turn
	failed  bool // what is sent now is passed over up to DoSync
	skipped int  // requests that the server passed over since the latest Ready
}

// Hold holds Syncs back: the extended queries that follow (DoPrepare, DoBindExecute,
// DoContinue, DoCloseStatement, DoClosePortal) are sent without one and share that of
// DoSync, which ends this. They need not wait for each other's answers, with or
// without Config.Pipeline. The server runs them as one transaction, unless they say
// otherwise, and after an error passes over what is left of them: Ready tells how many
// requests that were. It answers when it likes, which is before the Sync only after
// DoFlush.
func (c *Client) Hold() error {
	if err := c.requireTurn("Hold"); err != nil {
		return err
	}
	if c.hold.open {
		return &StateError{"Hold", c.state, errHeld}
	}
	c.hold.open = true
	return nil
}

// DoFlush returns the bytes that have the server answer what was sent since Hold
// without waiting for DoSync. It has no event of its own.
func (c *Client) DoFlush() ([]byte, error) {
	if c.conn == nil {
		return nil, errNotMade
	}
	if c.err != nil || !c.hold.open {
		return nil, &StateError{"DoFlush", c.state, errors.Join(c.err, errNotHeld)}
	}
	return c.send(c.state, &messages.Flush{})
}

// IsWaiting reports whether all that was sent since Hold has been answered or failed,
// so that nothing comes until the program sends more, at least DoSync.
func (c *Client) IsWaiting() bool { return c.hold.over && c.err == nil }

// requireTurn checks that a request may be sent: the client is ready, or with
// Config.Pipeline or Hold what is being answered can be followed by another one.
func (c *Client) requireTurn(op string) error {
	if c.conn != nil && c.err == nil && (c.hold.over || c.mayFollow() && len(c.queue) < maxQueued) {
		return nil
	}
	return c.require(op, StateReady)
}

// mayFollow reports whether a request may be sent behind the one that is being
// answered.
func (c *Client) mayFollow() bool {
	if c.cycle == cycleNone || c.hold.over || !c.config.Pipeline && !c.hold.open {
		return false
	}
	switch c.state {
	case StateCopyIn, StateCopyInEnded, StateCopyBoth, StateCopyBothEnded:
		return false
	case StatePortalSuspended:
		return c.hold.held
	}
	return c.hold.open || !c.cycle.extended() || c.conn.PendingSyncs() > 0 // its Sync is not still to come
}

// Queued returns how many requests wait for their answers behind the one that is
// being answered.
func (c *Client) Queued() int { return len(c.queue) }

// begin sends the messages of a new request. The last one is the Sync or Flush, which
// a held one goes without.
func (c *Client) begin(q queued, list ...messages.Message) ([]byte, error) {
	q.held = c.hold.open && q.state != StateSyncSent
	if q.held {
		list = list[:len(list)-1]
	}
	if c.hold.failed {
		return c.beginSkipped(q, list)
	}
	if c.mayFollow() {
		out, err := c.send(c.state, list...)
		if err == nil {
			c.queue = append(c.queue, q)
		}
		return out, err
	}
	out, err := c.send(q.state, list...)
	if err == nil {
		c.take(&q)
	}
	return out, err
}

// beginSkipped sends what the server passes over, or the Sync that ends that.
func (c *Client) beginSkipped(q queued, list []messages.Message) ([]byte, error) {
	q.state = c.state
	out, err := c.send(c.state, list...)
	switch {
	case err != nil:
	case q.held:
		c.hold.skipped++
	default:
		c.take(&q)
		c.hold.failed = false
	}
	return out, err
}

// take makes a request the one that is being answered.
func (c *Client) take(q *queued) {
	c.state, c.cycle, c.statement, c.portal, c.columns = q.state, q.cycle, q.statement, q.portal, q.columns
	c.hold.held, c.hold.over = q.held, false
}

// dequeue returns the next request, nil if there is none.
func (c *Client) dequeue() *queued {
	if len(c.queue) == 0 {
		return nil
	}
	q := c.queue[0]
	c.queue[0] = queued{}
	if c.queue = c.queue[1:]; len(c.queue) == 0 {
		c.queue = nil
	}
	return &q
}

// answered goes on to the next request after the last reply to one without a Sync.
func (c *Client) answered() {
	if !c.hold.held {
		return
	}
	if q := c.dequeue(); q != nil {
		c.take(q)
		return
	}
	c.hold.over = true
}

// pastError passes over the requests that share the Sync of one that failed.
func (c *Client) pastError() {
	if !c.hold.held {
		return
	}
	for len(c.queue) > 0 && c.queue[0].held {
		c.dequeue()
		c.hold.skipped++
	}
	if q := c.dequeue(); q != nil {
		q.state = c.state
		c.take(q)
		return
	}
	c.hold.failed, c.hold.over = true, true
}

// nextTurn goes on to the next request after a Ready.
func (c *Client) nextTurn() {
	c.state, c.cycle, c.columns = StateReady, cycleNone, nil
	c.hold.held, c.hold.over, c.hold.skipped = false, false, 0
	if q := c.dequeue(); q != nil {
		c.take(q)
	}
}
