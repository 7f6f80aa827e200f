package timeline

import (
	"strconv"

	"github.com/pgsniff/pgsniff/internal/jsontext"
)

// event is one trace event on its way into JSON.
type event struct {
	buf  []byte
	open bool // the arguments are

	tid   int // where the track's number stands
	track uint64
}

// begin begins an event: its phase, name, time in nanoseconds since the start, and the
// group and track that it belongs to.
func (e *event) begin(phase byte, name string, at int64, pid int, tid uint64) *event {
	e.open = false
	e.buf = append(append(e.buf[:0], `{"ph":"`...), phase)
	e.buf = append(appendText(append(e.buf, `","name":`...), name), `,"ts":`...)
	e.buf = appendMicros(e.buf, at)
	e.buf = strconv.AppendInt(append(e.buf, `,"pid":`...), int64(pid), 10)
	e.tid = len(e.buf) + len(`,"tid":`)
	e.track = tid
	e.buf = strconv.AppendUint(append(e.buf, `,"tid":`...), tid, 10)
	return e
}

// lane moves the event to a further lane of its track; nothing was added yet.
func (e *event) lane(n int) { e.buf = strconv.AppendUint(e.buf[:e.tid], e.track+uint64(n), 10) }

func (e *event) duration(ns int64) {
	e.key("dur")
	e.buf = appendMicros(e.buf, ns)
}

// args begins the arguments; members follow.
func (e *event) args() *event {
	e.buf = append(e.buf, `,"args":{`...)
	e.open = true
	return e
}

// end ends the event and returns it, borrowed until the next one begins.
func (e *event) end() []byte {
	if e.open {
		e.buf = append(e.buf, '}')
	}
	e.buf = append(e.buf, '}')
	return e.buf
}

func (e *event) key(name string) {
	if last := e.buf[len(e.buf)-1]; last != '{' {
		e.buf = append(e.buf, ',')
	}
	e.buf = append(append(append(e.buf, '"'), name...), `":`...)
}

func (e *event) string(name, v string) {
	e.key(name)
	e.buf = appendText(e.buf, v)
}

func (e *event) text(name string, v []byte) {
	if len(v) > 0 {
		e.key(name)
		e.buf = appendText(e.buf, v)
	}
}

func (e *event) int(name string, v int64) {
	e.key(name)
	e.buf = strconv.AppendInt(e.buf, v, 10)
}

func (e *event) bool(name string, v bool) {
	e.key(name)
	e.buf = strconv.AppendBool(e.buf, v)
}

// appendMicros appends nanoseconds as microseconds, with what is left of them.
func appendMicros(dst []byte, ns int64) []byte {
	if ns < 0 {
		dst, ns = append(dst, '-'), -ns
	}
	dst = strconv.AppendInt(dst, ns/1000, 10)
	if ns %= 1000; ns > 0 {
		dst = append(dst, '.', byte('0'+ns/100), byte('0'+ns/10%10), byte('0'+ns%10))
	}
	return dst
}

// maxText is where texts are cut: viewers show a line or two.
const maxText = 4096

// appendText appends a JSON string, cut where it is long.
func appendText[T ~string | ~[]byte](dst []byte, v T) []byte {
	if len(v) <= maxText {
		return jsontext.Append(dst, v)
	}
	dst = jsontext.Append(dst, v[:maxText])
	return append(dst[:len(dst)-1], `…"`...)
}
