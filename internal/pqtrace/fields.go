package pqtrace

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// fields appends the fields of a layout.
func (w *writer) fields(layout string) {
	for i := 0; i < len(layout) && !w.short; i++ {
		if layout[i] != '*' && layout[i] != '+' {
			w.field(layout[i])
			continue
		}
		count := w.count(layout[i])
		group := layout[i+1 : i+2]
		if group == "(" {
			end := i + strings.IndexByte(layout[i:], ')')
			group, i = layout[i+2:end], end
		} else {
			i++
		}
		// Each round takes a byte at least or ends in short, so a count that the body
		// cannot hold costs nothing.
		for ; count > 0 && !w.short; count-- {
			w.fields(group)
		}
	}
}

func (w *writer) count(field byte) int {
	if field == '+' {
		return int(int32(w.number(4)))
	}
	return int(w.number(2))
}

func (w *writer) field(f byte) {
	switch f {
	case '2':
		w.number(2)
	case '4':
		w.number(4)
	case 'n':
		w.varying()
	case 'c':
		if b := w.take(1); !w.short {
			w.byte(b[0])
		}
	case 's':
		w.string(false)
	case 'e':
		w.string(w.o.Regress)
	case 'v':
		w.value()
	case 'x':
		w.counted(w.rest(), w.o.Regress)
	case 'r':
		w.counted(w.rest(), false)
	case 'p', 'l':
		w.list(f == 'p')
	case 'f':
		w.errorFields()
	}
}

// take returns the next n bytes of the body.
func (w *writer) take(n int) []byte {
	if n < 0 || n > len(w.body)-w.at {
		w.short = true
		return nil
	}
	w.at += n
	return w.body[w.at-n : w.at]
}

func (w *writer) rest() []byte { return w.take(len(w.body) - w.at) }

// number appends a number of 2 or 4 bytes and returns it.
func (w *writer) number(size int) uint32 {
	b := w.take(size)
	if w.short {
		return 0
	}
	w.dst = append(w.dst, ' ')
	if size == 2 {
		v := binary.BigEndian.Uint16(b)
		w.dst = strconv.AppendUint(w.dst, uint64(v), 10)
		return uint32(v)
	}
	v := binary.BigEndian.Uint32(b)
	w.dst = strconv.AppendInt(w.dst, int64(int32(v)), 10)
	return v
}

// varying appends a number that differs from run to run.
func (w *writer) varying() {
	if !w.o.Regress {
		w.number(4)
	} else if w.take(4); !w.short {
		w.dst = append(w.dst, " NNNN"...)
	}
}

func (w *writer) byte(b byte) {
	w.dst = append(w.dst, ' ')
	if printable(b) {
		w.dst = append(w.dst, b)
	} else {
		w.dst = appendEscaped(w.dst, b)
	}
}

// text takes a string off the body, without its NUL.
func (w *writer) text() []byte {
	n := bytes.IndexByte(w.body[w.at:], 0)
	if n < 0 {
		s := w.rest()
		w.short = true
		return s
	}
	return w.take(n + 1)[:n]
}

func (w *writer) string(mark bool) {
	s := w.text()
	if mark {
		w.dst = append(w.dst, ` "SSSS"`...)
		return
	}
	w.dst = append(w.dst, ` "`...)
	if s = w.shown(s); w.o.Escape {
		w.dst = appendSafe(w.dst, s)
	} else {
		w.dst = append(w.dst, s...)
	}
	w.dst = append(w.dst, '"')
}

// shown returns what is shown of a text or value.
func (w *writer) shown(b []byte) []byte {
	// The mechanism stands before what proves; it is the only field that is shown of
	// such a message.
	if w.hide && !(w.kind == messages.KindSASLInitialResponse && w.at == len(b)+1) {
		return []byte(redacted)
	}
	if w.o.Redact != nil && b != nil {
		return w.o.Redact(w.kind, b)
	}
	return b
}

// value appends a value with its length, which is -1 for NULL.
func (w *writer) value() {
	n := int32(w.number(4))
	if w.short || n == -1 {
		return
	}
	// libpq has no message whose value goes beyond its end; a capture may.
	end := min(int(n), len(w.body)-w.at)
	w.counted(w.take(end), w.kind == messages.KindSASLInitialResponse && w.o.Regress)
	w.short = w.short || end < int(n)
}

func (w *writer) counted(b []byte, mark bool) {
	if mark {
		w.dst = append(w.dst, " 'BBBB'"...)
		return
	}
	w.dst = append(w.dst, " '"...)
	for _, c := range w.shown(b) {
		if printable(c) {
			w.dst = append(w.dst, c)
		} else {
			w.dst = appendEscaped(w.dst, c)
		}
	}
	w.dst = append(w.dst, '\'')
}

// list appends names and values, or strings alone, up to the empty string that ends
// them. libpq shows that string where strings stand alone.
func (w *writer) list(pairs bool) {
	for !w.short && w.at < len(w.body) && w.body[w.at] != 0 {
		w.string(false)
		if pairs && !w.short {
			w.string(w.o.Regress)
		}
	}
	if !pairs && !w.short {
		w.string(false)
	} else if !w.short {
		w.take(1)
	}
}

// errorFields appends the fields of an error, with the NUL that ends them.
func (w *writer) errorFields() {
	for !w.short {
		b := w.take(1)
		if w.short {
			return
		}
		w.byte(b[0])
		if b[0] == 0 {
			return
		}
		w.string(w.o.Regress && (b[0] == messages.FieldFile || b[0] == messages.FieldLine || b[0] == messages.FieldRoutine))
	}
}

// printable is what isprint says in the locale C.
func printable(b byte) bool { return b >= ' ' && b <= '~' }

func appendEscaped(dst []byte, b byte) []byte {
	const digits = "0123456789abcdef"
	return append(dst, '\\', 'x', digits[b>>4], digits[b&15])
}

// appendSafe appends text of which nothing steers a terminal.
func appendSafe(dst, s []byte) []byte {
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		if r == utf8.RuneError && n == 1 || !unicode.IsPrint(r) {
			for _, b := range s[:n] {
				dst = appendEscaped(dst, b)
			}
		} else {
			dst = append(dst, s[:n]...)
		}
		s = s[n:]
	}
	return dst
}
