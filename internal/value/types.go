package value

// kind says how a type's values are printed. Types that print alike share one.
type kind uint8

const (
	kNone kind = iota
	kText
	kBool
	kInt2
	kInt4
	kInt8
	kOID
	kXID8
	kReg
	kRegtype
	kFloat4
	kFloat8
	kNumeric
	kMoney
	kDate
	kTime
	kTimeTZ
	kTimestamp
	kTimestampTZ
	kInterval
	kBytea
	kChar
	kUUID
	kVersioned // a version byte, 1, and text
	kBits
	kInet
	kCIDR
	kMAC
	kMAC8
	kPoint
	kLseg
	kPath
	kBox
	kPolygon
	kLine
	kCircle
	kTSVector
	kTSQuery
	kLSN
	kTID
	kSnapshot
	kVoid
	kArray
	kVector // int2vector, oidvector
	kRange
	kMultirange
	kRecord
)

const oidBox = 603

type typeInfo struct {
	oid  uint32
	name string
	kind kind
	elem uint32 // of an array, vector or range: its elements; of a multirange: its ranges
}

// maxOID is the highest in catalog.
const maxOID = 6491

// byOID maps an OID to 1 + its index in catalog.
var byOID = func() (index [maxOID + 1]uint8) {
	for i := range catalog {
		index[catalog[i].oid] = uint8(i + 1)
	}
	return index
}()

func lookup(oid uint32) *typeInfo {
	if oid > maxOID || byOID[oid] == 0 {
		return nil
	}
	return &catalog[byOID[oid]-1]
}

// TypeName returns the name of a type with a fixed OID as pg_type.typname has it,
// such as "int4" or "timestamptz"; arrays are the element's name and brackets,
// "text[]". It is empty for OIDs that the database assigned.
func TypeName(oid uint32) string {
	if t := lookup(oid); t != nil {
		return t.name
	}
	return ""
}
