package app

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
)

// span is the part of a capture that is shown, of --since and --until. What is before
// it is followed, so that connections, statements and transactions are known; what is
// after it is not read.
type span struct {
	since, until string
	from, to     moment
	begin        atomic.Int64 // once the first packet has come; 0: all
	end          int64        // 0: all
	first        int64        // when the capture begins; 0: nothing of it was read
}

// moment is a time as given: at some offset from the capture's beginning, at a time,
// or at a time of the day on which the capture begins.
type moment struct {
	set    bool
	offset time.Duration
	at     time.Time
	clock  bool // the date of at means nothing
}

func (s *span) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.since, "since", "", "show only what comes from `TIME` on: 14:30, 2026-11-21T14:30:00Z, or 90s from the beginning")
	f.StringVar(&s.until, "until", "", "read only up to `TIME`, given as for --since")
}

// check reads the values.
func (s *span) check() (err error) {
	if s.from, err = parseMoment("since", s.since); err != nil {
		return err
	}
	s.to, err = parseMoment("until", s.until)
	return err
}

func parseMoment(flag, text string) (m moment, err error) {
	if text == "" {
		return m, nil
	}
	m.set = true
	if m.offset, err = time.ParseDuration(text); err == nil && m.offset >= 0 {
		return m, nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04", "2006-01-02"} {
		if m.at, err = time.ParseInLocation(layout, strings.Replace(text, " ", "T", 1), time.Local); err == nil {
			return m, nil
		}
	}
	m.clock = true
	for _, layout := range []string{"15:04:05.999999999", "15:04"} {
		if m.at, err = time.ParseInLocation(layout, text, time.Local); err == nil {
			return m, nil
		}
	}
	return m, usageError("--%s %s: must be a time (14:30:05, 2026-11-21T14:30:05Z) or how long after the beginning (90s, 1h)", flag, text)
}

// resolve returns the moment of a capture that begins at first, in nanoseconds since
// the Unix epoch.
func (m *moment) resolve(first int64) int64 {
	switch {
	case !m.set:
		return 0
	case m.clock:
		day := time.Unix(0, first).In(time.Local)
		return time.Date(day.Year(), day.Month(), day.Day(), m.at.Hour(), m.at.Minute(), m.at.Second(), m.at.Nanosecond(), time.Local).UnixNano()
	case m.at.IsZero():
		return first + int64(m.offset)
	}
	return m.at.UnixNano()
}

// start tells when the capture begins.
func (s *span) start(first int64) {
	if s == nil {
		return
	}
	s.first = first
	s.begin.Store(s.from.resolve(first))
	s.end = s.to.resolve(first)
}

// beforeAll reports whether the part ends before the capture begins.
func (s *span) beforeAll() bool { return s != nil && s.end != 0 && s.end <= s.first }

// begins returns when the part begins; 0: it is all.
func (s *span) begins() int64 {
	if s == nil {
		return 0
	}
	return s.begin.Load()
}

// has reports whether something that happened at a time is shown; 0 stands for what
// the end of the capture found open. Of nil, which live has, all is shown.
func (s *span) has(at int64) bool { return s == nil || at == 0 || at >= s.begin.Load() }
