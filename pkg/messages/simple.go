package messages

import "strconv"

// Query runs the commands of a string (manual: "Query (F)").
type Query struct {
	SQL []byte // borrowed from the body
}

func (*Query) Kind() Kind { return KindQuery }

func (m *Query) Decode(body []byte) error {
	c := cursor{body: body}
	m.SQL = c.cstring("query")
	return c.end(KindQuery)
}

func (m *Query) Append(dst []byte) []byte {
	return appendString(dst, KindQuery, m.SQL)
}

func (m *Query) Visit(v Visitor) {
	v.Text("query", m.SQL)
}

// CommandComplete tells that a command has ended (manual:
// "CommandComplete (B)").
type CommandComplete struct {
	Tag []byte // such as "INSERT 0 1"; borrowed from the body
}

func (*CommandComplete) Kind() Kind { return KindCommandComplete }

func (m *CommandComplete) Decode(body []byte) error {
	c := cursor{body: body}
	m.Tag = c.cstring("command_tag")
	return c.end(KindCommandComplete)
}

func (m *CommandComplete) Append(dst []byte) []byte {
	return appendString(dst, KindCommandComplete, m.Tag)
}

func (m *CommandComplete) Visit(v Visitor) {
	v.Text("command_tag", m.Tag)
}

// Rows returns the number of rows that the tag ends in; ok is false for tags
// without one, such as "BEGIN".
func (m *CommandComplete) Rows() (n uint64, ok bool) {
	i := len(m.Tag)
	for i > 0 && isDigit(m.Tag[i-1]) {
		i--
	}
	digits := m.Tag[i:]
	if i < 2 || m.Tag[i-1] != ' ' || len(digits) == 0 || len(digits) > 19 {
		return 0, false
	}
	for _, d := range digits {
		n = n*10 + uint64(d-'0')
	}
	return n, true
}

func isDigit(b byte) bool { return b-'0' <= 9 }

// EmptyQueryResponse takes the place of CommandComplete for an empty string
// (manual: "EmptyQueryResponse (B)").
type EmptyQueryResponse struct{}

func (*EmptyQueryResponse) Kind() Kind               { return KindEmptyQueryResponse }
func (*EmptyQueryResponse) Decode(body []byte) error { return decodeBare(KindEmptyQueryResponse, body) }

func (*EmptyQueryResponse) Append(dst []byte) []byte { return appendBare(dst, KindEmptyQueryResponse) }
func (*EmptyQueryResponse) Visit(Visitor)            {}

// TxStatus is a transaction status as ReadyForQuery tells it. The zero TxStatus is
// none: no ReadyForQuery has come yet.
type TxStatus byte

// The transaction statuses, as on the wire.
const (
	TxIdle    TxStatus = 'I' // not in a transaction block
	TxInBlock TxStatus = 'T' // in a transaction block
	TxFailed  TxStatus = 'E' // in a failed one: only its end is executed
)

// Valid reports whether the protocol defines s.
func (s TxStatus) Valid() bool { return s == TxIdle || s == TxInBlock || s == TxFailed }

func (s TxStatus) String() string {
	switch s {
	case TxIdle:
		return "idle"
	case TxInBlock:
		return "in transaction"
	case TxFailed:
		return "failed transaction"
	case 0:
		return "unknown"
	}
	return strconv.QuoteToASCII(string(rune(s)))
}

// ReadyForQuery tells that the backend awaits a new query cycle (manual:
// "ReadyForQuery (B)"). The zero value cannot be sent: Encodable refuses it.
type ReadyForQuery struct {
	Status TxStatus // Decode takes none that the protocol does not define
}

func (*ReadyForQuery) Kind() Kind { return KindReadyForQuery }

func (m *ReadyForQuery) Decode(body []byte) error {
	if len(body) == 1 && TxStatus(body[0]).Valid() {
		m.Status = TxStatus(body[0])
		return nil
	}
	c := cursor{body: body}
	m.Status = TxStatus(c.byte1("status"))
	if !c.failed() && !m.Status.Valid() {
		c.off = 0
		c.fail("status", reasonByte)
	}
	return c.end(KindReadyForQuery)
}

func (m *ReadyForQuery) Append(dst []byte) []byte {
	return append(dst, kinds[KindReadyForQuery].tag, 0, 0, 0, 5, byte(m.Status))
}

func (m *ReadyForQuery) Visit(v Visitor) {
	v.Text("status", byteText(byte(m.Status)))
}
