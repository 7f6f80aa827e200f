package render

import (
	"bytes"
	"strconv"

	"github.com/pgsniff/pgsniff/internal/jsontext"
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/stats"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Record writes a record that a view has derived from others, or a message that waited.
func (j *JSON) Record(r record.Record) {
	if m, ok := r.(*record.Message); ok {
		j.msg.from(m, connIn(m.Conn, j.opt.Slot), &j.more)
		j.message(&j.msg)
		return
	}
	b := &j.body
	b.zone, b.shortest, b.label = nil, longestName, nil
	torn := false // the record says itself that not all of it is there
	switch r := r.(type) {
	case *record.Change:
		b.zone, torn = j.zone.Named(r.Who.Formats), r.Torn()
	case *stats.Report:
		b.shortest = uncut
	}
	v := j.begin(typePart(r), r.Place().Time)
	if c := r.Of(); c != nil {
		j.ends(v, c)
	}
	r.Visit(v)
	if torn {
		b.buf = j.appendCuts(b.buf)
		b.cuts = b.cuts[:0]
	}
	j.finish()
}

func (j *JSON) memory() int { return j.opt.Slot }

// endsMemo is what a derived record says of its connection. Many records follow each
// other that are of one.
type endsMemo struct {
	id             uint64
	client, server string
	text           []byte
}

// ends writes which connection a record is about.
func (j *JSON) ends(v *members, c *record.Conn) {
	m := &j.ofConn
	if len(m.text) > 0 && m.id == c.ID && m.client == c.Client && m.server == c.Server {
		v.buf = append(v.buf, m.text...)
		return
	}
	at := len(v.buf)
	v.Uint(record.CommonConn, c.ID)
	v.String(record.CommonClient, c.Client)
	v.String(record.CommonServer, c.Server)
	m.id, m.client, m.server, m.text = c.ID, c.Client, c.Server, append(m.text[:0], v.buf[at:]...)
}

// longestName is NAMEDATALEN: names, words and positions of derived records are not
// cut, what is longer is a text. Of other records, only texts are cut.
const (
	longestName = 64
	uncut       = 1 << 62
)

// Constant parts of records.
var (
	queryPart      = typePart((*record.Query)(nil))
	noticePart     = typePart((*record.Notice)(nil))
	connectionPart = typePart((*record.Connection)(nil))
	messagePart    = typePart((*record.Message)(nil))
	timePart       = record.CommonTS.NextKey() + `"`
	truncatedPart  = record.CommonTruncated.NextKey() + "true"
	cutPart        = record.CommonCut.NextKey() + "["

	framePart       = record.MessageFrame.NextKey()
	tagPart         = record.MessageTag.NextKey()
	lenPart         = record.MessageLen.NextKey()
	txPart          = record.MessageTx.NextKey() + `"`
	statePart       = record.MessageState.NextKey() + `"`
	notesPart       = record.MessageNotes.NextKey() + "["
	codePart        = "{" + record.NoteCode.Key() + `"`
	textPart        = `"` + record.NoteText.NextKey()
	cancelsPart     = record.MessageCancels.NextKey() + "{" + record.CancelConn.Key()
	cancelQueryPart = record.CancelQuery.NextKey()
)

func typePart(r record.Record) string { return r.Schema().Start() }

func (j *JSON) appendStart(dst []byte, part string, at int64) []byte {
	dst = append(dst, part...)
	if at != 0 { // some formats have no times
		dst = append(dst, timePart...)
		dst = append(j.clock.Append(dst, at), '"')
	}
	return dst
}

// begin begins a record and returns what writes its fields.
func (j *JSON) begin(part string, at int64) *members {
	b := &j.body
	b.buf = j.appendStart(j.out.buf, part, at)
	b.comma, b.cuts, b.clock, b.open, b.name = true, b.cuts[:0], &j.clock, b.open[:0], nil
	return (*members)(b)
}

// told begins a record of what a session reported.
func (j *JSON) told(c *conn, part string, at int64) *members {
	l := j.labelOf(c)
	v := j.begin(part, at)
	v.buf = append(v.buf, l.json...)
	v.label, v.shortest = l, uncut
	return v
}

// finish ends a record, and says what was cut.
func (j *JSON) finish() {
	b := &j.body
	if len(b.cuts) > 0 {
		b.buf = append(b.buf, truncatedPart...)
		b.buf = j.appendCuts(b.buf)
	}
	j.out.buf = append(b.buf, '}', '\n')
	j.out.wrote()
}

// longestWord is up to where a text is looked at byte by byte.
const longestWord = 32

// members writes the fields of a record as members of a JSON object. It is the body
// of a message, seen as the Visitor of records.
//
// jsontext.Visitor is the plain way to do that, and both write the same. This one stands
// beside it for what only the output json does: parts that repeat come from memory
// (Known), values that are cut are listed, and rows share their buffer and their settings
// with the bodies of messages.
type members body

// closing is what ends an object, a map or a list.
type closing struct {
	bracket byte
	field   *record.Field
	n       int            // its members so far
	names   jsontext.Names // of a map; empty else
}

func (w *members) key(f *record.Field) {
	if f != nil {
		if w.comma {
			w.buf = f.AppendKey(w.buf)
			return
		}
		w.buf = append(w.buf, f.Key()...)
		w.comma = true
		return
	}
	if w.comma {
		w.buf = append(w.buf, ',')
	}
	w.comma = true
	if n := len(w.open); n > 0 {
		w.open[n-1].n++
	}
	if w.name != nil {
		w.mapKey()
	}
}

// mapKey writes a key that the capture chose. Those of a row differ already.
func (w *members) mapKey() {
	if o := &w.open[len(w.open)-1]; o.field != nil && o.field.Type == record.TypeMap {
		w.buf = o.names.Append(w.buf, w.name)
	} else {
		w.buf = jsontext.Append(w.buf, w.name)
	}
	w.name = nil
	w.buf = append(w.buf, ':')
}

// place is where a value stands, for the list of cuts: the name of its field, or of
// the list or map that it is in, with its index there.
func (w *members) place(f *record.Field) (field string, index int) {
	if f != nil {
		return f.Name, -1
	}
	if n := len(w.open); n > 0 && w.open[n-1].field != nil {
		return w.open[n-1].field.Name, w.open[n-1].n - 1
	}
	return "", -1
}

func (w *members) Bool(f *record.Field, v bool) {
	w.key(f)
	if v {
		w.buf = append(w.buf, "true"...)
	} else {
		w.buf = append(w.buf, "false"...)
	}
}

func (w *members) Int(f *record.Field, v int64) {
	w.key(f)
	w.buf = jsontext.AppendInt(w.buf, v)
}

func (w *members) Uint(f *record.Field, v uint64) {
	w.key(f)
	w.buf = jsontext.AppendUint(w.buf, v)
}

// Fraction writes a number that is not whole.
func (w *members) Fraction(f *record.Field, v float64) {
	w.key(f)
	w.buf = strconv.AppendFloat(w.buf, v, 'f', -1, 64)
}

func (w *members) Text(f *record.Field, v []byte) {
	w.key(f)
	if len(v) > w.shortest {
		name, i := w.place(f)
		v = (*body)(w).limit(name, i, v)
	}
	w.buf = jsontext.Append(w.buf, v)
}

func (w *members) String(f *record.Field, v string) {
	if len(v) > w.shortest || len(v) > longestWord || !jsontext.Plain(v) {
		w.Text(f, []byte(v))
		return
	}
	w.key(f)
	w.buf = append(append(append(w.buf, '"'), v...), '"')
}

// Word writes a word, whose member is there as it is.
func (w *members) Word(v *record.Word) {
	m := v.Member()
	if !w.comma {
		m, w.comma = m[1:], true
	}
	w.buf = append(w.buf, m...)
}

// Ints writes numbers that stand together.
func (w *members) Ints(fields []*record.Field, v []int64) {
	buf, comma := w.buf, w.comma
	v = v[:len(fields)]
	for i, f := range fields {
		n := v[i]
		if n == record.Unknown {
			continue
		}
		if comma {
			buf = f.AppendKey(buf)
		} else {
			buf, comma = append(buf, f.Key()...), true
		}
		if uint64(n) < 10 {
			buf = append(buf, byte('0'+n))
		} else {
			buf = jsontext.AppendInt(buf, n)
		}
	}
	w.buf, w.comma = buf, comma
}

func (w *members) Long(f *record.Field, v []byte, length int) {
	w.key(f)
	whole := len(v) == length
	if w.max > 0 && len(v) > w.max {
		v, whole = cutText(v, w.max), false
	}
	if !whole {
		w.cuts = append(w.cuts, cut{f.Name, -1, length})
	}
	w.buf = jsontext.Append(w.buf, v)
}

func (w *members) Time(f *record.Field, ns int64) {
	w.key(f)
	w.buf = append(w.buf, '"')
	w.buf = append(w.clock.Append(w.buf, ns), '"')
}

func (w *members) Data(f *record.Field, v []byte) {
	w.key(f)
	name, i := w.place(f)
	(*body)(w).data(name, i, v)
}

func (w *members) Value(f *record.Field, v []byte, oid uint32, format int16) {
	w.key(f)
	w.unknown = format == record.FormatUnknown
	name, i := w.place(f)
	(*body)(w).value(name, i, v, oid, format)
}

func (w *members) Open(f *record.Field) {
	w.key(f)
	n := len(w.open)
	if n == cap(w.open) {
		w.open = append(w.open, closing{})
	}
	w.open = w.open[:n+1]
	c := &w.open[n] // set field by field: a literal would be built elsewhere and copied
	c.field, c.n, c.bracket = f, 0, '}'
	open := byte('{')
	if f != nil && f.Type == record.TypeList {
		open, c.bracket = '[', ']'
	}
	w.buf = append(w.buf, open)
	w.comma = false
}

func (w *members) Close() {
	n := len(w.open) - 1
	c := &w.open[n]
	w.buf = append(w.buf, c.bracket)
	if c.field != nil && c.field.Type == record.TypeMap {
		c.names = jsontext.Names{}
	}
	w.open = w.open[:n]
	w.comma = true
}

func (w *members) Key(name []byte) {
	if name == nil {
		name = []byte{}
	}
	w.name = name
}

// Cut notes that the latest value of a list is not all there.
func (w *members) Cut(length int) {
	name, i := w.place(nil)
	(*body)(w).cutOff(cutOff{name, i, length})
}

// Body writes the fields of a message in the object that is open.
func (w *members) Body() messages.Visitor { return (*body)(w) }

// Known writes what the latest records that say the same have in common.
func (w *members) Known(part any) bool {
	var text []byte
	switch p := part.(type) {
	case *record.StatementText:
		text = p.Kept()
	case *record.DerivedText:
		text = p.Kept()
	case *record.Who:
		if l := w.label; l != nil && l.who == p {
			w.buf = append(w.buf, l.whoText...)
			return true
		}
	case *record.Result:
		return w.knownResult(p)
	case *exchange.Columns:
		if w.latest != nil && (p == w.latest || bytes.Equal(p.Description(), w.latest.Description())) {
			text = w.columnsText
		}
	}
	if len(text) == 0 {
		w.from, w.cutsFrom = len(w.buf), len(w.cuts)
		return false
	}
	w.buf = append(w.buf, text...)
	return true
}

// maxWho is the longest text about a client that is kept for a connection.
const maxWho = 512

// Remember keeps what was written since Known, unless something was cut.
func (w *members) Remember(part any) {
	if p, ok := part.(*record.Result); ok {
		w.rememberResult(p)
		return
	}
	text := w.buf[w.from:]
	if len(w.cuts) > w.cutsFrom {
		return
	}
	switch p := part.(type) {
	case *record.StatementText:
		p.Keep(text)
	case *record.DerivedText:
		p.Keep(text)
	case *record.Who:
		if w.label != nil && len(text) <= maxWho {
			w.label.who, w.label.whoText = p, append(w.label.whoText[:0], text...)
		}
	case *exchange.Columns:
		w.latest, w.columnsText = p, append(w.columnsText[:0], text...)
	}
}
