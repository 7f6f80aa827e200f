package client

import (
	"bytes"
	"errors"
	"io"
	"slices"

	"github.com/pgsniff/pgsniff/pkg/codec"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Receive takes bytes that were read from the server, in chunks of any size. They
// are copied. NextEvent makes events of them.
func (c *Client) Receive(data []byte) {
	if c.err != nil || c.conn == nil {
		return
	}
	if c.drained {
		c.in = append(c.in[:0], data...)
	} else {
		c.in = bytes.Clone(data)
	}
	c.drained = false
	c.conn.Feed(c.in)
}

// NextEvent returns the next event of what was received, and ErrNeedData where
// there is no more. Every other error is final, and returned from then on: an
// *AuthError, *ProtocolError or *LostError; the *ServerError that ended the
// connection, after it was an event; ErrTerminated after DoTerminate.
//
// The event belongs to the caller; Row and CopyData are borrowed until the next
// call of NextEvent or Receive.
func (c *Client) NextEvent() (Event, error) {
	if c.err != nil {
		return nil, c.err
	}
	if c.conn == nil {
		return nil, errNotMade
	}
	m, err := c.conn.Next()
	switch {
	case errors.Is(err, codec.ErrNeedMore):
		c.drained = true
		return nil, ErrNeedData
	case err != nil:
		return nil, c.broken(err)
	}
	event, err := c.handle(m)
	c.log("received", m.Kind())
	return event, err
}

// log tells of a message and the state after it.
func (c *Client) log(what string, k messages.Kind) {
	if c.config.Logger != nil {
		c.config.Logger.Debug("postgresql client: "+what, "message", k.String(), "state", c.state.String())
	}
}

// Outgoing returns what is to be sent before there is anything to wait for: the
// answer to an authentication request, or a Sync; nil if there is nothing.
func (c *Client) Outgoing() []byte {
	if c.wanted == nil || c.err != nil {
		return nil
	}
	out, err := c.conn.Send(c.wanted)
	if err != nil {
		_ = c.fail(&ProtocolError{c.state, err}) // for NextEvent
		return nil
	}
	sent := c.wanted.Kind()
	c.state, c.wanted = c.wantedState, nil
	c.log("sent", sent)
	return out
}

// Lost tells that the transport has failed or was closed by the server, with the
// error that it gave, nil for an orderly end. It returns what NextEvent will
// return from now on: a *LostError that tells where the conversation stood, or the
// error that had ended it before; nil if the program itself did, with DoTerminate.
// It comes after the events of what was received.
func (c *Client) Lost(err error) error {
	if c.state == StateTerminated {
		return nil
	}
	if c.err != nil {
		return c.err
	}
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	return c.fail(&LostError{State: c.state, Unread: c.conn.Buffered(), Err: err})
}

// fail ends the connection.
func (c *Client) fail(err error) error {
	c.err = err
	c.state = StateUnrecoverableError
	c.wanted = nil
	c.auth = authentication{}
	return err
}

// broken ends the connection for what the server did.
func (c *Client) broken(err error) error { return c.fail(&ProtocolError{c.state, err}) }

// requireAlone checks that a request may be sent that ends itself.
func (c *Client) requireAlone(op string) error {
	if c.hold.open && c.err == nil {
		return &StateError{op, c.state, errHeld}
	}
	return c.requireTurn(op)
}

// require checks that a method may be called.
func (c *Client) require(op string, allowed ...State) error {
	if c.conn == nil {
		return errNotMade
	}
	if c.err == nil && slices.Contains(allowed, c.state) {
		return nil
	}
	return &StateError{op, c.state, c.err}
}

// send returns the bytes of messages and moves on, or does neither.
func (c *Client) send(next State, list ...messages.Message) ([]byte, error) {
	for _, m := range list {
		if err := messages.Encodable(m); err != nil {
			return nil, err
		}
	}
	var out []byte
	for _, m := range list {
		var err error
		if out, err = c.conn.Append(out, m); err != nil {
			return nil, c.fail(&ProtocolError{c.state, err}) // the states are at odds
		}
	}
	c.state = next
	for _, m := range list {
		c.log("sent", m.Kind())
	}
	return out, nil
}

// handle makes an event of a message. That it answers an outstanding request is
// known: conn is strict.
func (c *Client) handle(m messages.Message) (Event, error) {
	switch m := m.(type) {
	case *messages.DataRow:
		return c.gotRow(m)
	case *messages.CopyData:
		c.copyData.Data = m.Data
		return &c.copyData, nil
	case *messages.NoticeResponse:
		return &Notice{c.diagnostic(&m.ErrorFields)}, nil
	case *messages.ParameterStatus:
		return c.gotParameter(m), nil
	case *messages.NotificationResponse:
		return &Notification{m.ProcessID, c.text().lossy(m.Channel), c.text().lossy(m.Payload)}, nil
	case *messages.ErrorResponse:
		return c.gotError(&ServerError{Diagnostic: c.diagnostic(&m.ErrorFields)}), nil
	case *messages.ErrorResponseV2:
		return c.gotError(&ServerError{Diagnostic: Diagnostic{Severity: "FATAL", Message: c.text().lossy(m.Text)}}), nil
	case *messages.ReadyForQuery:
		skipped := c.hold.skipped
		c.nextTurn()
		return &Ready{TxStatus: m.Status, Queued: c.cycle != cycleNone, Skipped: skipped}, nil
	}
	if c.cycle == cycleNone {
		return c.handleStartup(m)
	}
	return c.handleReply(m)
}

// gotError goes on to the Ready of the request that failed, if there is one.
func (c *Client) gotError(e *ServerError) Event {
	if c.conn.Phase() == messages.PhaseFailed {
		_ = c.fail(e) // for the next NextEvent: now it is an event
		return e
	}
	e.Recoverable = true
	c.state = StateRecoverableError
	c.wantSync()
	c.pastError()
	return e
}

// wantSync has Outgoing end an extended cycle, unless its Sync has been sent or is
// the program's to send.
func (c *Client) wantSync() {
	if c.cycle.extended() && !c.hold.held && c.conn.PendingSyncs() == 0 {
		c.wanted, c.wantedState = &messages.Sync{}, c.state
	}
}
