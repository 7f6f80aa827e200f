package render

import (
	"unicode/utf8"

	"github.com/pgsniff/pgsniff/internal/value"
)

// text turns a value of the wire into the text that PostgreSQL would print; ok
// is false if it can only be shown as bytes. Text is borrowed from v or from
// scratch, which is returned for reuse.
func text(scratch, v []byte, oid uint32, format int16, z *value.Session) (text, newScratch []byte, ok bool) {
	if format == 0 {
		return v, scratch, utf8.Valid(v)
	}
	if out, ok := value.Append(scratch[:0], oid, v, z); ok {
		return out, out, utf8.Valid(out)
	}
	if oid != 0 {
		// An enum, a domain or a type of an extension.
		if out, ok := value.AppendUnknown(scratch[:0], v, z); ok {
			return out, out, true
		}
	}
	return nil, scratch, false
}

// formatOf is the format code of value i of a list: none means text, one is for all.
func formatOf(formats []int16, i int) int16 {
	switch {
	case len(formats) == 1:
		return formats[0]
	case i < len(formats):
		return formats[i]
	}
	return 0
}

// zone keeps what values of a connection need to know of its settings.
type zone struct {
	name    string
	session *value.Session
}

// of returns the settings of a connection, nil for the defaults.
func (z *zone) of(name string) *value.Session {
	if name != z.name {
		z.name, z.session = name, value.SessionOf(name)
	}
	return z.session
}
