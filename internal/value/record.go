package value

// maxFields is the most columns of a row type (MaxTupleAttributeNumber).
const maxFields = 1664

// record prints a row: a count of fields, then each field's type and, with its
// length, value. NULL is nothing at all.
func (p *printer) record(dst []byte, b []byte) ([]byte, bool) {
	if len(b) < 4 || uint32At(b, 0) > maxFields {
		return dst, false
	}
	n, rest := uint32At(b, 0), b[4:]
	dst = append(dst, '(')
	for i := range n {
		if len(rest) < 4 {
			return dst, false
		}
		oid := uint32At(rest, 0)
		field, after, ok := cutSized(rest[4:])
		if !ok || !canExist(oid) {
			return dst, false
		}
		rest = after
		if i > 0 {
			dst = append(dst, ',')
		}
		if field == nil {
			continue
		}
		start := len(dst)
		if dst, ok = p.element(dst, oid, field); !ok {
			return dst, false
		}
		if dst, ok = p.quote(dst, start, recordSpecial, false); !ok || len(dst) > p.limit {
			return dst, false
		}
	}
	return append(dst, ')'), len(rest) == 0
}
