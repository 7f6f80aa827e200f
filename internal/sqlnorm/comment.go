package sqlnorm

import (
	"bytes"

	"github.com/pgsniff/pgsniff/internal/sqltext"
)

// Tag is a key with its value that an application put into a comment.
type Tag struct {
	Key, Value []byte
}

// maxTags bounds the tags of a statement; applications write some six of them.
const maxTags = 32

// AppendTags appends the tags in the comments of a statement: those that sqlcommenter
// writes (/*controller='index',traceparent='00-…'*/), decoded, and the older form of
// Rails (/*application:Shop,controller:x*/). Only comments before the statement's
// first token or after its last one count, and only those that hold nothing else. The
// tags' memory is their own, and each key is there once.
func AppendTags(dst []Tag, sql []byte) []Tag {
	if !commented(sql) {
		return dst
	}
	l := sqltext.Lexer{Src: sql}
	first, end, semicolon := l.Next(), 0, 0
	for t := first; t.Kind != sqltext.EOF; t = l.Next() {
		if end = t.End; t.Kind == sqltext.Semicolon {
			semicolon = t.Start
		}
	}
	from := len(dst)
	dst = appendTagsOf(dst, sql[:first.Start])
	if first.Kind == sqltext.EOF {
		return dst[:from] // there is no statement
	}
	if semicolon > 0 && semicolon == end-1 { // select 1 /*…*/;
		before := sqltext.Lexer{Src: sql[:semicolon]}
		last := 0
		for t := before.Next(); t.Kind != sqltext.EOF; t = before.Next() {
			last = t.End
		}
		dst = appendTagsOf(dst, sql[last:semicolon])
	}
	dst = appendTagsOf(dst, sql[end:])
	return dst[:from+unique(dst[from:])]
}

// unique leaves the first tag of each key; there are few. It returns how many that are.
func unique(tags []Tag) int {
	n := 0
next:
	for _, t := range tags {
		for _, have := range tags[:n] {
			if bytes.Equal(have.Key, t.Key) {
				continue next
			}
		}
		tags[n] = t
		n++
	}
	return n
}

// commented reports whether a comment may stand at an end of the text. It looks at
// little of it: most statements have none.
func commented(sql []byte) bool {
	if len(sql) == 0 {
		return false
	}
	switch first, last := sql[0], sql[len(sql)-1]; {
	case first == '/' || last == '/' || first == '-' || last == ';' || sqltext.Classes[first]&sqltext.ClassSpace != 0 || sqltext.Classes[last]&sqltext.ClassSpace != 0:
		return bytes.Contains(sql, []byte("/*"))
	}
	// A comment to the end of the line may follow the last one in asterisks.
	line := sql[bytes.LastIndexByte(sql, '\n')+1:]
	return bytes.Contains(line, []byte("--")) && bytes.Contains(sql, []byte("/*"))
}

// appendTagsOf appends the tags in a stretch of white space and comments.
func appendTagsOf(dst []Tag, gap []byte) []Tag {
	for c := range sqltext.Comments(gap, 0, len(gap)) {
		if !c.Line {
			dst = appendComment(dst, c.Text(gap))
		}
	}
	return dst
}

func appendComment(dst []Tag, comment []byte) []Tag {
	comment = bytes.TrimSpace(comment)
	from := len(dst)
	out, ok := appendQuotedTags(dst, comment)
	if !ok {
		out, ok = appendPlainTags(dst, comment)
	}
	if !ok {
		return dst[:from]
	}
	return out
}

// appendQuotedTags takes key='value', key='value'. A quote inside of a value is
// written as \'.
func appendQuotedTags(dst []Tag, b []byte) ([]Tag, bool) {
	for len(dst) < maxTags {
		i := bytes.IndexByte(b, '=')
		if i <= 0 || i+1 >= len(b) || b[i+1] != '\'' || !tagKey(bytes.TrimSpace(b[:i])) {
			return dst, false
		}
		key, rest := bytes.TrimSpace(b[:i]), b[i+2:]
		end := endOfValue(rest)
		if end < 0 {
			return dst, false
		}
		dst = append(dst, Tag{decodeTag(key), decodeTag(rest[:end])})
		if b = bytes.TrimLeft(rest[end+1:], " "); len(b) == 0 {
			return dst, true
		}
		if b[0] != ',' {
			return dst, false
		}
		b = b[1:]
	}
	return dst, true
}

// endOfValue returns where the quote is that ends a value, -1 if nowhere.
func endOfValue(b []byte) int {
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '\'':
			return i
		}
	}
	return -1
}

// railsKeys are the keys one of which a comment of the older form has: without one,
// it may be anybody's note.
var railsKeys = []string{"application", "controller", "action", "job", "namespaced_controller", "source_location", "request_id"}

// appendPlainTags takes key:value,key:value.
func appendPlainTags(dst []Tag, b []byte) ([]Tag, bool) {
	known := false
	for len(b) > 0 && len(dst) < maxTags {
		part := b
		if i := bytes.IndexByte(b, ','); i >= 0 {
			part, b = b[:i], b[i+1:]
		} else {
			b = nil
		}
		i := bytes.IndexByte(part, ':')
		if i <= 0 || !tagKey(part[:i]) || bytes.ContainsAny(part, " \t\r\n'\"") {
			return dst, false
		}
		known = known || isOneOf(part[:i], railsKeys...)
		dst = append(dst, Tag{bytes.Clone(part[:i]), bytes.Clone(part[i+1:])})
	}
	return dst, known
}

// tagKey reports whether b may be a key: what names are made of, and what URLs encode
// others by.
func tagKey(b []byte) bool {
	for _, c := range b {
		if c != '.' && c != '-' && c != '%' && sqltext.Classes[c]&sqltext.ClassIdentCont == 0 || c >= 0x80 {
			return false
		}
	}
	return len(b) > 0
}

// decodeTag undoes the encoding of a key or value: that of URLs, the backslash before
// a quote, and the percent signs that some drivers' formatting has doubled.
func decodeTag(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] == '\\' && i+1 < len(b):
			i++
			out = append(out, b[i])
		case b[i] == '%':
			at := i
			if at+1 < len(b) && b[at+1] == '%' {
				at++
			}
			if at+2 < len(b) && sqltext.Classes[b[at+1]]&sqltext.ClassHex != 0 && sqltext.Classes[b[at+2]]&sqltext.ClassHex != 0 {
				out = append(out, hexValue(b[at+1])<<4|hexValue(b[at+2]))
				i = at + 2
			} else {
				out = append(out, '%')
			}
		default:
			out = append(out, b[i])
		}
	}
	return out
}

func hexValue(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// Trace is the context of a distributed trace (W3C: "Trace Context").
type Trace struct {
	TraceID string // 32 hexadecimal digits
	SpanID  string // 16 of them: the caller's span
	Sampled bool
}

// TraceOf returns the context that a tag "traceparent" carries; ok is false where
// there is none, or none that is valid.
func TraceOf(tags []Tag) (t Trace, ok bool) {
	for _, tag := range tags {
		if string(tag.Key) != "traceparent" {
			continue
		}
		// version - trace id - parent id - flags
		v := tag.Value
		if len(v) < 55 || v[2] != '-' || v[35] != '-' || v[52] != '-' || len(v) > 55 && (v[55] != '-' || string(v[:2]) == "00") {
			return t, false
		}
		version, trace, span, flags := v[:2], v[3:35], v[36:52], v[53:55]
		if !lowerHex(version) || !lowerHex(trace) || !lowerHex(span) || !lowerHex(flags) || string(version) == "ff" || zeros(trace) || zeros(span) {
			return t, false
		}
		return Trace{TraceID: string(trace), SpanID: string(span), Sampled: hexValue(flags[1])&1 == 1}, true
	}
	return t, false
}

func lowerHex(b []byte) bool {
	for _, c := range b {
		if sqltext.Classes[c]&sqltext.ClassHex == 0 || c >= 'A' && c <= 'F' {
			return false
		}
	}
	return true
}

func zeros(b []byte) bool { return len(bytes.Trim(b, "0")) == 0 }
