package otlp

import (
	"math"
	"strconv"

	"github.com/pgsniff/pgsniff/internal/jsontext"
)

// object appends the members of JSON objects. OTLP's JSON has 64-bit numbers as
// strings and enumerations as numbers.
type object struct {
	buf   []byte
	comma bool
}

func (o *object) key(name string) {
	if o.comma {
		o.buf = append(o.buf, ',')
	}
	o.comma = true
	o.buf = append(append(append(o.buf, '"'), name...), '"', ':')
}

// open begins an object or a list; close ends it.
func (o *object) open(b byte)  { o.buf, o.comma = append(o.buf, b), false }
func (o *object) close(b byte) { o.buf, o.comma = append(o.buf, b), true }

// element begins the next element of a list.
func (o *object) element(b byte) {
	if o.comma {
		o.buf = append(o.buf, ',')
	}
	o.open(b)
}

func (o *object) member(name string, b byte) {
	o.key(name)
	o.open(b)
}

func (o *object) text(name string, v []byte) {
	o.key(name)
	o.buf = jsontext.Append(o.buf, v)
}

func (o *object) string(name, v string) {
	o.key(name)
	o.buf = jsontext.Append(o.buf, v)
}

// long writes a 64-bit number, which is a string.
func (o *object) long(name string, v int64) {
	o.key(name)
	o.buf = append(strconv.AppendInt(append(o.buf, '"'), v, 10), '"')
}

func (o *object) unsigned(name string, v uint64) {
	o.key(name)
	o.buf = append(strconv.AppendUint(append(o.buf, '"'), v, 10), '"')
}

func (o *object) number(name string, v int) {
	o.key(name)
	o.buf = strconv.AppendInt(o.buf, int64(v), 10)
}

func (o *object) double(name string, v float64) {
	o.key(name)
	o.buf = appendDouble(o.buf, v)
}

func (o *object) bool(name string, v bool) {
	o.key(name)
	o.buf = strconv.AppendBool(o.buf, v)
}

func (o *object) hex(name string, v []byte) {
	const digits = "0123456789abcdef"
	o.key(name)
	o.buf = append(o.buf, '"')
	for _, b := range v {
		o.buf = append(o.buf, digits[b>>4], digits[b&15])
	}
	o.buf = append(o.buf, '"')
}

// appendDouble appends a number; JSON has none for what is not finite, OTLP has
// strings for those.
func appendDouble(dst []byte, v float64) []byte {
	switch {
	case math.IsNaN(v):
		return append(dst, `"NaN"`...)
	case math.IsInf(v, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(v, -1):
		return append(dst, `"-Infinity"`...)
	}
	return strconv.AppendFloat(dst, v, 'g', -1, 64)
}

// attributes appends the list of a span's or point's attributes.
type attributes struct{ *object }

func (a attributes) begin(key string) {
	a.element('{')
	a.object.string("key", key)
	a.member("value", '{')
}

func (a attributes) end() {
	a.close('}')
	a.close('}')
}

func (a attributes) string(key, v string) {
	if v == "" {
		return
	}
	a.begin(key)
	a.object.string("stringValue", v)
	a.end()
}

func (a attributes) text(key string, v []byte) {
	if len(v) == 0 {
		return
	}
	a.begin(key)
	a.object.text("stringValue", v)
	a.end()
}

func (a attributes) int(key string, v int64) {
	a.begin(key)
	a.long("intValue", v)
	a.end()
}
