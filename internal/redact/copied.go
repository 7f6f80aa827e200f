package redact

import (
	"bytes"
	"encoding/binary"
	"slices"
	"unicode"

	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/replication"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// copyData hides the data of a COPY. What replicates keeps its form: how far it has
// come is told in it.
func (h *Handler) copyData(e *session.Event) ([]byte, bool) {
	if e.Replication != nil && e.Replication.Meaning.Kind != replication.KindUnknown {
		return h.replication(e)
	}
	hide := h.level == All
	if x := e.Exchange; x != nil && !hide {
		if x.Mark&(copyBegun|copyHidden) != copyBegun {
			hide = h.copiedBehind(x, e.Body)
		}
		hide = h.cycle(e.Session, x).Data() || hide
	}
	if h.Counts(e) {
		return e.Body, false
	}
	hide = hide || Value(e.Body)
	if h.copied.skips(e) {
		if !hide {
			return e.Body, false
		}
	} else if hide = h.copied.looks(e, hide); !hide {
		return e.Body, false
	}
	keep := 0
	if e.Step.Phase == messages.PhaseCopyBoth {
		if keep = replicationHead(e.Body); keep == len(e.Body) {
			return e.Body, false
		}
	}
	h.body = h.mark(append(h.body[:0], e.Body[:keep]...), e.Body[keep:])
	return h.body, true
}

// copiedRows is what is known of the COPY that was at hand last. The zero copiedRows is that
// of none.
type copiedRows struct {
	conn, id uint64
	rows     uint
	skip     uint // so many rows need not be looked at closely
	names    bool // one of its rows begins with what may be a name
	found    bool // one of them has a value that is known by its form alone
	// The end of what a client copied last: it ends its messages anywhere, and a secret may go
	// on in the next.
	tail []byte
}

const (
	// mostTail is how many bytes of a message are kept, and looked at together with as many of
	// the next.
	mostTail = 128
	// What the columns of a COPY hold is found out from so many of its rows, and one of each so
	// many from there on: whether its rows may begin with names, and whether values are in them
	// that are known by their form alone.
	closeRows = 64
	closeEach = 256
)

// skips tells whether a message need not be looked at closely.
func (c *copiedRows) skips(e *session.Event) bool {
	if c.skip == 0 || e.Exchange == nil || c.id != e.Exchange.ID || c.conn != e.Session.ID {
		return false
	}
	c.skip--
	return true
}

// looks tells whether a message is hidden, as it may be known to be, or because of the name of
// a secret, of what it has in hexadecimal digits, of a token, or of what the message before it
// began.
func (c *copiedRows) looks(e *session.Event, hide bool) bool {
	client := e.Direction == messages.Frontend
	if x := e.Exchange; x != nil && (c.id != x.ID || c.conn != e.Session.ID) {
		*c = copiedRows{conn: e.Session.ID, id: x.ID, tail: c.tail[:0]}
	}
	c.rows++
	if mayName(e) {
		c.names = true
		hide = hide || rowsName(e.Body)
	}
	if !hide && holdsForm(e.Body) {
		c.found, hide = true, true
	}
	if client {
		hide = hide || c.goesOn(e.Body)
		c.keep(e.Body)
	} else if c.rows >= closeRows && !c.names && !c.found {
		c.skip = closeEach - 1
	}
	return hide
}

// goesOn tells whether a secret that began in the message before goes on in this one.
func (c *copiedRows) goesOn(body []byte) bool {
	if len(c.tail) == 0 {
		return false
	}
	c.tail = append(c.tail, body[:min(len(body), mostTail)]...)
	return Value(c.tail) || rowsName(c.tail)
}

// keep keeps the end of a message if that ends inside a line.
func (c *copiedRows) keep(body []byte) {
	c.tail = c.tail[:0]
	if n := len(body); n > 0 && body[n-1] != '\n' {
		c.tail = append(c.tail, body[max(0, n-mostTail):]...)
	}
}

// holdsForm tells whether rows that are copied have a value which is known by its form alone.
func holdsForm(data []byte) bool { return sqlnorm.HasToken(data) || hexSecret(data) }

// mayName tells whether a row that is copied may have the name of a secret as its first value
// or its second. It is quick: those that are numbers are none.
func mayName(e *session.Event) bool {
	const most = 24 // bytes of a number before the second
	data := e.Body
	if e.Direction == messages.Frontend || len(data) == 0 || data[0] >= 'A' || data[0] == '"' || data[0] == 0 {
		return true // or there may be many rows
	}
	for i := 1; i < len(data)-1 && i < most; i++ {
		if c := data[i]; c == '\t' || c == ',' {
			return data[i+1] >= 'A' || data[i+1] == '"'
		}
	}
	return false
}

// rowsName tells whether a row of what is copied, as text, CSV or in binary, has the name of a
// secret as its first value or its second, beside which its value may stand.
func rowsName(data []byte) bool {
	if bytes.HasPrefix(data, copyHeader) && len(data) >= len(copyHeader)+4+4 { // flags, and the length of more
		more := int64(binary.BigEndian.Uint32(data[len(copyHeader)+4:]))
		data = data[min(int64(len(data)), int64(len(copyHeader)+4+4)+more):]
	}
	if len(data) > 2 && data[0] == 0 {
		return binaryRowNames(data)
	}
	for len(data) > 0 {
		line := data
		if i := bytes.IndexByte(data, '\n'); i >= 0 {
			line, data = data[:i], data[i+1:]
		} else {
			data = nil
		}
		by := byte('\t')
		n := bytes.IndexByte(line, by)
		if n < 0 {
			by = ','
			if n = bytes.IndexByte(line, by); n < 0 {
				continue
			}
		}
		if copiedName(line[:n]) {
			return true
		}
		line = line[n+1:]
		if n = bytes.IndexByte(line, by); n >= 0 && copiedName(line[:n]) {
			return true
		}
	}
	return false
}

// copyHeader begins what is copied in binary (manual: "COPY", "Binary Format").
var copyHeader = []byte("PGCOPY\n\xff\r\n\x00")

// copiedName tells whether a value of a row that is copied is the name of a secret.
func copiedName(v []byte) bool {
	if len(v) > 2 && v[0] == '"' {
		v = bytes.Trim(v, `"`)
	}
	return secretName(v)
}

// binaryRowNames is rowsName for a row in binary: the number of its values, and each with its
// length.
func binaryRowNames(row []byte) bool {
	v := values{rest: row[2:], left: min(int(binary.BigEndian.Uint16(row)), 2)}
	for v.next() {
		if secretName(v.value) {
			return true
		}
	}
	return false
}

// copiedBehind tells whether what a COPY copies is hidden since the header before it names a
// secret, or since it is the archives of a base backup, as servers before 15 send them. The header
// itself is shown if nothing else is in its message.
func (h *Handler) copiedBehind(x *exchange.Exchange, data []byte) bool {
	if x.Mark&copyBegun == 0 {
		x.Mark |= copyBegun
		sql := textOf(x)
		if sqlnorm.BacksUp(sql) {
			x.Mark |= copyHidden
			return true
		}
		line, rest, _ := bytes.Cut(data, []byte("\n"))
		if sqlnorm.CopiesHeader(sql) && namesIn(line) {
			x.Mark |= copyHidden
			if name := sqlnorm.CopiesWhole(nil, sql); name != nil {
				h.tables.add(name, aTable)
			}
			return len(rest) > 0
		}
	}
	return x.Mark&copyHidden != 0
}

// namesIn tells whether one of the words of a line is the name of a secret.
func namesIn(line []byte) bool {
	for _, word := range bytes.FieldsFunc(line, func(r rune) bool { return r != '_' && r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if secretName(word) {
			return true
		}
	}
	return false
}

// replication hides the values of rows that logical replication sends, and with All
// all that is data. The archives of a base backup are the files of the whole server, with
// the hashes of all passwords: of those nothing is shown but how long they are.
func (h *Handler) replication(e *session.Event) ([]byte, bool) {
	if e.Replication.Meaning.Kind == replication.KindArchiveData && len(e.Body) > 0 {
		h.replicated = e.Replication
		h.body = h.mark(append(h.body[:0], e.Body[0]), e.Body[1:])
		return h.body, true
	}
	asked := h.level != All && asksFor(e.Replication)
	event, body := h.rewriter.Event(e.Replication, e.Body, func(r *replication.Relation, i int, v []byte) ([]byte, bool) {
		if h.level != All && !h.hiddenColumn(r, i) && !Value(v) && !sqlnorm.IsToken(v) && !(asked && r != nil && pairValue(r.Columns[i].Name)) {
			return nil, false
		}
		h.value = h.mark(h.value[:0], v)
		return h.value, true
	})
	h.replicated = event
	return body, event != e.Replication
}

// asksFor tells whether a row of a table of names and values, which logical replication sends,
// has the name of a secret.
func asksFor(e *replication.Event) bool {
	r := e.Meaning.Relation
	if r == nil || !slices.ContainsFunc(r.Columns, func(c replication.Column) bool { return pairValue(c.Name) }) {
		return false
	}
	names := func(t *replication.Tuple) bool {
		it := t.Iter()
		for i := 0; it.Next() && i < len(r.Columns); i++ {
			if pairName(r.Columns[i].Name) && secretName(it.Value()) {
				return true
			}
		}
		return false
	}
	switch m := e.Inner.(type) {
	case *replication.Insert:
		return names(&m.New)
	case *replication.Update:
		return names(&m.New) || names(&m.Old)
	case *replication.Delete:
		return names(&m.Old)
	}
	return false
}

// hiddenColumn tells whether a column of a relation is hidden by its name. What is
// found is remembered for the next row.
func (h *Handler) hiddenColumn(r *replication.Relation, i int) bool {
	if r == nil {
		return false
	}
	if h.relation != r {
		h.relation, h.columns = r, h.columns[:0]
		for k := range r.Columns {
			c := &r.Columns[k]
			h.columns = append(h.columns, columnPolicyOf(&messages.ColumnDescription{Name: c.Name, TypeOID: c.TypeOID}) == columnHidden)
		}
	}
	return h.columns[i]
}

// replicationHead is how many bytes of a replication message are not data (manual:
// "Streaming Replication Protocol").
func replicationHead(body []byte) int {
	if len(body) == 0 || body[0] != 'w' {
		return len(body) // keepalives, status, feedback
	}
	return min(1+3*8, len(body))
}
