// Package redact decides what of a conversation is a secret, beyond the texts of
// commands, which internal/sqlnorm takes apart: replies, parameters, columns, values
// and settings. It formats nothing; what shows records asks it once, on the way in.
package redact

import (
	"bytes"
	"fmt"

	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Level is how much is hidden.
type Level uint8

const (
	// Secrets hides what is known to be one, or may be. It is the default.
	Secrets Level = iota
	// None hides nothing.
	None
	// All hides every value and constant, so that an output can be given away.
	All
)

// Mark stands where something was hidden.
const Mark = "<redacted>"

// ParseLevel returns the level of a name.
func ParseLevel(name string) (Level, error) {
	switch name {
	case "secrets":
		return Secrets, nil
	case "none":
		return None, nil
	case "all":
		return All, nil
	}
	return 0, fmt.Errorf("must be all, secrets or none, not %q", name)
}

// Cycle is what is known of the request that a message belongs to: a text of SQL,
// or none. The zero value is that of no text.
type Cycle struct {
	sqlnorm.Secrecy
}

// SQL appends a command's text to dst as the level wants it. cut says that the text
// goes on beyond what is there.
func (l Level) SQL(dst, sql []byte, cut bool) ([]byte, Cycle) {
	switch l {
	case None:
		return append(dst, sql...), Cycle{}
	case All:
		_, found := sqlnorm.RedactText(nil, sql, cut)
		return sqlnorm.RedactAll(dst, sql), Cycle{found}
	}
	out, found := sqlnorm.RedactText(dst, sql, cut)
	return out, Cycle{found}
}

// Parameters tells whether all that is bound to the request's parameters is hidden.
func (c Cycle) Parameters() bool { return c.Secrecy&sqlnorm.Takes != 0 }

// Data tells whether all that the request copies is hidden.
func (c Cycle) Data() bool { return c.Secrecy&(sqlnorm.Takes|sqlnorm.Reads) != 0 }

// ReplyField tells whether a field of an error or a notice may repeat what was
// sent, a part of it or what it led to. The others are names and places.
func ReplyField(fieldType byte) bool {
	switch fieldType {
	case messages.FieldMessage, messages.FieldDetail, messages.FieldHint, messages.FieldInternalQuery, messages.FieldWhere:
		return true
	case messages.FieldSeverity, messages.FieldSeverityLocalized, messages.FieldSQLState, messages.FieldPosition,
		messages.FieldInternalPosition, messages.FieldSchema, messages.FieldTable, messages.FieldColumn,
		messages.FieldDataType, messages.FieldConstraint, messages.FieldFile, messages.FieldLine, messages.FieldRoutine:
		return false
	}
	return true
}

// Reply tells whether the fields of an error or a notice that [ReplyField] names are
// hidden: if the request had something to hide, or dealt with data that is secret and
// they may repeat that; or if one of them names a secret or has one.
func (c Cycle) Reply(fields *messages.ErrorFields) bool {
	if c.Repeats() || c.deals() && repeatsData(fields) {
		return true
	}
	for i := range fields.Fields {
		if f := &fields.Fields[i]; ReplyField(f.Type) && namesInReply(f.Type, f.Value) {
			return true
		}
	}
	return false
}

// deals tells whether the request reads or writes secrets, or computes something of
// them, though it has none itself.
func (c Cycle) deals() bool {
	return c.Secrecy&(sqlnorm.Takes|sqlnorm.Reads|sqlnorm.Names) != 0
}

// repeatsData tells whether an error or a notice is of a class whose texts repeat data,
// and not only the request's words or the server's state (manual: "PostgreSQL Error
// Codes").
func repeatsData(fields *messages.ErrorFields) bool {
	for i := range fields.Fields {
		if f := &fields.Fields[i]; f.Type == messages.FieldSQLState && len(f.Value) >= 2 {
			switch string(f.Value[:2]) {
			case "08", "0A", "25", "26", "28", "34", "3D", "40", "42", "53", "55", "57":
				return false
			}
		}
	}
	return true
}

// Column tells whether the values of a result's column are hidden: those of columns
// that hold credentials, by where they come from or by name, and in a cycle that
// had something to hide what was computed.
func (c Cycle) Column(d *messages.ColumnDescription) bool {
	if credentialColumn(d) || credentialName(d.Name) || sqlnorm.NamesSecret(d.Name) && !(plainType(d.TypeOID) && sqlnorm.EndsInKey(d.Name)) {
		return true
	}
	return c.Repeats() && d.TableOID == 0 && !plainType(d.TypeOID)
}

// ColumnName tells whether the name of a column is hidden: it is text of the
// request.
func (c Cycle) ColumnName(name []byte) bool { return bytes.ContainsAny(name, "=:/@") && Value(name) }

const (
	scramPrefix = "SCRAM-SHA-256$"
	md5Prefix   = "md5"
	md5Digits   = 32
)

// Value tells whether a value is one that holds a secret, whatever it is of: a
// connection string or a document with one, a URL with a password, the hash of one.
func Value(v []byte) bool {
	if len(v) < shortestValue {
		return false
	}
	if !sqlnorm.MayGiveValue(v) {
		return plainSecret(v)
	}
	return mayHoldHash(v) && hash(v) || sqlnorm.HoldsSecret(v) || sqlnorm.MayBeToken(v[0]) && sqlnorm.IsToken(v) || v[0] == 0 && hstoreSecret(v)
}

// shortestValue is the length in bytes of the shortest value that holds a secret:
// pwd=x.
const shortestValue = 5

// plainSecret is Value for a value that gives nothing a value: a key, a token, a hash, or
// what is written in hexadecimal digits.
func plainSecret(v []byte) bool {
	if formLetters[v[0]] && hasForm(v) {
		return true
	}
	return len(v) >= len(md5Prefix)+md5Digits && bytes.IndexByte(v, md5Prefix[0]) >= 0 && hash(v)
}

// mayHoldValue tells whether something in b, a message with values, could be a value
// that [Value] hides. It is quick, and true for some that are none.
func mayHoldValue(b []byte) bool {
	if sqlnorm.MayGiveValue(b) {
		return true
	}
	// A letter that few have is looked for first; without a dollar sign, which MayGiveValue
	// looks for, there is no hash but that of md5.
	return len(b) >= len(md5Prefix)+md5Digits && bytes.IndexByte(b, 'm') >= 0 ||
		bytes.IndexByte(b, 'B') >= 0 && bytes.Contains(b, []byte("-----BEGIN")) ||
		bytes.IndexByte(b, 'J') >= 0 && bytes.Contains(b, []byte("eyJ"))
}

// mayHoldHash tells whether a text is long enough for the hash of a password, and has
// one of the letters.
func mayHoldHash(v []byte) bool {
	return len(v) >= len(md5Prefix)+md5Digits && (bytes.IndexByte(v, 'm') >= 0 || bytes.IndexByte(v, '$') >= 0)
}

// Code is Value for what may be a statement, or a part of one, with a secret.
func Code(v []byte) bool {
	switch {
	case len(v) < shortestValue: // as is no statement with a secret
		return false
	case !sqlnorm.MayGiveValue(v):
		return plainSecret(v) || sqlnorm.CommandWithSecret(v) || v[0] == '{' && namedPair(v)
	}
	return mayHoldHash(v) && hash(v) || sqlnorm.HoldsSecret(v) || sqlnorm.CodeWithSecret(v) || namedPair(v) || settingsHold(v) || sqlnorm.IsToken(v) || hexSecret(v)
}

// settingsHold tells whether a value is a list of settings, name=value, one of which is no
// setting of the server's own and holds a secret.
func settingsHold(v []byte) bool {
	const most = 4096
	dot := bytes.IndexByte(v, '.')
	if n := bytes.IndexByte(v, '='); dot < 0 || dot > n {
		return false
	}
	for rest := v[:min(len(v), most)]; len(rest) > 0; {
		n := bytes.IndexAny(rest, "\n,")
		item := rest
		if n >= 0 {
			item, rest = rest[:n], rest[n+1:]
		} else {
			rest = nil
		}
		name, _, ok := bytes.Cut(bytes.TrimLeft(item, ` {"`), []byte("="))
		if ok && bytes.IndexByte(name, '.') > 0 && secretName(name) {
			return true
		}
	}
	return false
}

// hash tells whether a value holds the hash of a password as PostgreSQL keeps it.
func hash(v []byte) bool {
	if bytes.Contains(v, []byte(scramPrefix)) {
		return true
	}
	for {
		i := bytes.Index(v, []byte(md5Prefix))
		if i < 0 || len(v)-i < len(md5Prefix)+md5Digits {
			return false
		}
		digits := v[i+len(md5Prefix):]
		alone := len(digits) == md5Digits || !isHex(digits[md5Digits:md5Digits+1])
		if alone && isHex(digits[:md5Digits]) {
			return true
		}
		v = digits
	}
}

func isHex(b []byte) bool {
	for _, c := range b {
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
			return false
		}
	}
	return true
}
