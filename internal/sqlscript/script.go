package sqlscript

import (
	"bytes"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/internal/value"
	"github.com/pgsniff/pgsniff/pkg/exchange"
)

// script writes one query after another.
type script struct {
	explain bool
	number  int // of queries that came
	left    int // that are comments only
	buf     []byte
	text    []byte
	zone    record.Zone
}

// query returns the lines of a query, borrowed until the next call.
func (s *script) query(q *record.Query) []byte {
	s.number++
	s.buf = s.title(s.buf[:0], q)
	if why := s.unfit(q); why != "" {
		s.left++
		s.buf = append(append(append(s.buf, "-- left out: "...), why...), "\n\n"...)
		return s.buf
	}
	if s.explain && !explainable(q.Operation) {
		s.left++
		s.buf = append(append(append(s.buf, "-- left out: there is no plan of "...), q.Operation...), "\n\n"...)
		return s.buf
	}
	s.write(q)
	s.buf = append(s.buf, '\n')
	return s.buf
}

// write appends the lines that run a query which is fit for it.
func (s *script) write(q *record.Query) {
	if q.Protocol == exchange.ProtocolExtended && explainable(q.Operation) {
		s.prepared(q)
	} else {
		s.plain(q)
	}
}

// title is a comment that says where the query is in the capture. Nothing in it is
// text of the capture.
func (s *script) title(b []byte, q *record.Query) []byte {
	b = strconv.AppendUint(append(b, "-- #"...), q.Conn.ID, 10)
	b = strconv.AppendUint(append(b, " query "...), q.ID, 10)
	at := q.Place()
	b = time.Unix(0, at.Time).UTC().AppendFormat(append(b, ", "...), "2006-01-02 15:04:05.000000Z")
	b = strconv.AppendUint(append(b, ", frame "...), at.Frame, 10)
	if q.Duration >= 0 {
		b = strconv.AppendFloat(append(b, ", "...), float64(q.Duration)/1e6, 'f', 3, 64)
		b = append(b, " ms"...)
	}
	b = strconv.AppendUint(append(b, ", "...), q.Rows, 10)
	b = append(b, " rows"...)
	if q.Error != nil {
		b = append(b, ", failed"...)
	}
	return append(b, '\n')
}

// unfit says why a query cannot be run again, "" if it can.
func (s *script) unfit(q *record.Query) string {
	switch {
	case q.Protocol == exchange.ProtocolFunctionCall:
		return "a function call, which has no SQL"
	case q.Protocol == exchange.ProtocolReplication:
		return "a command of replication"
	case q.SQL == nil:
		return "its text was not captured"
	case len(q.SQL) < q.SQLLen && !bytes.Contains(q.SQL, []byte(record.Redacted)):
		return "its text is too long to have been kept"
	case q.Protocol == exchange.ProtocolExtended && !q.HasParams && q.Missing&exchange.MissingBind != 0:
		return "its parameters were not captured"
	}
	n, ok := sqlnorm.InScript(q.SQL)
	switch {
	case !ok:
		return "psql would take its text for more than SQL"
	case n == 0:
		return "it is empty"
	case n > 1 && (s.explain || q.Protocol == exchange.ProtocolExtended):
		return "it is several statements"
	}
	return s.unfitParams(q)
}

func (s *script) unfitParams(q *record.Query) string {
	for i, b := range q.Params {
		if b == nil {
			continue
		}
		text, ok := s.textOf(q, i, b)
		if !ok {
			return "the type of a parameter in binary format is not known"
		}
		if !utf8.Valid(text) || bytes.IndexByte(text, 0) >= 0 {
			return "a parameter is not UTF-8"
		}
	}
	return ""
}

// explainable are the commands that can be prepared in SQL, which are those that have
// a plan (manual: "PREPARE").
func explainable(operation string) bool {
	switch operation {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "VALUES", "TABLE":
		return true
	}
	return false
}

// plain writes a statement without parameters as it was.
func (s *script) plain(q *record.Query) {
	if s.explain {
		s.buf = append(s.buf, "begin;\nexplain (analyze, buffers) "...)
	}
	s.buf = append(append(s.buf, bytes.TrimRight(q.SQL, " \t\r\n;")...), "\n;\n"...)
	if s.explain {
		s.buf = append(s.buf, "rollback;\n"...)
	}
}

// prepared writes a statement with its parameters.
func (s *script) prepared(q *record.Query) {
	name := "pgsniff_" + strconv.Itoa(s.number)
	b := append(append(s.buf, "prepare "...), name...)
	for i := range q.Params {
		b = append(b, separator(i)...)
		b = append(b, typeName(q.Types, i)...)
	}
	if len(q.Params) > 0 {
		b = append(b, ')')
	}
	b = append(append(append(b, " as\n"...), bytes.TrimRight(q.SQL, " \t\r\n;")...), "\n;\n"...)
	if s.explain {
		b = append(b, "begin;\nexplain (analyze, buffers) "...)
	}
	b = append(append(b, "execute "...), name...)
	for i, v := range q.Params {
		b = append(b, separator(i)...)
		if v == nil {
			b = append(b, "null"...)
			continue
		}
		text, _ := s.textOf(q, i, v) // it was looked at before
		b = appendLiteral(b, text)
	}
	if len(q.Params) > 0 {
		b = append(b, ')')
	}
	b = append(b, ";\n"...)
	if s.explain {
		b = append(b, "rollback;\n"...)
	}
	s.buf = append(append(append(b, "deallocate "...), name...), ";\n"...)
}

func separator(i int) string {
	if i == 0 {
		return " ("
	}
	return ", "
}

// typeName names the type of a parameter as SQL has it, unknown where the database
// assigned its OID.
func typeName(types []uint32, i int) string {
	name := ""
	if i < len(types) {
		name = value.TypeName(types[i])
	}
	if name == "" || name == "unknown" {
		return "unknown"
	}
	if element, ok := bytes.CutSuffix([]byte(name), []byte("[]")); ok {
		return `pg_catalog."` + string(element) + `"[]`
	}
	return `pg_catalog."` + name + `"`
}

// textOf returns a parameter as text.
func (s *script) textOf(q *record.Query, i int, b []byte) (text []byte, ok bool) {
	if q.FormatOf(i) == 0 {
		return b, true
	}
	text, s.text, ok = record.ValueText(s.text, b, q.TypeOf(i), q.FormatOf(i), s.zone.Of(q.Who))
	return text, ok
}

// appendLiteral appends a string constant that means the same whatever the session's
// settings.
func appendLiteral(dst, v []byte) []byte {
	if bytes.IndexByte(v, '\\') >= 0 {
		dst = append(dst, 'E')
	}
	dst = append(dst, '\'')
	for _, b := range v {
		if b == '\'' || b == '\\' {
			dst = append(dst, b)
		}
		dst = append(dst, b)
	}
	return append(dst, '\'')
}
