package client

import (
	"fmt"
	"strconv"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Diagnostic is the fields of an error or notice (manual: "Error and Notice
// Message Fields"). Those that were not sent are empty.
type Diagnostic struct {
	Severity         string // not translated: ERROR, FATAL, PANIC, WARNING, NOTICE, DEBUG, INFO or LOG
	SQLState         string // five characters (manual: "PostgreSQL Error Codes")
	Message          string
	Detail           string
	Hint             string
	Position         int // in the query, in characters from 1
	InternalPosition int
	InternalQuery    string
	Where            string
	Schema           string
	Table            string
	Column           string
	DataType         string
	Constraint       string
	File             string // of the server's source, as Line and Routine
	Line             int
	Routine          string
}

// ServerError is an ErrorResponse. It is an event, and an error for programs that
// pass it on.
type ServerError struct {
	Diagnostic
	// Recoverable tells that only the request has failed and Ready follows.
	// Otherwise the connection is over.
	Recoverable bool
}

// Error returns severity, message and SQLSTATE.
func (e *ServerError) Error() string {
	return fmt.Sprintf("%s: %s (SQLSTATE %s)", e.Severity, e.Message, e.SQLState)
}

// Notice is a NoticeResponse: a warning or a remark. It may come at any time.
type Notice struct{ Diagnostic }

// diagnostic reads the fields of an error or notice.
func (c *Client) diagnostic(e *messages.ErrorFields) Diagnostic {
	text := func(field byte) string { return c.text().lossy(e.Get(field)) }
	number := func(field byte) int {
		n, _ := strconv.Atoi(string(e.Get(field))) // not a number: not known
		return n
	}
	return Diagnostic{
		Severity:         c.text().lossy(e.Severity()),
		SQLState:         text(messages.FieldSQLState),
		Message:          text(messages.FieldMessage),
		Detail:           text(messages.FieldDetail),
		Hint:             text(messages.FieldHint),
		Position:         number(messages.FieldPosition),
		InternalPosition: number(messages.FieldInternalPosition),
		InternalQuery:    text(messages.FieldInternalQuery),
		Where:            text(messages.FieldWhere),
		Schema:           text(messages.FieldSchema),
		Table:            text(messages.FieldTable),
		Column:           text(messages.FieldColumn),
		DataType:         text(messages.FieldDataType),
		Constraint:       text(messages.FieldConstraint),
		File:             text(messages.FieldFile),
		Line:             number(messages.FieldLine),
		Routine:          text(messages.FieldRoutine),
	}
}
