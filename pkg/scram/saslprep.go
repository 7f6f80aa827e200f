package scram

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Prepare prepares a password as PostgreSQL does on both sides (RFC 4013;
// src/common/saslprep.c): one that is not UTF-8, or holds what SASLprep refuses,
// is used as it is. Like PostgreSQL, and unlike the RFC, it looks for refused
// characters before normalisation, and not at all in ASCII.
func Prepare(password string) string {
	if isASCII(password) || !utf8.ValidString(password) {
		return password
	}
	var mapped strings.Builder
	for _, r := range password {
		switch {
		case nonASCIISpaces.has(r):
			mapped.WriteByte(' ')
		case !mappedToNothing.has(r):
			mapped.WriteRune(r)
		}
	}
	text := []rune(mapped.String())
	if len(text) == 0 || slices.ContainsFunc(text, refused.has) || !bidiAllows(text) {
		return password
	}
	return norm.NFKC.String(mapped.String())
}

// bidiAllows applies RFC 3454, section 6, to text that is not empty.
func bidiAllows(text []rune) bool {
	if !slices.ContainsFunc(text, rightToLeft.has) {
		return true
	}
	return !slices.ContainsFunc(text, leftToRight.has) &&
		rightToLeft.has(text[0]) && rightToLeft.has(text[len(text)-1])
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// runeRanges is a set of characters: first and last of each range, in order.
type runeRanges []rune

func (t runeRanges) has(r rune) bool {
	i, found := slices.BinarySearch(t, r)
	return found || i%2 == 1 // between a first and a last
}
