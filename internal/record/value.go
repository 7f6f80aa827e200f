package record

import (
	"unicode/utf8"

	"github.com/pgsniff/pgsniff/internal/value"
)

// FormatUnknown is the format of values of which not even the format is known: those of
// rows whose description was not captured.
const FormatUnknown int16 = -1

// ValueText returns a value of the wire as the text that PostgreSQL prints; ok is false
// if it can only be shown as bytes. The text is borrowed from v or from scratch, which is
// returned for reuse. The session is that of Zone.Of, nil for the defaults.
func ValueText(scratch, v []byte, oid uint32, format int16, s *value.Session) (text, newScratch []byte, ok bool) {
	if format == 0 {
		return v, scratch, utf8.Valid(v)
	}
	if format != FormatUnknown {
		if out, ok := value.Append(scratch[:0], oid, v, s); ok {
			return out, out, utf8.Valid(out)
		}
		if oid == 0 {
			return nil, scratch, false
		}
	}
	// An enum, a domain, a type of an extension, or anything.
	if out, ok := value.AppendUnknown(scratch[:0], v, s); ok {
		return out, out, utf8.Valid(out)
	}
	return nil, scratch, false
}

// Zone keeps what the values of a session need to know of its settings.
type Zone struct {
	name    string
	session *value.Session
}

// Of returns the settings of a client, nil for the defaults.
func (z *Zone) Of(who *Who) *value.Session { return z.Named(who.Formats) }

// Named is Of for settings that session.Info's Formats names.
func (z *Zone) Named(formats string) *value.Session {
	if formats != z.name {
		z.name, z.session = formats, value.SessionOf(formats)
	}
	return z.session
}
