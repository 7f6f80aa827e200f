package exchange

import (
	"bytes"
	"slices"
	"strings"

	"github.com/pgsniff/pgsniff/internal/sqltext"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// tagWords are the commands whose tags begin with the same word, or with one of a few
// (manual: "CommandComplete"), and only those: a tag of another of them shows that the
// reply is not theirs. What is missing here says nothing.
var tagWords = map[string]string{
	"SELECT": "SELECT", "VALUES": "SELECT", "TABLE": "SELECT",
	"INSERT": "INSERT", "UPDATE": "UPDATE", "DELETE": "DELETE", "MERGE": "MERGE",
	"COPY": "COPY", "FETCH": "FETCH", "MOVE": "MOVE", "SHOW": "SHOW", "SET": "SET", "RESET": "RESET",
	"BEGIN": "BEGIN", "START": "START", "COMMIT": "COMMIT ROLLBACK", "END": "COMMIT ROLLBACK",
	"ROLLBACK": "ROLLBACK", "ABORT": "ROLLBACK", "SAVEPOINT": "SAVEPOINT", "RELEASE": "RELEASE",
	"DECLARE": "DECLARE", "CLOSE": "CLOSE", "PREPARE": "PREPARE ROLLBACK", "DEALLOCATE": "DEALLOCATE", "DISCARD": "DISCARD",
	"CREATE": "CREATE SELECT", "ALTER": "ALTER", "DROP": "DROP", "TRUNCATE": "TRUNCATE", "LOCK": "LOCK",
	"COMMENT": "COMMENT", "GRANT": "GRANT", "REVOKE": "REVOKE", "VACUUM": "VACUUM", "REINDEX": "REINDEX",
	"REFRESH": "REFRESH", "CLUSTER": "CLUSTER", "LISTEN": "LISTEN", "UNLISTEN": "UNLISTEN", "NOTIFY": "NOTIFY",
	"EXPLAIN": "EXPLAIN", "ANALYZE": "ANALYZE", "ANALYSE": "ANALYZE", "DO": "DO", "CALL": "CALL", "CHECKPOINT": "CHECKPOINT",
}

// maxTagged is how many commands of a string are looked at: to find one, all before it
// are read again.
const maxTagged = 8

// contradicts reports whether a command tag cannot be that of the command of x which is
// answered now, after others of the same string.
func (x *Exchange) contradicts(tag []byte) bool {
	if x.SQL == nil || x.Protocol == ProtocolReplication {
		return false
	}
	done := 0
	for i := range x.Results {
		if x.Results[i].Tag != nil {
			done++
		}
	}
	if done > maxTagged || done > 0 && x.Protocol == ProtocolExtended {
		return false
	}
	expected, known := tagWords[x.verb(done)]
	got, _, _ := bytes.Cut(tag, []byte{' '})
	if _, told := tagWords[string(got)]; !known || !told {
		return false
	}
	return !slices.Contains(strings.Fields(expected), string(got))
}

// verb returns the word that a command of x's text begins with, in upper case, "" where it
// is none: there are fewer commands if the text is cut short, or a rule made more of one.
func (x *Exchange) verb(command int) string {
	l := sqltext.Lexer{Src: x.SQL, Escapes: x.Escapes}
	for {
		c, ok := l.Command()
		if !ok {
			return ""
		}
		if command--; command >= 0 {
			continue
		}
		l := sqltext.Lexer{Src: x.SQL[:c.Stop], Pos: c.Start, Escapes: x.Escapes}
		t := l.Next()
		for t.Kind == sqltext.Open {
			t = l.Next()
		}
		if t.Kind != sqltext.Word {
			return ""
		}
		return string(bytes.ToUpper(l.Src[t.Start:t.End]))
	}
}

// mistrust is for a reply that shows, after a loss, that those before it and those to
// come were not to what they were taken for.
func (l *Log) mistrust() {
	for id := l.first; id < l.first+uint64(l.n); id++ {
		if x := *l.slot(id); x != nil {
			x.flags |= flagHoles
		}
	}
}

// impossible reports whether a reply says something else than what x asked for, by the
// numbers and words in both. It is asked only after a loss.
func (l *Log) impossible(x *Exchange, m *Message) bool {
	switch m.Kind {
	case messages.KindCommandComplete:
		return x.contradicts(cstring(m.Body))
	case messages.KindDataRow:
		// As many values as columns, where those are known.
		c := x.Columns()
		return len(m.Body) >= 2 && c != nil && int(m.Body[0])<<8|int(m.Body[1]) != len(c)
	case messages.KindParameterDescription:
		return x.wrongParameters(m.Body)
	}
	return false
}

// wrongParameters reports whether a ParameterDescription has not as many parameters as
// the Bind of the same statement in x.
func (x *Exchange) wrongParameters(body []byte) bool {
	if len(body) < 2 || x.bind == nil || x.portal == nil || x.nextTgt >= len(x.targets) ||
		x.targets[x.nextTgt].statement != x.portal.statement {
		return false
	}
	b := &x.shared.bind
	return b.Decode(x.bind) == nil && b.Parameters.Len() != int(body[0])<<8|int(body[1])
}
