package exchange

import (
	"bytes"
	"math"

	"github.com/pgsniff/pgsniff/internal/sqltext"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// cutName stands for a name whose end is missing: no name has a NUL.
const cutName = "\x00"

// nameKey returns what of a name that the protocol carries tells it from others: servers
// cut names there, between bytes of their encoding, while they cut those of SQL between
// characters. What clients have sent is what is shown.
func (l *Log) nameKey(name []byte) []byte {
	if len(name) <= sqltext.MaxName {
		return name // nearly all are, so this is to be inlined
	}
	return l.longKey(name)
}

func (l *Log) longKey(name []byte) []byte {
	if l.Encodings.charset() != sqltext.CharsetUTF8 && !sqltext.IsASCII(name) {
		return name
	}
	return name[:sqltext.MaxName]
}

// nameCut reports whether a name that b, of the message m, begins with goes on in
// bytes that are missing. What is there of it may be the name of another.
func nameCut(m *Message, b []byte) bool { return m.Lost > 0 && bytes.IndexByte(b, 0) < 0 }

// bindCut is nameCut for either name of a Bind.
func bindCut(m *Message) bool {
	return m.Lost > 0 && bytes.Count(m.Body[:min(len(m.Body), maxNames)], []byte{0}) < 2
}

// maxNames is how far the two names of a Bind reach at most: servers cut them to 63
// bytes.
const maxNames = 512

// requestCut is for a request that names a statement or portal, but nobody can say which.
func (l *Log) requestCut(x *Exchange, m *Message) {
	switch m.Kind {
	case messages.KindParse:
		l.forgetAll()
		l.forgot = true
		x.note(change{by: messages.KindParse, statement: &Statement{name: cutName}})
	case messages.KindClose:
		l.forgetAll()
		x.note(change{by: messages.KindClose, name: cutName})
	case messages.KindBind:
		l.dropPortals(math.MaxUint64)
		x.boundBefore()
		x.binds++
		l.unknown(x)
	case messages.KindDescribe:
		x.describes++
		x.described = nil
		x.addTarget(target{})
	case messages.KindExecute:
		x.flags |= flagExecuted
		x.boundBefore()
		l.unknown(x)
	}
}

// unknown is for an exchange of which is not known what it executes.
func (l *Log) unknown(x *Exchange) {
	l.disuse(x)
	x.cutParameter = 0
	x.Missing |= MissingBind | MissingParse
}
