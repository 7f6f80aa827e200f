package stats

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
)

// widths measures text without regard to the locale, so that the same report
// looks the same everywhere.
var widths = &runewidth.Condition{StrictEmojiNeutral: true}

// formatCount writes a number with commas between thousands.
func formatCount(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	var b strings.Builder
	for i, c := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}

func formatPercent(part, whole uint64) string {
	if whole == 0 {
		return ""
	}
	return strconv.FormatFloat(float64(part)/float64(whole)*100, 'f', 1, 64) + " %"
}

// printable returns captured text as a terminal may be given it: control
// characters and bytes that are not UTF-8 are replaced.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return utf8.RuneError
		}
		return r
	}, s)
}

// cut shortens text to a width in columns and says so by an ellipsis; a width
// below 1 means no limit.
func cut(s string, width int) string {
	if width < 1 {
		return s
	}
	return widths.Truncate(s, width, "…")
}

// pad fills text with spaces up to a width in columns, on the right, or on the
// left if right is set.
func pad(s string, width int, right bool) string {
	fill := strings.Repeat(" ", max(width-widths.StringWidth(s), 0))
	if right {
		return fill + s
	}
	return s + fill
}

// bar returns a bar of n of most's length, which is width columns. What is not
// nothing is visible.
func bar(n, most uint64, width int) string {
	if n == 0 || most == 0 {
		return ""
	}
	eighths := max(int(float64(n)/float64(most)*float64(width)*8), 1)
	s := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		s += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	return s
}
