package attach

import (
	"encoding/binary"
	"fmt"
)

// LockTag is what a server waited for: PostgreSQL's LOCKTAG (src/include/storage/lock.h)
// with the mode of the lock in place of the lock's method.
type LockTag [tagSize]byte

// The fields of a LockTag, which are also the first arguments of the probe
// lock-wait-start.
const (
	tagSize   = 16
	tagFourth = 12 // uint16
	tagType   = 14 // uint8
	tagMode   = 15 // uint8
)

// tagFields are the places and sizes of the probe's arguments.
var tagFields = [...]struct{ at, size int32 }{{0, 4}, {4, 4}, {8, 4}, {tagFourth, 2}, {tagType, 1}, {tagMode, 1}}

// oldestTags is the first version of PostgreSQL whose types of locks have these
// numbers.
const oldestTags = 14

var lockModes = [...]string{
	1: "AccessShareLock", "RowShareLock", "RowExclusiveLock", "ShareUpdateExclusiveLock",
	"ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock",
}

// String says it as the server's log does: "ShareLock on transaction 753". It is empty
// where that is not known.
func (t LockTag) String() string {
	mode := int(t[tagMode])
	if mode == 0 || mode >= len(lockModes) {
		return ""
	}
	on := t.object()
	if on == "" {
		return ""
	}
	return lockModes[mode] + " on " + on
}

// object is what DescribeLockTag of the server says (src/backend/storage/lmgr/lmgr.c).
func (t LockTag) object() string {
	order := binary.NativeEndian
	one, two, three, four := order.Uint32(t[:]), order.Uint32(t[4:]), order.Uint32(t[8:]), order.Uint16(t[tagFourth:])
	switch t[tagType] {
	case 0:
		return fmt.Sprintf("relation %d of database %d", two, one)
	case 1:
		return fmt.Sprintf("extension of relation %d of database %d", two, one)
	case 2:
		return fmt.Sprintf("pg_database.datfrozenxid of database %d", one)
	case 3:
		return fmt.Sprintf("page %d of relation %d of database %d", three, two, one)
	case 4:
		return fmt.Sprintf("tuple (%d,%d) of relation %d of database %d", three, four, two, one)
	case 5:
		return fmt.Sprintf("transaction %d", one)
	case 6:
		return fmt.Sprintf("virtual transaction %d/%d", int32(one), two)
	case 7:
		return fmt.Sprintf("speculative token %d of transaction %d", two, one)
	case 8:
		return fmt.Sprintf("object %d of class %d of database %d", three, two, one)
	case 10:
		return fmt.Sprintf("advisory lock [%d,%d,%d,%d]", one, two, three, four)
	}
	return ""
}
