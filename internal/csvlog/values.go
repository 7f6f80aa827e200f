package csvlog

import (
	"strconv"
	"strings"

	"github.com/pgsniff/pgsniff/internal/record"
)

// values writes parameters as the server logs them.
type values struct {
	text []byte
	zone record.Zone
}

// append appends $1 = '…', $2 = NULL.
func (v *values) append(dst []byte, q *record.Query) []byte {
	for i, b := range q.Params {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(strconv.AppendInt(append(dst, '$'), int64(i+1), 10), " = "...)
		if b == nil {
			dst = append(dst, "NULL"...)
			continue
		}
		dst = append(dst, '\'')
		for _, c := range v.textOf(q, i, b) {
			if c == '\'' {
				dst = append(dst, '\'')
			}
			dst = append(dst, c)
		}
		dst = append(dst, '\'')
	}
	return dst
}

// textOf returns a value as the server's text; the bytes of one whose type is not
// known are written as bytea.
func (v *values) textOf(q *record.Query, i int, b []byte) []byte {
	if q.FormatOf(i) == 0 {
		return b
	}
	text, scratch, ok := record.ValueText(v.text, b, q.TypeOf(i), q.FormatOf(i), v.zone.Of(q.Who))
	if v.text = scratch; ok {
		return text
	}
	const digits = "0123456789abcdef"
	v.text = append(v.text[:0], '\\', 'x')
	for _, c := range b {
		v.text = append(v.text, digits[c>>4], digits[c&15])
	}
	return v.text
}

// hostPort divides an address as records have it. The server names a Unix socket
// [local], and no port.
func hostPort(address string) (host, port string) {
	if strings.HasPrefix(address, "unix:") {
		return "[local]", ""
	}
	i := strings.LastIndexByte(address, ':')
	if i < 0 {
		return address, ""
	}
	return strings.Trim(address[:i], "[]"), address[i+1:]
}
