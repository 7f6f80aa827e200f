package replication

import (
	"strconv"
	"time"
)

// LSN is a position in the write-ahead log, in bytes (manual: "WAL Internals").
type LSN uint64

// String returns the position as PostgreSQL prints it: 0/16B3748.
func (l LSN) String() string { return string(l.Append(nil)) }

// Append appends what String returns.
func (l LSN) Append(dst []byte) []byte {
	dst = appendHex(dst, uint32(l>>32))
	return appendHex(append(dst, '/'), uint32(l))
}

// appendHex appends upper-case digits without leading zeros.
func appendHex(dst []byte, v uint32) []byte {
	const digits = "0123456789ABCDEF"
	var b [8]byte
	i := len(b)
	for more := true; more; more = v > 0 {
		i--
		b[i&7] = digits[v&15]
		v >>= 4
	}
	return append(dst, b[i:]...)
}

// ParseLSN reads a position in the form of String; ok is false for other text.
func ParseLSN(s string) (l LSN, ok bool) {
	for i := range len(s) {
		if s[i] != '/' {
			continue
		}
		high, ok1 := parseHex(s[:i])
		low, ok2 := parseHex(s[i+1:])
		return LSN(high)<<32 | LSN(low), ok1 && ok2
	}
	return 0, false
}

func parseHex(s string) (uint64, bool) {
	if s == "" || len(s) > 8 || s[0] == '+' {
		return 0, false
	}
	v, err := strconv.ParseUint(s, 16, 32)
	return v, err == nil
}

// Time is a time as replication messages carry it: microseconds since
// 2000-01-01 00:00:00 UTC.
type Time int64

// epoch is 2000-01-01 in seconds of the Unix epoch.
const epoch = 946684800

// Time returns t in UTC; every value has one, though not always with a year of
// four digits.
func (t Time) Time() time.Time {
	sec, micro := int64(t)/1e6, int64(t)%1e6
	return time.Unix(sec+epoch, micro*1000).UTC()
}

// UnixNano returns nanoseconds since the Unix epoch; ok is false where they do
// not fit (before 1678 and after 2262).
func (t Time) UnixNano() (ns int64, ok bool) {
	const limit = 8_000_000_000_000_000 // microseconds: 253 years
	if t < -limit || t > limit {
		return 0, false
	}
	return int64(t)*1000 + epoch*1e9, true
}
