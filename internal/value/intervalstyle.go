package value

import "strconv"

// span is an interval in the parts that it is shown in, each with a sign of its own.
type span struct {
	years, months, days, hours, minutes, seconds, fraction int64 // microseconds the last
}

func newSpan(us int64, days, months int32) span {
	const hour = 3600 * usPerSecond
	return span{
		int64(months / 12), int64(months % 12), int64(days),
		us / hour, us / (60 * usPerSecond) % 60, us / usPerSecond % 60, us % usPerSecond,
	}
}

func (p *span) parts() [7]int64 {
	return [7]int64{p.years, p.months, p.days, p.hours, p.minutes, p.seconds, p.fraction}
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

// appendSeconds prints the seconds without their sign, with two digits where padded.
func (p *span) appendSeconds(dst []byte, padded bool) []byte {
	if padded {
		dst = appendTwo(dst, magnitude(p.seconds))
	} else {
		dst = strconv.AppendUint(dst, magnitude(p.seconds), 10)
	}
	if p.fraction == 0 {
		return dst
	}
	dst = append(dst, '.')
	rest := magnitude(p.fraction)
	for unit := uint64(usPerSecond / 10); rest > 0; unit /= 10 {
		dst = append(dst, byte('0'+rest/unit))
		rest %= unit
	}
	return dst
}

// appendISO prints "P1Y2M3DT4H5M6.7S".
func (p *span) appendISO(dst []byte) []byte {
	if *p == (span{}) {
		return append(dst, "PT0S"...)
	}
	part := func(n int64, unit byte) {
		if n != 0 {
			dst = append(strconv.AppendInt(dst, n, 10), unit)
		}
	}
	dst = append(dst, 'P')
	part(p.years, 'Y')
	part(p.months, 'M')
	part(p.days, 'D')
	if p.hours|p.minutes|p.seconds|p.fraction != 0 {
		dst = append(dst, 'T')
	}
	part(p.hours, 'H')
	part(p.minutes, 'M')
	if p.seconds|p.fraction != 0 {
		if p.seconds < 0 || p.fraction < 0 {
			dst = append(dst, '-')
		}
		dst = append(p.appendSeconds(dst, false), 'S')
	}
	return dst
}

// appendVerbose prints "@ 1 year 2 mons 3 days 4 hours 5 mins 6.7 secs ago".
func (p *span) appendVerbose(dst []byte) []byte {
	zero, before := true, false
	dst = append(dst, '@')
	for i, unit := range [...]string{"year", "mon", "day", "hour", "min"} {
		n := p.parts()[i]
		if n == 0 {
			continue
		}
		switch {
		case zero:
			if before = n < 0; before {
				n = -n
			}
		case before:
			n = -n
		}
		dst = strconv.AppendInt(append(dst, ' '), n, 10)
		dst = append(append(dst, ' '), unit...)
		if n != 1 {
			dst = append(dst, 's')
		}
		zero = false
	}
	if p.seconds|p.fraction != 0 {
		dst = append(dst, ' ')
		negative := p.seconds < 0 || p.fraction < 0
		switch {
		case negative && zero:
			before = true
		case negative != before:
			dst = append(dst, '-')
		}
		dst = append(p.appendSeconds(dst, false), " sec"...)
		if magnitude(p.seconds) != 1 || p.fraction != 0 {
			dst = append(dst, 's')
		}
		zero = false
	}
	if zero {
		dst = append(dst, " 0"...)
	}
	if before {
		dst = append(dst, " ago"...)
	}
	return dst
}

// appendSQL prints "1-2", "3 4:05:06.7", or "+1-2 +3 +4:05:06.7" where one is not
// enough.
func (p *span) appendSQL(dst []byte) []byte {
	var negative, positive bool
	for _, n := range p.parts() {
		negative, positive = negative || n < 0, positive || n > 0
	}
	months, rest := p.years|p.months != 0, p.days|p.hours|p.minutes|p.seconds|p.fraction != 0
	clock := func() {
		dst = strconv.AppendUint(dst, magnitude(p.hours), 10)
		dst = appendTwo(append(dst, ':'), magnitude(p.minutes))
		dst = p.appendSeconds(append(dst, ':'), true)
	}
	sign := func(minus bool) {
		if minus {
			dst = append(dst, '-')
		} else {
			dst = append(dst, '+')
		}
	}
	yearMonth := func() {
		dst = strconv.AppendUint(dst, magnitude(p.years), 10)
		dst = strconv.AppendUint(append(dst, '-'), magnitude(p.months), 10)
	}
	switch {
	case !negative && !positive:
		return append(dst, '0')
	case negative && positive || months && rest:
		sign(p.years < 0 || p.months < 0)
		yearMonth()
		dst = append(dst, ' ')
		sign(p.days < 0)
		dst = append(strconv.AppendUint(dst, magnitude(p.days), 10), ' ')
		sign(p.hours < 0 || p.minutes < 0 || p.seconds < 0 || p.fraction < 0)
		clock()
		return dst
	}
	if negative {
		dst = append(dst, '-')
	}
	switch {
	case months:
		yearMonth()
	case p.days != 0:
		dst = append(strconv.AppendUint(dst, magnitude(p.days), 10), ' ')
		clock()
	default:
		clock()
	}
	return dst
}
