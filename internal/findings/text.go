package findings

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

func itoa(n int) string { return strconv.Itoa(n) }

// count writes a number with what it counts.
func count[T int | int64 | uint64](n T, what string) string {
	switch {
	case n == 1:
	case strings.HasSuffix(what, "y") && !strings.HasSuffix(what, "ay") && !strings.HasSuffix(what, "ey"):
		what = what[:len(what)-1] + "ies"
	case strings.HasSuffix(what, "s") || strings.HasSuffix(what, "ch"):
		what += "es"
	default:
		what += "s"
	}
	return grouped(int64(n)) + " " + what
}

// grouped writes a number with its thousands apart.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func digits(f float64) string {
	switch {
	case f >= 99.95:
		return strconv.FormatFloat(f, 'f', 0, 64)
	case f >= 9.995:
		return strconv.FormatFloat(f, 'f', 1, 64)
	}
	return strconv.FormatFloat(f, 'f', 2, 64)
}

func percent(f float64) string { return fmt.Sprintf("%.0f %%", 100*f) }

// brief shortens a statement to n characters for a sentence.
func brief(s *statement, n int) string {
	if s == nil {
		return "a statement"
	}
	return shorten(s.text, n)
}

func shorten(text string, n int) string {
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	i := 0
	for range n - 1 {
		_, w := utf8.DecodeRuneInString(text[i:])
		i += w
	}
	return text[:i] + "…"
}

// list joins words with commas and "and".
func list(words []string) string {
	switch n := len(words); n {
	case 0:
		return ""
	case 1:
		return words[0]
	default:
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
}
