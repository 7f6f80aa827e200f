package value

import "unicode/utf8"

// firstUnlistedOID is the lowest OID that is not fixed by the catalog's sources
// (FirstGenbkiObjectId). Those of information_schema are right above it.
const firstUnlistedOID = 10000

// canExist reports whether a type may have this OID in some database.
func canExist(oid uint32) bool {
	return oid >= firstUnlistedOID || lookup(oid) != nil
}

// AppendUnknown appends the text of b, a value in binary format whose type's OID
// TypeName does not know, if its bytes leave no doubt: printable UTF-8, as enums,
// citext and other types with text for their binary form send; an array or a row
// all of whose parts can be printed; an hstore. Otherwise ok is false and dst is
// returned with its contents unchanged. s may be nil.
func AppendUnknown(dst, b []byte, s *Session) (out []byte, ok bool) {
	p := newPrinter(dst, b, s)
	out, ok = p.unknown(dst, b)
	if !ok {
		return dst, false
	}
	return out, true
}

// unknown tries the forms in turn. Text has no zero bytes, which the others begin
// with; an array's second word, 0 or 1, is no type that could be a row's first; and
// an hstore is not looked into. So each byte is looked at a few times at each
// level, and not twice as often with each.
func (p *printer) unknown(dst, b []byte) ([]byte, bool) {
	if printable(b) {
		return append(dst, b...), true
	}
	if p.depth == maxDepth {
		return dst, false
	}
	p.depth++
	defer func() { p.depth-- }()
	if out, ok := p.unknownArray(dst, b); ok {
		return out, true
	}
	if len(b) > 4 {
		if out, ok := p.record(dst, b); ok && len(out) <= p.limit {
			return out, true
		}
	}
	return p.hstore(dst, b)
}

// unknownArray prints an array. One without elements has little to know it by, so
// its element type must be one that exists or could.
func (p *printer) unknownArray(dst, b []byte) ([]byte, bool) {
	if len(b) < arrayHeader || !canExist(uint32At(b, 8)) {
		return dst, false
	}
	return p.array(dst, 0, b)
}

// hstore prints contrib's hstore: a count of pairs, each a key and a value with
// their lengths, as `"k"=>"v", "n"=>NULL`.
func (p *printer) hstore(dst, b []byte) ([]byte, bool) {
	if len(b) < 4 || uint32At(b, 0) == 0 {
		return dst, false
	}
	n, rest := uint32At(b, 0), b[4:]
	for i := range n {
		key, after, ok := cutSized(rest)
		if !ok || key == nil || !printable(key) {
			return dst, false
		}
		val, after, ok := cutSized(after)
		if !ok || !printable(val) {
			return dst, false
		}
		rest = after
		if i > 0 {
			dst = append(dst, ',', ' ')
		}
		dst = append(appendQuoted(dst, key), '=', '>')
		if val == nil {
			dst = append(dst, "NULL"...)
		} else {
			dst = appendQuoted(dst, val)
		}
	}
	return dst, len(rest) == 0
}

// appendQuoted puts text in quotes; quotes and backslashes get a backslash.
func appendQuoted(dst, text []byte) []byte {
	dst = append(dst, '"')
	for _, c := range text {
		if charClasses[c] == escape {
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
	}
	return append(dst, '"')
}

// printable reports whether b is UTF-8 without control characters other than tab
// and line ends.
func printable(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' || c == 0x7F {
			return false
		}
	}
	if !utf8.Valid(b) {
		return false
	}
	// The C1 controls are C2 80 to C2 9F.
	for i := 1; i < len(b); i++ {
		if b[i-1] == 0xC2 && b[i] < 0xA0 {
			return false
		}
	}
	return true
}
