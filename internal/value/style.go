package value

import (
	"strconv"
	"strings"
	"time"
)

// DateStyle is how dates and times are printed: the first part of the setting of that
// name.
type DateStyle uint8

// The styles of dates (manual: "Date/Time Output").
const (
	DateISO DateStyle = iota
	DateSQL
	DatePostgres
	DateGerman
)

// IntervalStyle is how intervals are printed: the setting of that name.
type IntervalStyle uint8

// The styles of intervals (manual: "Interval Output").
const (
	IntervalPostgres IntervalStyle = iota
	IntervalVerbose
	IntervalSQL
	IntervalISO
)

// SessionOf returns the settings of a session in one text, as records carry them: the
// time zone, and where the others are not the defaults, a NUL, DateStyle, a NUL and
// IntervalStyle. It is nil for the defaults; what is not known is taken for those.
func SessionOf(settings string) *Session {
	timeZone, rest, _ := strings.Cut(settings, "\x00")
	date, interval, _ := strings.Cut(rest, "\x00")
	s := Session{TimeZone: Zone(timeZone)}
	s.setDateStyle(date)
	switch interval {
	case "postgres_verbose":
		s.Intervals = IntervalVerbose
	case "sql_standard":
		s.Intervals = IntervalSQL
	case "iso_8601":
		s.Intervals = IntervalISO
	}
	if s == (Session{}) {
		return nil
	}
	return &s
}

// setDateStyle reads the setting as servers report it: "Postgres, DMY".
func (s *Session) setDateStyle(setting string) {
	style, order, _ := strings.Cut(setting, ", ")
	switch style {
	case "SQL":
		s.Dates = DateSQL
	case "Postgres":
		s.Dates = DatePostgres
	case "German":
		s.Dates = DateGerman
	}
	s.DayFirst = order == "DMY"
}

// styled tells whether dates are not those of ISO 8601.
func (s *Session) styled() bool { return s != nil && s.Dates != DateISO }

// appendStyledDay prints the date of a day counted from 2000-01-01, without its era
// (EncodeDateOnly, src/backend/utils/adt/datetime.c).
func (s *Session) appendStyledDay(dst []byte, days int64) (out []byte, bc bool) {
	year, month, day := civil(days)
	if bc = year <= 0; bc {
		year = 1 - year
	}
	separator, first, second := byte('-'), month, day
	switch {
	case s.Dates == DateGerman:
		separator, first, second = '.', day, month
	case s.DayFirst:
		first, second = day, month
	}
	if s.Dates == DateSQL {
		separator = '/'
	}
	dst = appendTwo(dst, uint64(first))
	dst = appendTwo(append(dst, separator), uint64(second))
	return appendYear(append(dst, separator), year), bc
}

func appendYear(dst []byte, year int64) []byte {
	if year < 10000 {
		return appendFour(dst, uint16(year))
	}
	return strconv.AppendInt(dst, year, 10)
}

// zoneShown is the zone of a time: its name, and how far east of Greenwich it is.
type zoneShown struct {
	shown bool
	name  string
	east  int // seconds
}

// maxZoneName is how much of a zone's name is shown (MAXTZLEN).
const maxZoneName = 10

// appendStyled prints microseconds since 2000-01-01, in the zone's time
// (EncodeDateTime, likewise).
func (s *Session) appendStyled(dst []byte, us int64, z zoneShown) []byte {
	days, rest := us/usPerDay, us%usPerDay
	if rest < 0 {
		days, rest = days-1, rest+usPerDay
	}
	var bc bool
	if s.Dates == DatePostgres {
		dst, bc = s.appendPostgres(dst, days, uint64(rest))
	} else {
		dst, bc = s.appendStyledDay(dst, days)
		dst = appendClock(append(dst, ' '), uint64(rest))
	}
	switch {
	case z.shown && z.name != "":
		dst = append(append(dst, ' '), z.name[:min(len(z.name), maxZoneName)]...)
	case z.shown:
		if s.Dates == DatePostgres {
			dst = append(dst, ' ')
		}
		dst = appendOffset(dst, z.east)
	}
	return appendEra(dst, bc)
}

// appendPostgres prints "Thu Feb 29 12:34:56 2024", or with the day first.
func (s *Session) appendPostgres(dst []byte, days int64, us uint64) (out []byte, bc bool) {
	const saturday = 6 // 2000-01-01
	year, month, day := civil(days)
	if bc = year <= 0; bc {
		year = 1 - year
	}
	dst = append(dst, time.Weekday(((days+saturday)%7 + 7) % 7).String()[:3]...)
	name := time.Month(month).String()[:3]
	if s.DayFirst {
		dst = appendTwo(append(dst, ' '), uint64(day))
		dst = append(append(dst, ' '), name...)
	} else {
		dst = append(append(dst, ' '), name...)
		dst = appendTwo(append(dst, ' '), uint64(day))
	}
	dst = appendClock(append(dst, ' '), us)
	return appendYear(append(dst, ' '), year), bc
}
