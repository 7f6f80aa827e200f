package client

import (
	"errors"
	"slices"

	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// ExecuteOptions says how DoBindExecute executes. The zero value is ready for use.
type ExecuteOptions struct {
	Portal string // "" for the unnamed portal
	// MaxRows is the number of rows after which the portal is suspended; 0 is no
	// limit.
	MaxRows int32
	// Binary asks for values in binary format.
	Binary bool
	// Describe asks for the columns, as a RowDescription event after BindComplete,
	// without columns where no rows come. A statement that is executed before its
	// description has come needs that.
	Describe bool
}

var (
	errArguments = errors.New("there are not as many arguments as parameters")
	errUnlimited = errors.New("PortalSuspended without a limit of rows")
)

// DoPrepare returns the bytes that prepare a statement and have it described. name
// is "" for the unnamed statement; types are the OIDs of parameters, as far as the
// server is not to find them itself (0). Events are ParseComplete,
// ParameterDescription, PreparedStatement and Ready.
func (c *Client) DoPrepare(name, sql string, types ...uint32) ([]byte, error) {
	if err := c.requireTurn("DoPrepare"); err != nil {
		return nil, err
	}
	t := texts{textEncoding: c.text()}
	parse := &messages.Parse{Statement: t.of(name), SQL: t.of(sql), ParameterOIDs: types}
	if t.err != nil {
		return nil, t.err
	}
	q := queued{cycle: cyclePrepare, state: StateParseSent, statement: PreparedStatement{Name: name, SQL: sql}}
	return c.begin(q, parse, &messages.Describe{Target: messages.TargetStatement, Name: parse.Statement}, &messages.Sync{})
}

// DoBindExecute returns the bytes that execute a prepared statement with
// arguments, nil for NULL. They are converted by the types of the parameters; a
// string is taken as the text of a value of any type. Events are BindComplete,
// RowDescription if it was asked for, Row or what COPY brings, CommandComplete or
// Suspended, and after the former Ready.
// An argument that cannot be sent is an *ArgumentError.
func (c *Client) DoBindExecute(s *PreparedStatement, arguments []any, o ExecuteOptions) ([]byte, error) {
	if err := c.requireTurn("DoBindExecute"); err != nil {
		return nil, err
	}
	t := texts{textEncoding: c.text()}
	bind := &messages.Bind{Portal: t.of(o.Portal), Statement: t.of(s.Name)}
	if t.err != nil {
		return nil, t.err
	}
	if err := c.bindArguments(bind, s.ParameterOIDs, arguments); err != nil {
		return nil, err
	}
	columns := s.Columns
	if o.Binary {
		bind.ResultFormats = []int16{1}
		columns = slices.Clone(columns)
		for i := range columns {
			columns[i].Format = 1
		}
	}
	limit := max(o.MaxRows, 0)
	later := limit > 0 || mayCopy(s)
	switch {
	case c.hold.open && mayCopy(s):
		return nil, &StateError{"DoBindExecute", c.state, errHeld}
	case later && !c.hold.open && c.mayFollow():
		return nil, &StateError{"DoBindExecute", c.state, errQueued}
	}
	list := []messages.Message{bind}
	if o.Describe {
		list = append(list, &messages.Describe{Target: messages.TargetPortal, Name: bind.Portal})
	}
	list = append(list, &messages.Execute{Portal: bind.Portal, MaxRows: limit}, executeEnd(later))
	return c.begin(queued{cycle: cycleExecute, state: StateBindSent, portal: o.Portal, columns: columns}, list...)
}

// mayCopy reports whether a statement may be a COPY, during which the server would
// pass over a Sync.
func mayCopy(s *PreparedStatement) bool {
	if s.Columns != nil {
		return false
	}
	operation := sqlnorm.Operation([]byte(s.SQL))
	return operation == "" || operation == "COPY"
}

// executeEnd is what follows an Execute: a Sync, or a Flush where that is to be
// sent later.
func executeEnd(later bool) messages.Message {
	if later {
		return &messages.Flush{}
	}
	return &messages.Sync{}
}

// DoContinue returns the bytes that fetch more rows from a portal, maxRows of them
// at most or, if that is 0, all. It follows a Suspended event, either at once or,
// in a transaction block or since Hold, when the client takes requests again. Events
// are those of DoBindExecute without BindComplete.
func (c *Client) DoContinue(p *Portal, maxRows int32) ([]byte, error) {
	if !c.hold.open || c.requireTurn("DoContinue") != nil {
		if err := c.require("DoContinue", StatePortalSuspended, StateReady); err != nil {
			return nil, err
		}
	}
	name, err := c.text().encode([]byte(p.Name))
	if err != nil {
		return nil, err
	}
	limit := max(maxRows, 0)
	q := queued{cycle: cycleExecute, state: StateRows, portal: p.Name, columns: p.Columns}
	return c.begin(q, &messages.Execute{Portal: name, MaxRows: limit}, executeEnd(limit > 0))
}

// DoSync returns the bytes that end an extended query whose portal is suspended, or
// all that were sent since Hold. The event is Ready.
func (c *Client) DoSync() ([]byte, error) {
	allowed := StatePortalSuspended
	if c.hold.open {
		allowed = StateReady
	}
	if !c.hold.open || c.err != nil || !c.hold.over && !c.mayFollow() {
		if err := c.require("DoSync", allowed); err != nil {
			return nil, err
		}
	}
	out, err := c.begin(queued{cycle: cycleClose, state: StateSyncSent}, &messages.Sync{})
	if err == nil {
		c.hold.open = false
	}
	return out, err
}

// DoCloseStatement returns the bytes that close a prepared statement; one that
// does not exist is no error. Events are CloseComplete and Ready.
func (c *Client) DoCloseStatement(name string) ([]byte, error) {
	return c.doClose("DoCloseStatement", messages.TargetStatement, name)
}

// DoClosePortal returns the bytes that close a portal, such as a suspended one; one
// that does not exist is no error. Events are CloseComplete and Ready.
func (c *Client) DoClosePortal(name string) ([]byte, error) {
	return c.doClose("DoClosePortal", messages.TargetPortal, name)
}

func (c *Client) doClose(op string, target messages.Target, name string) ([]byte, error) {
	if err := c.requireTurn(op); err != nil && c.require(op, StatePortalSuspended) != nil {
		return nil, err
	}
	text, err := c.text().encode([]byte(name))
	if err != nil {
		return nil, err
	}
	q := queued{cycle: cycleClose, state: StateCloseSent}
	return c.begin(q, &messages.Close{Target: target, Name: text}, &messages.Sync{})
}

// gotSuspended stops at a portal's limit of rows.
func (c *Client) gotSuspended() (Event, error) {
	if !c.hold.held && c.conn.PendingSyncs() > 0 {
		return nil, c.broken(errUnlimited)
	}
	c.state = StatePortalSuspended
	e := &Suspended{&Portal{Name: c.portal, Columns: c.columns}}
	c.answered()
	return e, nil
}
