package render

import (
	"strconv"

	"github.com/pgsniff/pgsniff/internal/record"
)

// Record writes a record that a view has derived from others.
func (j *JSON) Record(r record.Record) { j.derived(r) }

func (j *JSON) memory() int { return j.opt.Slot }

func (j *JSON) derived(r record.Record) {
	b := append(j.out.buf, `{"type":"`...)
	b = append(b, r.Schema().Name...)
	b = append(b, '"')
	if at := r.Place(); at.Time != 0 {
		b = append(b, `,"ts":"`...)
		b = j.clock.appendTime(b, at.Time)
		b = append(b, '"')
	}
	v := j.visitor()
	v.buf, v.comma, v.cuts = b, true, v.cuts[:0]
	v.zone = nil
	if c, ok := r.(*record.Change); ok {
		v.zone = j.zone.of(c.Who.Formats)
	}
	if c := r.Of(); c != nil {
		v.Uint(record.CommonConn, c.ID)
		v.String(record.CommonClient, c.Client)
		v.String(record.CommonServer, c.Server)
	}
	r.Visit(v)
	if len(v.cuts) > 0 {
		v.body.Bool("truncated", true)
		v.buf = j.appendCuts(v.buf)
	}
	j.out.buf = append(v.buf, '}', '\n')
	j.out.wrote()
}

// fieldWriter writes the fields of a record as members of a JSON object.
type fieldWriter struct {
	*body
	clock *clock
	open  []closing
	name  []byte // the key that comes next, in a map
}

// closing is what ends an object, a map or a list.
type closing struct {
	bracket byte
	keys    map[string]int // of a map, how often each was used
}

func (w *fieldWriter) key(f *record.Field) {
	if w.comma {
		w.buf = append(w.buf, ',')
	}
	w.comma = true
	switch {
	case f != nil:
		w.buf = append(w.buf, f.Key()...)
	case w.name != nil:
		w.mapKey()
	}
}

// mapKey writes a key that the capture chose. Of keys that come again, or that look
// the same once they are UTF-8, the first stands and the others get a number.
func (w *fieldWriter) mapKey() {
	keys := w.open[len(w.open)-1].keys
	at := len(w.buf)
	w.buf = appendQuoted(w.buf, w.name)
	w.name = nil
	if keys == nil {
		w.buf = append(w.buf, ':') // of a row
		return
	}
	key := string(w.buf[at:])
	if n, taken := keys[key]; taken {
		end := len(w.buf) - 1
		numbered := ""
		for taken {
			n++
			w.buf = append(appendUint(append(w.buf[:end], '#'), uint64(n)), '"')
			numbered = string(w.buf[at:])
			_, taken = keys[numbered]
		}
		keys[key], key = n, numbered
	}
	keys[key] = 1
	w.buf = append(w.buf, ':')
}

// nameOf is a field's name for the list of cuts.
func nameOf(f *record.Field) string {
	if f == nil {
		return ""
	}
	return f.Name
}

func (w *fieldWriter) Bool(f *record.Field, v bool) {
	w.key(f)
	if v {
		w.buf = append(w.buf, "true"...)
	} else {
		w.buf = append(w.buf, "false"...)
	}
}

func (w *fieldWriter) Int(f *record.Field, v int64) {
	w.key(f)
	w.buf = appendNumber(w.buf, "", v)
}

func (w *fieldWriter) Uint(f *record.Field, v uint64) {
	w.key(f)
	w.buf = appendUint(w.buf, v)
}

// Fraction writes a number that is not whole.
func (w *fieldWriter) Fraction(f *record.Field, v float64) {
	w.key(f)
	w.buf = strconv.AppendFloat(w.buf, v, 'f', -1, 64)
}

func (w *fieldWriter) Text(f *record.Field, v []byte) {
	w.key(f)
	if len(v) > longestName {
		v = w.limit(nameOf(f), -1, v)
	}
	w.buf = appendQuoted(w.buf, v)
}

// longestName is NAMEDATALEN: names, words and positions are not cut, what is longer
// is a text.
const longestName = 64

func (w *fieldWriter) String(f *record.Field, v string) { w.Text(f, []byte(v)) }

func (w *fieldWriter) Time(f *record.Field, ns int64) {
	w.key(f)
	w.buf = append(w.buf, '"')
	w.buf = append(w.clock.appendTime(w.buf, ns), '"')
}

func (w *fieldWriter) Data(f *record.Field, v []byte) {
	w.key(f)
	at := len(w.buf)
	var valid bool
	if w.buf, valid = appendText(w.buf, v); valid && (w.max == 0 || len(v) <= w.max) {
		return
	}
	w.buf = w.buf[:at]
	if valid {
		w.buf = appendQuoted(w.buf, w.limit(nameOf(f), -1, v))
		return
	}
	w.hexObject(w.limitBytes(nameOf(f), -1, v))
}

func (w *fieldWriter) Value(f *record.Field, v []byte, oid uint32, format int16) {
	w.key(f)
	w.unknown = false
	w.value(nameOf(f), -1, v, oid, format)
}

func (w *fieldWriter) Open(f *record.Field) {
	w.key(f)
	c := closing{bracket: '}'}
	switch {
	case f == nil || f.Type == record.TypeObject || f.Type == record.TypeRow:
		w.buf = append(w.buf, '{')
	case f.Type == record.TypeMap:
		w.buf = append(w.buf, '{')
		c.keys = make(map[string]int)
	default:
		w.buf = append(w.buf, '[')
		c.bracket = ']'
	}
	w.open = append(w.open, c)
	w.comma = false
}

func (w *fieldWriter) Close() {
	n := len(w.open) - 1
	w.buf = append(w.buf, w.open[n].bracket)
	w.open = w.open[:n]
	w.comma = true
}

func (w *fieldWriter) Key(name []byte) {
	if name == nil {
		name = []byte{}
	}
	w.name = name
}

// visitor returns what writes fields as members of the object that is being
// written.
func (j *JSON) visitor() *fieldWriter {
	v := &j.fields
	v.body, v.clock, v.open, v.name = &j.body, &j.clock, v.open[:0], nil
	return v
}
