package csvlog

import (
	"bytes"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// errorFields gathers the fields of an error as a record shows them. It copies them:
// what stands in place of a secret is borrowed until the next field.
type errorFields struct {
	messages.Visitor // nil: errors have texts alone
	severity         []byte
	state            []byte
	message          []byte
	detail           []byte
	hint             []byte
	position         []byte
	internal         []byte
	internalPosition []byte
	where            []byte
}

// Text takes a field by its name.
func (e *errorFields) Text(name string, v []byte) {
	v = bytes.Clone(v)
	switch name {
	case "severity":
		e.severity = v
	case "sqlstate":
		e.state = v
	case "message":
		e.message = v
	case "detail":
		e.detail = v
	case "hint":
		e.hint = v
	case "position":
		e.position = v
	case "internal_query":
		e.internal = v
	case "internal_position":
		e.internalPosition = v
	case "where":
		e.where = v
	}
}

// Pairs passes over fields that the log has no column for.
func (e *errorFields) Pairs(string, []messages.Pair) {}

// SecretText takes what a record has put in place of a secret.
func (e *errorFields) SecretText(name string, v []byte) { e.Text(name, v) }

func (e *errorFields) fill(r *row) {
	r.severity, r.state = word(e.severity), word(e.state)
	r.message, r.detail, r.hint = e.message, e.detail, e.hint
	r.internal, r.internalPos, r.context, r.queryPos = e.internal, e.internalPosition, e.where, e.position
}

// word returns what stands in the log without quotes: letters and digits alone.
func word(v []byte) []byte {
	for _, b := range v {
		if b < '0' || b > 'z' || b > '9' && b < 'A' || b > 'Z' && b < 'a' {
			return nil
		}
	}
	return v
}
