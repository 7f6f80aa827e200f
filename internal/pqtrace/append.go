package pqtrace

import (
	"encoding/binary"
	"strconv"
	"time"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Line is one message. Its memory is not kept.
type Line struct {
	Time      int64 // nanoseconds since the Unix epoch
	Direction messages.Direction
	Kind      messages.Kind
	Tag       byte // 0 where the message has no type byte
	Len       int  // bytes of the whole message on the wire
	// Body is what follows the length field, or the byte of a one-byte reply; it may
	// be cut.
	Body []byte
}

// Options say how lines look.
type Options struct {
	// NoTimestamps leaves the time and its tab out (PQTRACE_SUPPRESS_TIMESTAMPS).
	NoTimestamps bool
	// Regress puts marks in place of what differs from run to run, as PostgreSQL's
	// own tests have it (PQTRACE_REGRESS_MODE).
	Regress bool
	// Secrets shows passwords, proofs and keys; they are "<redacted>" otherwise.
	Secrets bool
	// Redact, if not nil, returns what is shown in place of a text or value of a
	// message that is not secret as such: SQL with a password in it.
	Redact func(k messages.Kind, field []byte) []byte
	// Escape writes control characters and bytes that are not UTF-8 of strings as
	// \xNN, for a terminal; libpq writes them as they are.
	Escape bool
	// Location is that of the times; nil is UTC.
	Location *time.Location
}

const timeFormat = "2006-01-02 15:04:05.000000"

const redacted = "<redacted>"

// Append appends the line of a message, with the line feed, to dst. A second line
// follows where libpq would say that the fields do not make up the length.
func Append(dst []byte, l *Line, o *Options) []byte {
	if !o.NoTimestamps {
		at := time.Unix(0, l.Time)
		if o.Location == nil {
			at = at.UTC()
		} else {
			at = at.In(o.Location)
		}
		dst = append(at.AppendFormat(dst, timeFormat), '\t')
	}
	w := writer{dst: dst, body: l.Body, kind: l.Kind, o: o, hide: !o.Secrets && secret(l.Kind)}
	w.head(l)
	w.fields(layouts[l.Kind])
	w.dst = append(w.dst, '\n')
	w.mismatch(l)
	return w.dst
}

// writer appends the fields of one message. It stops where the body ends.
type writer struct {
	dst   []byte
	body  []byte
	at    int
	short bool // a field was not whole
	kind  messages.Kind
	o     *Options
	hide  bool
}

// lengthOf is what libpq takes for the length of a message: the value of the length
// field, 1 for a reply that has none.
func lengthOf(l *Line) int {
	if l.Tag != 0 {
		return l.Len - 1
	}
	return l.Len
}

func (w *writer) head(l *Line) {
	w.dst = append(w.dst, "FB"[l.Direction], '\t')
	if w.o.Regress && environmental(l.Kind) {
		w.dst = append(w.dst, "NN"...)
	} else {
		w.dst = strconv.AppendInt(w.dst, int64(lengthOf(l)), 10)
	}
	w.dst = append(w.dst, '\t')
	w.dst = append(w.dst, nameOf(l)...)
	if hasCode(l.Kind) {
		w.at = min(authenticationCode, len(w.body))
	}
	if layouts[l.Kind] != "" {
		w.dst = append(w.dst, '\t')
	}
}

// environmental tells that the length depends on where the server runs.
func environmental(k messages.Kind) bool {
	return k == messages.KindErrorResponse || k == messages.KindNoticeResponse ||
		k == messages.KindParameterStatus || k == messages.KindStartupMessage
}

func nameOf(l *Line) string {
	switch {
	case !foreign(l.Kind):
		return l.Kind.String()
	case l.Tag == 0:
		return "Unknown message"
	case l.Tag == 'R' && l.Direction == messages.Backend && len(l.Body) >= authenticationCode:
		return "Unknown authentication message " + strconv.Itoa(int(int32(binary.BigEndian.Uint32(l.Body))))
	}
	const digits = "0123456789abcdef"
	return "Unknown message: " + string([]byte{digits[l.Tag>>4], digits[l.Tag&15]})
}

// foreign tells that libpq has no name for the kind.
func foreign(k messages.Kind) bool {
	switch k {
	case messages.KindUnknown, messages.KindErrorResponseV2, messages.KindStartupMessageV2, messages.KindAuthenticationKerberosV5:
		return true
	}
	return false
}

// mismatch says what libpq says where the fields do not make up the length. It says
// that of no message without a type byte.
func (w *writer) mismatch(l *Line) {
	const lengthField = 4
	if l.Tag == 0 || w.short || len(w.body) != lengthOf(l)-lengthField {
		return // cut by the capture: nothing can be said of its length
	}
	consumed := w.at
	if l.Kind == messages.KindUnknown {
		consumed = 0
		if l.Tag == 'R' && l.Direction == messages.Backend {
			consumed = min(authenticationCode, len(w.body))
		}
	}
	if consumed == len(w.body) {
		return
	}
	w.dst = append(w.dst, "mismatched message length: consumed "...)
	w.dst = strconv.AppendInt(w.dst, int64(consumed+lengthField), 10)
	w.dst = append(w.dst, ", expected "...)
	w.dst = strconv.AppendInt(w.dst, int64(lengthOf(l)), 10)
	w.dst = append(w.dst, '\n')
}
