package messages

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

// ReadyForQuery tells that the backend awaits a new query cycle (manual:
// "ReadyForQuery (B)").
type ReadyForQuery struct {
	// Status is the transaction status: 'I' idle, 'T' in a transaction block,
	// 'E' in a failed one. Decode takes no other.
	Status byte
}

func (*ReadyForQuery) Kind() Kind { return KindReadyForQuery }

func (m *ReadyForQuery) Decode(body []byte) error {
	c := cursor{body: body}
	m.Status = c.byte1("status")
	if !c.failed() && !isTransactionStatus(m.Status) {
		c.off = 0
		c.fail("status", reasonByte)
	}
	return c.end(KindReadyForQuery)
}

func (m *ReadyForQuery) Append(dst []byte) []byte {
	dst, at := begin(dst, KindReadyForQuery)
	return finish(append(dst, m.Status), at)
}

func (m *ReadyForQuery) Visit(v Visitor) {
	v.Text("status", byteText(m.Status))
}

func isTransactionStatus(b byte) bool { return b == 'I' || b == 'T' || b == 'E' }
