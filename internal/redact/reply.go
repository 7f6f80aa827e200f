package redact

import (
	"bytes"

	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// knownReplies are the beginnings of servers' texts that name a secret and do not
// tell it. Users need those about logins most.
var knownReplies = [...]string{
	"password authentication failed for user ", "no password ", "empty password returned", "password is required",
	"password must ", "password cannot ", "password does not ", "password hash too long", "password encryption failed",
	"setting an MD5-encrypted password", "MD5 password", "md5 password", "no such password", "Valid options in this context are: ",
	"There are no valid options in this context", "unrecognized configuration parameter ", "invalid option \"password\"",
	"SCRAM authentication ", "expected password response", "client selected an invalid SASL", "malformed SCRAM message",
	"server login failed: ", "SASL authentication failed", "no such user", "auth_query ",
}

// connectionTexts are what libpq says of connection strings, parts of which follow
// or stand before.
var connectionTexts = [...]string{
	"connection info string", "URI", "percent-encoded", "connection option", "connection string", "key/value separator",
}

// namesInReply tells whether a text names a secret that it may repeat.
func namesInReply(fieldType byte, text []byte) bool {
	if Value(text) {
		return true
	}
	if bytes.HasPrefix(text, []byte(`program "`)) {
		return true // the command of a COPY
	}
	code := fieldType == messages.FieldInternalQuery || fieldType == messages.FieldWhere
	if !code {
		for _, known := range knownReplies {
			if bytes.HasPrefix(text, []byte(known)) {
				return false
			}
		}
		for _, s := range connectionTexts {
			if bytes.Contains(text, []byte(s)) {
				return true
			}
		}
	}
	return sqlnorm.MentionsSecret(text)
}

// fieldNames tells whether a field of an error or a notice is the name of an object.
func fieldNames(fieldType byte) bool {
	switch fieldType {
	case messages.FieldSchema, messages.FieldTable, messages.FieldColumn, messages.FieldDataType, messages.FieldConstraint:
		return true
	}
	return false
}

// namesWithSecret tells whether one of those holds a secret: what is quoted may be called
// anything.
func namesWithSecret(fields *messages.ErrorFields) bool {
	for i := range fields.Fields {
		if f := &fields.Fields[i]; fieldNames(f.Type) && Value(f.Value) {
			return true
		}
	}
	return false
}

// raisedByCode tells whether PL/pgSQL's RAISE made an error or a notice, which may put
// anything into any field (src/pl/plpgsql/src/pl_exec.c).
func raisedByCode(fields *messages.ErrorFields) bool {
	for i := range fields.Fields {
		if f := &fields.Fields[i]; f.Type == messages.FieldRoutine {
			return string(f.Value) == "exec_stmt_raise"
		}
	}
	return false
}
