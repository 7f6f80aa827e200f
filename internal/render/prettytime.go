package render

import (
	"strconv"
	"time"
)

// dayClock appends times of day and keeps the text of the latest second.
type dayClock struct {
	zone   *time.Location
	second int64
	valid  bool
	text   [15]byte // "15:04:05.000000"
	ns     int64    // that text is for
}

func (c *dayClock) append(dst []byte, ns int64) []byte {
	if c.valid && ns == c.ns { // the messages of a packet
		return append(dst, c.text[:]...)
	}
	second, rest := ns/1e9, ns%1e9
	if rest < 0 {
		second, rest = second-1, rest+1e9
	}
	if !c.valid || second != c.second {
		c.second, c.valid = second, true
		time.Unix(second, 0).In(c.zone).AppendFormat(c.text[:0], "15:04:05.")
	}
	appendDigits(c.text[:9], rest/1e3, 6)
	c.ns = ns
	return append(dst, c.text[:]...)
}

// appendDigits appends n with leading zeros, an even number of digits.
func appendDigits(dst []byte, n int64, digits int) []byte {
	const zeros = "0000000000"
	at := len(dst)
	dst = append(dst, zeros[:digits]...)
	for i := len(dst) - 2; i >= at; i -= 2 {
		two := byte(n % 100)
		n /= 100
		dst[i], dst[i+1] = '0'+two/10, '0'+two%10
	}
	return dst
}

func (p *Pretty) timeWidth() int {
	if p.opt.Time == TimeEpoch {
		return 17
	}
	return 15
}

// newDay writes a line with the date, where a line is of another day than the one before
// it.
func (p *Pretty) newDay(ns int64) {
	if ns >= p.today && ns < p.today+dayLength && p.today != 0 {
		return
	}
	if p.opt.Time != TimeAbs && p.opt.Time != TimeUTC {
		return
	}
	t := time.Unix(0, ns).In(p.clock.zone)
	begin := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, p.clock.zone).UnixNano()
	before := p.today
	p.today = begin
	if before == 0 || before == begin {
		return
	}
	l := &p.line
	l.paint(p.opt.Theme.dim)
	l.buf = append(l.buf, t.Format("── 2006-01-02")...)
	l.unpaint(p.opt.Theme.dim)
	l.buf = append(l.buf, '\n')
}

// dayLength is that of most days; on those that end later, or earlier, the date is
// looked up once more.
const dayLength = int64(23 * time.Hour)

// time writes the time of a line.
func (p *Pretty) time(ns int64) {
	p.newDay(ns)
	if !p.started {
		p.started, p.first, p.last = true, ns, ns
	}
	l := &p.line
	l.paint(p.opt.Theme.time)
	at := len(l.buf)
	switch p.opt.Time {
	case TimeAbs, TimeUTC:
		l.buf = p.clock.append(l.buf, ns)
	case TimeRel:
		l.buf = appendSeconds(l.buf, ns-p.first, 15)
	case TimeDelta:
		l.buf = appendSeconds(l.buf, ns-p.last, 15)
	case TimeEpoch:
		l.buf = appendSeconds(l.buf, ns, 17)
	}
	l.col += len(l.buf) - at
	p.last = ns
	l.unpaint(p.opt.Theme.time)
}

// appendSeconds appends ns as seconds with six decimals, right-aligned.
func appendSeconds(dst []byte, ns int64, width int) []byte {
	var b [32]byte
	t := b[:0]
	if ns < 0 {
		t = append(t, '-')
		ns = -ns
	}
	t = strconv.AppendInt(t, ns/1e9, 10)
	t = append(t, '.')
	t = appendDigits(t, ns%1e9/1e3, 6)
	for i := len(t); i < width; i++ {
		dst = append(dst, ' ')
	}
	return append(dst, t...)
}
