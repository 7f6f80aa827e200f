package replication

// fits reports whether a row can be one of a relation that somebody else
// described: the number of columns, and what the values of common types look
// like. It is a check on a conclusion, not on rows.
func fits(r *Relation, t Tuple) bool {
	if len(r.Columns) != t.Len() {
		return false
	}
	it := t.Iter()
	for i := 0; it.Next(); i++ {
		switch it.Kind() {
		case ColumnText:
			if !textFits(r.Columns[i].TypeOID, it.Value()) {
				return false
			}
		case ColumnBinary:
			if n := binarySize(r.Columns[i].TypeOID); n > 0 && n != it.Size() {
				return false
			}
		}
	}
	return true
}

// The types that are checked, by OID.
const (
	oidBool        = 16
	oidInt8        = 20
	oidInt2        = 21
	oidInt4        = 23
	oidOID         = 26
	oidFloat4      = 700
	oidFloat8      = 701
	oidDate        = 1082
	oidTime        = 1083
	oidTimestamp   = 1114
	oidTimestamptz = 1184
	oidNumeric     = 1700
	oidUUID        = 2950
)

func textFits(oid uint32, v []byte) bool {
	switch oid {
	case oidBool:
		return len(v) == 1 && (v[0] == 't' || v[0] == 'f')
	case oidInt2, oidInt4, oidInt8, oidOID:
		return integer(v)
	case oidNumeric, oidFloat4, oidFloat8:
		return len(v) > 0 && (v[0] == '-' || v[0] == 'N' || v[0] == 'I' || digit(v[0]))
	case oidDate, oidTime, oidTimestamp, oidTimestamptz:
		return len(v) > 0 && (digit(v[0]) || v[0] == 'i' || v[0] == '-')
	case oidUUID:
		return len(v) == 36 && v[8] == '-' && v[13] == '-'
	}
	return true
}

func integer(v []byte) bool {
	if len(v) > 0 && v[0] == '-' {
		v = v[1:]
	}
	for _, b := range v {
		if !digit(b) {
			return false
		}
	}
	return len(v) > 0 && len(v) <= 20
}

func digit(b byte) bool { return b >= '0' && b <= '9' }

// binarySize is the length of a type's binary form, 0 where it varies.
func binarySize(oid uint32) int {
	switch oid {
	case oidBool:
		return 1
	case oidInt2:
		return 2
	case oidInt4, oidOID, oidFloat4, oidDate:
		return 4
	case oidInt8, oidFloat8, oidTime, oidTimestamp, oidTimestamptz:
		return 8
	case oidUUID:
		return 16
	}
	return 0
}
