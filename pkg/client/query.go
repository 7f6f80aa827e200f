package client

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// DoSimpleQuery returns the bytes of a Query: one or more commands, without
// parameters. Events are, for each command: RowDescription and Row where it
// returns rows, what COPY brings, CommandComplete; then Ready.
func (c *Client) DoSimpleQuery(sql string) ([]byte, error) {
	if err := c.requireAlone("DoSimpleQuery"); err != nil {
		return nil, err
	}
	text, err := c.text().encode([]byte(sql))
	if err != nil {
		return nil, err
	}
	return c.begin(queued{cycle: cycleSimple, state: StateQuerySent}, &messages.Query{SQL: text})
}

// DoFunctionCall returns the bytes that call a function by its OID (manual:
// "Function Call", where it is called obsolete). The arguments are sent as they
// are, nil for NULL; binary tells their format and that of the result. Events are
// FunctionResult and Ready.
func (c *Client) DoFunctionCall(oid uint32, binary bool, arguments ...[]byte) ([]byte, error) {
	if err := c.requireAlone("DoFunctionCall"); err != nil {
		return nil, err
	}
	m := &messages.FunctionCall{FunctionOID: oid, Arguments: messages.MakeValues(arguments...)}
	if binary {
		m.ArgumentFormats, m.ResultFormat = []int16{1}, 1
	}
	return c.begin(queued{cycle: cycleFunction, state: StateFunctionCallSent}, m)
}

// handleReply makes an event of what answers a request.
func (c *Client) handleReply(m messages.Message) (Event, error) {
	switch m := m.(type) {
	case *messages.RowDescription:
		return c.gotDescription(c.describe(m)), nil
	case *messages.NoData:
		return c.gotDescription(nil), nil
	case *messages.CommandComplete:
		return c.gotComplete(c.commandComplete(m)), nil
	case *messages.EmptyQueryResponse:
		return c.gotComplete(&EmptyQuery{}), nil
	case *messages.ParseComplete:
		c.state = StateParseComplete
		return &ParseComplete{c.statement.Name}, nil
	case *messages.ParameterDescription:
		c.state = StateParametersDescribed
		c.statement.ParameterOIDs = slices.Clone(m.ParameterOIDs)
		return &ParameterDescription{slices.Clone(m.ParameterOIDs)}, nil
	case *messages.BindComplete:
		c.state = StateRows
		return &BindComplete{}, nil
	case *messages.PortalSuspended:
		return c.gotSuspended()
	case *messages.CloseComplete:
		c.state = StateCloseComplete
		c.answered()
		return &CloseComplete{}, nil
	case *messages.CopyInResponse:
		c.state = StateCopyIn
		return &CopyIn{copyFormat(&m.CopyFormats)}, nil
	case *messages.CopyOutResponse:
		c.state = StateCopyOut
		return &CopyOut{copyFormat(&m.CopyFormats)}, nil
	case *messages.CopyBothResponse:
		c.state = StateCopyBoth
		return &CopyBoth{copyFormat(&m.CopyFormats)}, nil
	case *messages.CopyDone:
		if c.state == StateCopyOut {
			c.state = StateCopyOutEnded
		}
		return &CopyDone{}, nil
	case *messages.FunctionCallResponse:
		c.state = StateFunctionResult
		return &FunctionResult{slices.Clone(m.Result)}, nil
	}
	return nil, c.unexpected(m)
}

// describe makes columns of a RowDescription; they are not nil.
func (c *Client) describe(m *messages.RowDescription) []Column {
	columns := make([]Column, len(m.Fields))
	for i, f := range m.Fields {
		columns[i] = Column{
			Name:         c.text().lossy(f.Name),
			TableOID:     f.TableOID,
			Attribute:    f.Column,
			TypeOID:      f.TypeOID,
			TypeSize:     f.TypeSize,
			TypeModifier: f.TypeModifier,
			Format:       f.Format,
		}
	}
	return columns
}

// gotDescription takes the columns of a query, of a statement that was prepared, or
// of a portal.
func (c *Client) gotDescription(columns []Column) Event {
	switch c.cycle {
	case cyclePrepare:
		c.state = StateStatementDescribed
		c.statement.Columns = columns
		s := c.statement
		c.answered()
		return &s
	case cycleSimple:
		c.state = StateQueryRows
	}
	c.columns = columns
	return &RowDescription{slices.Clone(columns)}
}

// gotComplete goes on after a command.
func (c *Client) gotComplete(e Event) Event {
	c.state = StateQueryComplete
	if c.cycle.extended() {
		c.state = StateExecuteComplete
	}
	c.columns = nil
	c.wantSync()
	c.answered()
	return e
}

func (c *Client) commandComplete(m *messages.CommandComplete) *CommandComplete {
	e := &CommandComplete{Tag: c.text().lossy(m.Tag)}
	e.Rows, _ = m.Rows()
	e.Command = strings.TrimRight(e.Tag, " 0123456789") // INSERT has an OID as well
	return e
}

// gotRow fills the row that is used for all.
func (c *Client) gotRow(m *messages.DataRow) (Event, error) {
	if m.Values.Len() != len(c.columns) {
		return nil, c.broken(fmt.Errorf("a row of %d values for %d columns", m.Values.Len(), len(c.columns)))
	}
	r := &c.row
	r.columns, r.conversion = c.columns, c.conversion
	r.cells = m.Values
	return r, nil
}
