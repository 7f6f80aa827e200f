package value

import "strconv"

// appendLSN prints a position in the write-ahead log as "16/B374D848".
func appendLSN(dst []byte, b []byte) ([]byte, bool) {
	if len(b) != 8 {
		return dst, false
	}
	dst = append(appendHexUpper(dst, uint32At(b, 0)), '/')
	return appendHexUpper(dst, uint32At(b, 4)), true
}

func appendHexUpper(dst []byte, n uint32) []byte {
	shift := 28
	for shift > 0 && n>>shift == 0 {
		shift -= 4
	}
	for ; shift >= 0; shift -= 4 {
		dst = append(dst, hexUpper[n>>shift&15])
	}
	return dst
}

// appendTID prints a row's block and its place there.
func appendTID(dst []byte, b []byte) ([]byte, bool) {
	if len(b) != 6 {
		return dst, false
	}
	dst = strconv.AppendUint(append(dst, '('), uint64(uint32At(b, 0)), 10)
	dst = strconv.AppendUint(append(dst, ','), uint64(uint16At(b, 4)), 10)
	return append(dst, ')'), true
}

// appendSnapshot prints pg_snapshot: a count, xmin, xmax, and the transactions in
// progress, as "xmin:xmax:xip,xip".
func appendSnapshot(dst []byte, b []byte) ([]byte, bool) {
	const header = 4 + 8 + 8
	if len(b) < header || int64(int32At(b, 0))*8 != int64(len(b)-header) {
		return dst, false
	}
	dst = strconv.AppendUint(dst, uint64At(b, 4), 10)
	dst = strconv.AppendUint(append(dst, ':'), uint64At(b, 12), 10)
	dst = append(dst, ':')
	for i := header; i < len(b); i += 8 {
		if i > header {
			dst = append(dst, ',')
		}
		dst = strconv.AppendUint(dst, uint64At(b, i), 10)
	}
	return dst, true
}

// appendRegtype prints a type as format_type does; one that only the database
// knows stays a number.
func appendRegtype(dst []byte, b []byte) ([]byte, bool) {
	if len(b) != 4 {
		return dst, false
	}
	t := lookup(uint32At(b, 0))
	if t == nil {
		return appendReg(dst, uint32At(b, 0)), true
	}
	name, brackets := t.name, ""
	if n := len(name) - 2; n > 0 && name[n:] == "[]" {
		name, brackets = name[:n], name[n:]
	}
	return append(append(dst, sqlName(name)...), brackets...), true
}

// sqlName returns the name that the SQL standard or its keywords demand in place
// of pg_type's.
func sqlName(name string) string {
	switch name {
	case "bool":
		return "boolean"
	case "int2":
		return "smallint"
	case "int4":
		return "integer"
	case "int8":
		return "bigint"
	case "float4":
		return "real"
	case "float8":
		return "double precision"
	case "bpchar":
		return "character"
	case "varchar":
		return "character varying"
	case "varbit":
		return "bit varying"
	case "time", "timestamp":
		return name + " without time zone"
	case "timetz":
		return "time with time zone"
	case "timestamptz":
		return "timestamp with time zone"
	case "char", "any":
		return `"` + name + `"`
	}
	return name
}
