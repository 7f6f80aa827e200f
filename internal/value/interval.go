package value

import (
	"math"
	"strconv"
)

// appendInterval prints an interval (EncodeInterval,
// src/backend/utils/adt/datetime.c). In IntervalStyle postgres each part has its own
// sign, and a positive one after a negative shows a plus.
func appendInterval(dst []byte, b []byte, s *Session) ([]byte, bool) {
	if len(b) != 16 {
		return dst, false
	}
	us, days, months := int64At(b, 0), int32At(b, 8), int32At(b, 12)
	// Since PostgreSQL 17 the extremes of all three mean infinity.
	switch {
	case us == math.MaxInt64 && days == math.MaxInt32 && months == math.MaxInt32:
		return append(dst, "infinity"...), true
	case us == math.MinInt64 && days == math.MinInt32 && months == math.MinInt32:
		return append(dst, "-infinity"...), true
	}
	if s != nil && s.Intervals != IntervalPostgres {
		p := newSpan(us, days, months)
		switch s.Intervals {
		case IntervalVerbose:
			return p.appendVerbose(dst), true
		case IntervalSQL:
			return p.appendSQL(dst), true
		default:
			return p.appendISO(dst), true
		}
	}
	start := len(dst)
	negative := false
	for _, part := range [...]struct {
		n    int32
		unit string
	}{{months / 12, "year"}, {months % 12, "mon"}, {days, "day"}} {
		if part.n == 0 {
			continue
		}
		if len(dst) > start {
			dst = append(dst, ' ')
		}
		if negative && part.n > 0 {
			dst = append(dst, '+')
		}
		negative = part.n < 0
		dst = strconv.AppendInt(dst, int64(part.n), 10)
		dst = append(append(dst, ' '), part.unit...)
		if part.n != 1 {
			dst = append(dst, 's')
		}
	}
	if us == 0 && len(dst) > start {
		return dst, true
	}
	if len(dst) > start {
		dst = append(dst, ' ')
	}
	return appendSignedClock(dst, us, negative), true
}

// appendSignedClock prints an interval's time of day; afterNegative asks for a plus
// sign.
func appendSignedClock(dst []byte, us int64, afterNegative bool) []byte {
	size := uint64(us)
	if us < 0 {
		dst = append(dst, '-')
		size = -size
	} else if afterNegative {
		dst = append(dst, '+')
	}
	return appendClock(dst, size)
}
