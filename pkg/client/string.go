package client

import (
	"fmt"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// String methods show what the server sent in one line of printable characters, as
// package messages does: secrets are not shown, and long values are cut.

func (e *ParameterStatus) String() string {
	return (&messages.ParameterStatus{Name: []byte(e.Name), Value: []byte(e.Value)}).String()
}

func (e *BackendKey) String() string {
	return (&messages.BackendKeyData{ProcessID: e.ProcessID, SecretKey: e.SecretKey}).String()
}

func (e *RowDescription) String() string {
	m := &messages.RowDescription{Fields: make([]messages.ColumnDescription, len(e.Columns))}
	for i, c := range e.Columns {
		m.Fields[i] = messages.ColumnDescription{
			Name: []byte(c.Name), TableOID: c.TableOID, Column: c.Attribute, TypeOID: c.TypeOID,
			TypeSize: c.TypeSize, TypeModifier: c.TypeModifier, Format: c.Format,
		}
	}
	return m.String()
}

// String shows the values as they came.
func (r *Row) String() string { return (&messages.DataRow{Values: r.cells}).String() }

func (e *CommandComplete) String() string {
	return (&messages.CommandComplete{Tag: []byte(e.Tag)}).String()
}

func (e *PreparedStatement) String() string {
	return fmt.Sprintf("PreparedStatement name=%q parameter_oids=%v columns=%d", e.Name, e.ParameterOIDs, len(e.Columns))
}

func (e *Suspended) String() string { return fmt.Sprintf("Suspended portal=%q", e.Portal.Name) }

func (e *CopyData) String() string { return (&messages.CopyData{Data: e.Data}).String() }

func (e *FunctionResult) String() string {
	return (&messages.FunctionCallResponse{Result: e.Value}).String()
}

func (e *Notification) String() string {
	return (&messages.NotificationResponse{ProcessID: e.ProcessID, Channel: []byte(e.Channel), Payload: []byte(e.Payload)}).String()
}
