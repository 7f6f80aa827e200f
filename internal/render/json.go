package render

import (
	"bytes"
	"io"
	"strconv"

	"github.com/pgsniff/pgsniff/internal/jsontext"
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/value"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/replication"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// JSON writes records as NDJSON, in the form that docs/json.md describes. It
// appends to a buffer by hand: nothing is allocated for a record.
type JSON struct {
	out     *Output
	opt     Options
	clock   jsontext.Clock
	body    body
	decoded [messages.NumKinds]messages.Message
	kinds   [messages.NumKinds][2]string // constant parts, by kind and direction
	phases  [messages.NumPhases]string
	steps   [messages.NumKinds][2]stepMemo
	bodies  memos
	head    headMemo
	number  numberMemo
	scratch []byte
	maker   record.Maker
	texts   record.Normalizer // of texts that were not prepared: of the goroutine that writes
	msg     message           // the one being written, and the rest of it
	more    more
	conns   connMemo

	messages    replication.Decoder
	replication replicationBody
	zone        record.Zone // of changes
	ofConn      endsMemo
}

// NewJSON returns a writer of JSON records.
func NewJSON(w io.Writer, opt Options) *JSON {
	j := &JSON{out: NewOutput(w), opt: opt}
	j.clock.Micros = opt.Micros
	j.body.max, j.body.secrets = opt.MaxValueBytes, opt.ShowSecrets
	j.maker.Parts, j.maker.Privacy.Show = j.parts(), opt.ShowSecrets
	for k := range messages.NumKinds {
		for d := range 2 {
			j.kinds[k][d] = kindPart(messages.Kind(k), messages.Direction(d))
		}
	}
	for p := range messages.NumPhases {
		j.phases[p] = member(record.MessagePhase, messages.Phase(p).String())
	}
	return j
}

// stepMemo is what the latest record of a kind said of the message itself, and what it
// became: those of a kind have much in common.
type stepMemo struct {
	len   int
	phase messages.Phase
	tx    byte
	text  []byte // from the member dir to tx; empty: there was none yet
}

// headMemo is the beginning of the latest message record: the messages of one
// packet share it.
type headMemo struct {
	conn uint64
	at   session.Stamp
	text []byte
}

// numberMemo is which query the latest message was of: those before and after it are, too.
type numberMemo struct {
	of   uint64
	text []byte // the member query; empty: there was none yet
}

// kindPart is what every record of a kind has in common.
func kindPart(k messages.Kind, d messages.Direction) string {
	s := member(record.MessageDir, d.String()) + member(record.MessageMsg, k.String())
	if t := k.Tag(); t != 0 && k != messages.KindUnknown {
		s += member(record.MessageTag, string(rune(t)))
	}
	if k == messages.KindUnknown {
		return s // its tag is its own
	}
	return s + lenPart
}

// member is a field whose value is a word.
func member(f *record.Field, word string) string { return f.NextKey() + `"` + word + `"` }

// label is the constant part of a connection's records.
type label struct {
	json []byte
	zone *record.Zone
	// What query records repeat of the client, and what it was made from.
	who     *record.Who
	whoText []byte
}

// settings returns what values of a connection depend on, nil for the defaults.
func (l *label) settings(timeZone string) *value.Session {
	if l.zone == nil {
		if timeZone == "" {
			return nil
		}
		l.zone = new(record.Zone)
	}
	return l.zone.Named(timeZone)
}

func (j *JSON) labelOf(c *conn) *label {
	if c.label == nil {
		w := members{buf: j.scratch[:0], comma: true, shortest: uncut}
		w.Uint(record.CommonConn, c.id)
		w.String(record.CommonClient, c.client)
		w.String(record.CommonServer, c.server)
		j.scratch = w.buf
		c.label = &label{json: bytes.Clone(j.scratch)}
	}
	return c.label
}

// Message writes a message record.
func (j *JSON) Message(e *session.Event) {
	j.msg.take(e, j.conns.of(e.Session, j.opt.Slot), &j.more)
	j.message(&j.msg)
}

func (j *JSON) message(e *message) {
	if j.head.at != e.at || j.head.conn != e.conn.id {
		j.setHead(e)
	}
	b := append(j.out.buf, j.head.text...)
	if m := &j.steps[e.kind][e.dir]; m.len == e.len && m.phase == e.phase && m.tx == e.tx && len(m.text) > 0 {
		b = append(b, m.text...)
	} else {
		at := len(b)
		b = j.appendStep(b, e)
		if m.len, m.phase, m.tx = e.len, e.phase, e.tx; e.kind != messages.KindUnknown { // which has a tag of its own
			m.text = append(m.text[:0], b[at:]...)
		}
	}
	if e.exchange != 0 {
		if j.number.of != e.exchange {
			j.number.of = e.exchange
			j.number.text = jsontext.AppendUint(record.MessageQuery.AppendKey(j.number.text[:0]), e.exchange)
		}
		b = append(b, j.number.text...)
	}
	if j.opt.States {
		b = append(b, statePart...)
		b = append(b, e.state.String()...)
		b = append(b, '"')
	}
	if e.more != nil && e.more.cancels.Conn != 0 {
		b = appendCancels(b, e.more.cancels)
	}
	b = record.MessageBody.AppendKey(b)
	b, malformed := j.appendBody(b, e)
	if malformed != nil || e.more != nil && len(e.more.notes) > 0 {
		b = appendNotes(b, e.notes(), malformed)
	}
	if e.truncated || len(j.body.cuts) > 0 {
		b = append(b, truncatedPart...)
		b = j.appendCuts(b)
	}
	j.out.buf = append(b, '}', '\n')
	j.out.wrote()
}

// appendStep appends what is told of the message itself: who sent what, its length, and
// when in the conversation.
func (j *JSON) appendStep(b []byte, e *message) []byte {
	b = append(b, j.kinds[e.kind][e.dir]...)
	if e.kind == messages.KindUnknown {
		if e.tag != 0 { // packets of the startup have none
			b = jsontext.Append(append(b, tagPart...), []byte(string(rune(e.tag))))
		}
		b = append(b, lenPart...)
	}
	b = append(jsontext.AppendUint(b, uint64(e.len)), j.phases[e.phase]...)
	if e.tx != 0 {
		b = append(append(b, txPart...), e.tx, '"')
	}
	return b
}

// setHead writes what the messages of a packet have in common.
func (j *JSON) setHead(e *message) {
	b := j.appendStart(j.head.text[:0], messagePart, e.at.Time)
	b = append(b, j.labelOf(e.conn).json...)
	b = append(b, framePart...)
	j.head.text = jsontext.AppendUint(b, e.at.Frame)
	j.head.conn, j.head.at = e.conn.id, e.at
}

// bodiless are the kinds whose messages have nothing but a type byte and a length.
var bodiless = func() (t [messages.NumKinds]bool) {
	for k := range t {
		_, most := messages.Kind(k).BodyLen()
		t[k] = messages.Kind(k).Tag() != 0 && most == 0
	}
	return t
}()

// appendBody appends a message's fields. It returns the fault of a body that
// has not the message's format.
func (j *JSON) appendBody(b []byte, e *message) ([]byte, error) {
	j.body.cuts = j.body.cuts[:0]
	if len(e.body) == 0 && bodiless[e.kind] && !e.truncated {
		return append(b, '{', '}'), nil
	}
	if e.kind == messages.KindCopyData && e.more == nil && !e.truncated {
		if text, ok := j.body.copyData(b, e.body); ok {
			return text, nil
		}
	}
	remembered, hash := !e.truncated && memorable(e.kind), uint64(0)
	if remembered {
		m := j.bodies.again(e.kind, 0, e.body)
		if m == nil {
			m, hash = j.bodies.search(e.kind, 0, e.body)
		}
		if m != nil {
			return append(b, m.text...), nil
		}
	}
	at := len(b)
	j.body.buf = b
	err := j.writeBody(e)
	b = j.body.buf
	if remembered && err == nil && len(j.body.cuts) == 0 {
		j.bodies.add(hash, e.kind, 0, e.body, b[at:])
	}
	return b, err
}

// writeBody decodes the message and visits its fields.
func (j *JSON) writeBody(e *message) error {
	if r := e.replication(); r != nil {
		j.body.types, j.body.columns, j.body.unknown = nil, nil, false
		j.body.zone = j.labelOf(e.conn).settings(e.more.zone)
		j.body.begin()
		j.writeReplication(r, e.body)
		j.body.end()
		return nil
	}
	m := j.decoded[e.kind]
	if m == nil {
		m = e.kind.New()
		j.decoded[e.kind] = m
	}
	err := m.Decode(e.body)
	if u, ok := m.(*messages.Unknown); ok {
		u.Tag = e.tag
	}
	setTypes(&j.body, e)
	if hasValues(e.kind) {
		j.body.zone = j.labelOf(e.conn).settings(e.more.zone)
	}
	j.body.begin()
	if err == nil {
		m.Visit(&j.body)
	} else {
		messages.VisitDecoded(m, err, &j.body)
	}
	j.body.end()
	if e.truncated {
		if c, ok := cutOffOf(e.kind, e.body, e.len); ok {
			j.body.cutOff(c)
		}
		return nil
	}
	return err
}

// setTypes gives the visitor the types of the values it will meet.
func setTypes(b *body, e *message) {
	b.types, b.columns, b.unknown = nil, nil, false
	if e.more == nil {
		return
	}
	b.types, b.columns = e.more.types, e.more.columns
	b.unknown = e.kind == messages.KindDataRow && b.columns == nil
}

func appendNotes(b []byte, notes []session.Note, malformed error) []byte {
	b = append(b, notesPart...)
	for i := range notes {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendNote(b, notes[i].Code, notes[i].Text)
	}
	if malformed != nil {
		if len(notes) > 0 {
			b = append(b, ',')
		}
		b = appendNote(b, session.NoteMalformed, malformed.Error())
	}
	return append(b, ']')
}

func appendNote(b []byte, code, text string) []byte {
	b = append(b, codePart...)
	b = append(b, code...)
	b = append(b, textPart...)
	b = jsontext.Append(b, []byte(text))
	return append(b, '}')
}

// appendCuts names the values that were shortened, with their true length.
func (j *JSON) appendCuts(b []byte) []byte {
	if len(j.body.cuts) == 0 {
		return b
	}
	b = append(b, cutPart...)
	for i, c := range j.body.cuts {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"field":"`...)
		b = append(b, c.field...)
		if c.index >= 0 {
			b = append(b, '[')
			b = strconv.AppendInt(b, int64(c.index), 10)
			b = append(b, ']')
		}
		b = append(b, `","length":`...)
		b = strconv.AppendInt(b, int64(c.length), 10)
		b = append(b, '}')
	}
	return append(b, ']')
}

func appendCancels(b []byte, c session.Cancelled) []byte {
	b = append(b, cancelsPart...)
	b = jsontext.AppendUint(b, c.Conn)
	if c.Query != 0 {
		b = append(b, cancelQueryPart...)
		b = jsontext.AppendUint(b, c.Query)
	}
	return append(b, '}')
}

// Flush writes what is buffered.
func (j *JSON) Flush() error { return j.out.Flush() }

func (j *JSON) output() *Output { return j.out }

// Failed reports whether the output has failed.
func (j *JSON) Failed() bool { return j.out.Failed() }

var _ Writer = (*JSON)(nil)
