package value

import (
	"math"
	"strconv"
	"time"
)

const (
	usPerSecond = 1_000_000
	usPerDay    = 86_400 * usPerSecond

	epochUnix   = 946_684_800 // seconds from 1970 to PostgreSQL's epoch, 2000-01-01
	epochJulian = 2_451_545   // Julian day of 2000-01-01

	// The ranges of src/include/datatype/timestamp.h.
	endDateJulian = 2_147_483_494                         // 5874898-01-01
	minTimestamp  = -211_813_488_000 * int64(usPerSecond) // 4714-11-24 BC
	endTimestamp  = 9_223_371_331_200 * int64(usPerSecond)

	maxZoneSeconds = 16 * 3600 // MAX_TZDISP_HOUR 15, and 59:59
)

// appendDate prints days since 2000-01-01.
func appendDate(dst []byte, b []byte, s *Session) ([]byte, bool) {
	if len(b) != 4 {
		return dst, false
	}
	days := int32At(b, 0)
	switch days {
	case math.MaxInt32:
		return append(dst, "infinity"...), true
	case math.MinInt32:
		return append(dst, "-infinity"...), true
	}
	if days < -epochJulian || days >= endDateJulian-epochJulian {
		return dst, false
	}
	var bc bool
	if s.styled() {
		dst, bc = s.appendStyledDay(dst, int64(days))
	} else {
		dst, bc = appendDay(dst, int64(days))
	}
	return appendEra(dst, bc), true
}

// appendTime prints microseconds since midnight; 24:00:00 is a valid time.
func appendTime(dst []byte, b []byte) ([]byte, bool) {
	if len(b) != 8 || uint64At(b, 0) > usPerDay {
		return dst, false
	}
	return appendClock(dst, uint64At(b, 0)), true
}

// appendTimeTZ prints a time and its zone, which is sent in seconds west of
// Greenwich and shown east of it.
func appendTimeTZ(dst []byte, b []byte) ([]byte, bool) {
	if len(b) != 12 || uint64At(b, 0) > usPerDay {
		return dst, false
	}
	west := int32At(b, 8)
	if west <= -maxZoneSeconds || west >= maxZoneSeconds {
		return dst, false
	}
	return appendOffset(appendClock(dst, uint64At(b, 0)), -int(west)), true
}

// appendTimestamp prints microseconds since 2000-01-01.
func appendTimestamp(dst []byte, b []byte, s *Session) ([]byte, bool) {
	us, class := classifyTimestamp(b)
	if class != finite {
		return appendInfinity(dst, class)
	}
	if s.styled() {
		return s.appendStyled(dst, us, zoneShown{}), true
	}
	dst, bc := appendDayAndClock(dst, us)
	return appendEra(dst, bc), true
}

// appendTimestampTZ prints microseconds since 2000-01-01 UTC in the session's time
// zone.
func appendTimestampTZ(dst []byte, b []byte, s *Session) ([]byte, bool) {
	us, class := classifyTimestamp(b)
	if class != finite {
		return appendInfinity(dst, class)
	}
	east, name := 0, "UTC"
	if s != nil && s.TimeZone != nil && s.TimeZone != time.UTC {
		seconds := us / usPerSecond
		if us%usPerSecond < 0 {
			seconds--
		}
		name, east = time.Unix(seconds+epochUnix, 0).In(s.TimeZone).Zone()
	}
	if s.styled() {
		return s.appendStyled(dst, us+int64(east)*usPerSecond, zoneShown{true, name, east}), true
	}
	dst, bc := appendDayAndClock(dst, us+int64(east)*usPerSecond)
	return appendEra(appendOffset(dst, east), bc), true
}

type timestampClass uint8

const (
	finite timestampClass = iota
	plusInfinity
	minusInfinity
	notTimestamp
)

func classifyTimestamp(b []byte) (us int64, class timestampClass) {
	if len(b) != 8 {
		return 0, notTimestamp
	}
	us = int64At(b, 0)
	switch {
	case us == math.MaxInt64:
		return us, plusInfinity
	case us == math.MinInt64:
		return us, minusInfinity
	case us < minTimestamp || us >= endTimestamp:
		return us, notTimestamp
	}
	return us, finite
}

func appendInfinity(dst []byte, class timestampClass) ([]byte, bool) {
	switch class {
	case plusInfinity:
		return append(dst, "infinity"...), true
	case minusInfinity:
		return append(dst, "-infinity"...), true
	default:
		return dst, false
	}
}

// appendDayAndClock prints microseconds since 2000-01-01 as "2024-02-29
// 12:34:56.789".
func appendDayAndClock(dst []byte, us int64) ([]byte, bool) {
	days, rest := us/usPerDay, us%usPerDay
	if rest < 0 {
		days, rest = days-1, rest+usPerDay
	}
	dst, bc := appendDay(dst, days)
	return appendClock(append(dst, ' '), uint64(rest)), bc
}

// appendDay prints the date of a day counted from 2000-01-01, without its era.
func appendDay(dst []byte, days int64) (out []byte, bc bool) {
	year, month, day := civil(days)
	if bc = year <= 0; bc {
		year = 1 - year
	}
	dst = appendYear(dst, year)
	dst = appendTwo(append(dst, '-'), uint64(month))
	return appendTwo(append(dst, '-'), uint64(day)), bc
}

// civil converts days since 2000-01-01 to the proleptic Gregorian calendar; year 0
// is 1 BC. The year is counted from March, so that the leap day is its last, in
// cycles of 400 years of 146,097 days.
func civil(days int64) (year int64, month, day int) {
	const toMarch = 60 // from 2000-01-01 to 2000-03-01
	const cycle = 146_097
	days -= toMarch
	cycles := days / cycle
	d := days % cycle
	if d < 0 {
		cycles, d = cycles-1, d+cycle
	}
	y := (d - d/1460 + d/36524 - d/146096) / 365
	d -= 365*y + y/4 - y/100
	m := (5*d + 2) / 153
	day = int(d-(153*m+2)/5) + 1
	month = int(m) + 3
	year = 2000 + 400*cycles + y
	if month > 12 {
		month, year = month-12, year+1
	}
	return year, month, day
}

// appendClock prints microseconds as "12:34:56.789"; trailing zeros of the
// fraction are dropped, and hours may exceed 99.
func appendClock(dst []byte, us uint64) []byte {
	seconds, fraction := us/usPerSecond, us%usPerSecond
	hours := seconds / 3600
	if hours < 100 {
		dst = appendTwo(dst, hours)
	} else {
		dst = strconv.AppendUint(dst, hours, 10)
	}
	dst = appendTwo(append(dst, ':'), seconds/60%60)
	dst = appendTwo(append(dst, ':'), seconds%60)
	if fraction == 0 {
		return dst
	}
	dst = append(dst, '.')
	for unit := uint64(usPerSecond / 10); fraction > 0; unit /= 10 {
		dst = append(dst, byte('0'+fraction/unit))
		fraction %= unit
	}
	return dst
}

// appendOffset prints seconds east of Greenwich as "+05:30"; minutes and seconds
// only where they are not zero.
func appendOffset(dst []byte, east int) []byte {
	sign := byte('+')
	if east < 0 {
		sign, east = '-', -east
	}
	dst = appendTwo(append(dst, sign), uint64(east/3600))
	if east%3600 != 0 {
		dst = appendTwo(append(dst, ':'), uint64(east/60%60))
	}
	if east%60 != 0 {
		dst = appendTwo(append(dst, ':'), uint64(east%60))
	}
	return dst
}

func appendEra(dst []byte, bc bool) []byte {
	if bc {
		return append(dst, " BC"...)
	}
	return dst
}
