package sqlnorm

import (
	"bytes"
	"encoding/binary"

	"github.com/pgsniff/pgsniff/internal/sqltext"
)

// pwdLetters is the one word of three letters, which a look at every other place
// may miss.
const pwdLetters = 'p' | 'w'<<8 | 'd'<<16

// found is a watched word in a text.
type found struct {
	use        wordUse // 0: none
	start, end int
	next       int // where to look for the next one
}

// findWord returns the first watched word of s whose four letters are at from or
// later.
func findWord(s []byte, from int) found {
	const fold = foldBytes | foldBytes<<32
	i := from
	for ; i+8 <= len(s); i += 6 {
		x := binary.LittleEndian.Uint64(s[i:]) | fold
		if !maybeWord(uint32(x)) && !maybeWord(uint32(x>>16)) && !maybeWord(uint32(x>>32)) {
			continue
		}
		for k := 0; k < 6; k += 2 {
			if maybeWord(uint32(x >> (8 * k))) {
				for j := max(i+k-1, from); j <= i+k+1; j++ {
					if w := wordAt(s, j); w.use != 0 {
						return w
					}
				}
			}
		}
	}
	for i = max(i-1, from); i+3 <= len(s); i++ {
		if w := wordAt(s, i); w.use != 0 {
			return w
		}
	}
	return found{}
}

// maybeWord tells whether the first three of four letters may be some of a word's,
// or the last three are the word of three.
func maybeWord(four uint32) bool {
	p := filterPlace(four)
	return wordFilter[p>>6]&(1<<(p&63)) != 0 || four>>8 == pwdLetters
}

// wordAt returns the word that has its four letters at i.
func wordAt(s []byte, i int) found {
	var four uint32
	if i+4 <= len(s) {
		four = binary.LittleEndian.Uint32(s[i:]) | foldBytes
	} else {
		four = uint32(s[i]) | uint32(s[i+1])<<8 | uint32(s[i+2])<<16 | foldBytes
	}
	if four&0xffffff == pwdLetters {
		four = pwdLetters | 0x20<<24
	}
	slots := wordSlots[slotOf(four)]
	for k := range slots {
		w := &slots[k]
		start := i - w.at
		end := start + len(w.word)
		if w.letters != four || start < 0 || end > len(s) || !sqltext.EqualFold(s[start:end], w.word) {
			continue
		}
		if w.ends && end < len(s) && sqltext.Classes[s[end]]&sqltext.ClassIdentCont != 0 {
			continue
		}
		if w.begins && start > 0 && sqltext.Classes[s[start-1]]&sqltext.ClassIdentCont != 0 {
			continue
		}
		if w.others != nil && beginsOther(s[end:], w.others) {
			continue
		}
		return found{w.use, start, end, i + 1}
	}
	return found{}
}

// beginsOther tells whether a text begins with one of some words, in any case.
func beginsOther(s []byte, words []string) bool {
	for _, w := range words {
		if len(s) >= len(w) && sqltext.EqualFold(s[:len(w)], w) {
			return true
		}
	}
	return false
}

// aboutWords are what names end in that tell something of a secret, and not the secret:
// how many there are, when one was changed.
var aboutWords = makeSet("count", "counts", "total", "limit", "usage", "used", "quota", "budget", "cost", "price", "type", "length",
	"len", "size", "ttl", "lifetime", "age", "at", "date", "time", "expiry", "expires", "expiration", "expired", "created", "updated",
	"changed", "modified", "required", "enabled", "disabled", "policy", "algorithm", "algo", "attempts", "tries", "strength", "version",
	"index", "position", "status", "state")

// tellsOf tells whether a watched word in s is the beginning of a name that tells something of
// a secret only: token_count, passwordChangedAt.
func tellsOf(s []byte, start, end int) bool {
	stop := skipWord(s, end)
	at := stop
	for at > end && s[at-1] != '_' && (s[at-1]-'A' >= 26 || at == stop || s[at]-'a' >= 26) {
		at--
	}
	if at > end && s[at-1] != '_' { // a capital letter begins it: passwordChangedAt
		at--
	}
	return at > start && inSet(aboutWords, s[at:stop])
}

// mentionsSecret tells whether text that is not code names a secret: it has one of
// the words, or a URL with a password.
func mentionsSecret(s []byte) bool {
	for w := findWord(s, 0); w.use != 0; w = findWord(s, w.next) {
		switch w.use {
		case useName:
			if !plainWord(s, w.start, w.end) && !tellsOf(s, w.start, w.end) {
				return true
			}
		case useTokens:
			if givenText(s[w.end:]) {
				return true
			}
		case useFunction:
			if calls(s, w.end) {
				return true
			}
		case useShape:
			if shaped(s, w) {
				return true
			}
		}
	}
	return urlWithSecret(s)
}

// calls tells whether the name that goes on at i is that of a function. Where too much
// white space or a comment follows to look over, it is.
func calls(s []byte, i int) bool {
	const most = 128
	i = skipWord(s, i)
	if i < len(s) && s[i] == '"' {
		i++
	}
	if i < len(s) && sqltext.Classes[s[i]]&sqltext.ClassGap != 0 {
		l := sqltext.Lexer{Src: s[:min(len(s), i+most)]}
		i = l.SkipSpace(i)
		return i == len(l.Src) && i < len(s) || i < len(s) && s[i] == '('
	}
	return i < len(s) && s[i] == '('
}

// plainWord tells whether what was found is one of the words that have other
// meanings, and neither a name's end nor followed by what gives it a value.
func plainWord(s []byte, start, end int) bool {
	if end-start > len("pass") {
		return false
	}
	if start > 0 && sqltext.Classes[s[start-1]]&sqltext.ClassIdentCont != 0 {
		hump := s[start] == 'P' && s[start-1]-'a' < 26 // userPass
		return s[start-1] != '_' && !hump              // bypass
	}
	rest := s[end:]
	if len(rest) > 0 && (rest[0] == '"' || rest[0] == '\'') {
		rest = rest[1:] // {"pass": …}
	}
	rest = bytes.TrimLeft(rest, " ")
	return len(rest) == 0 || rest[0] != '=' && rest[0] != ':'
}

// shaped tells whether what begins with a watched word has the shape of a secret: the
// rest of a token, or the sixteen capitals and digits of an access key.
func shaped(s []byte, w found) bool {
	const (
		token = 20
		key   = 20
	)
	if w.use != useShape || w.start > 0 && sqltext.Classes[s[w.start-1]]&sqltext.ClassIdentCont != 0 {
		return false
	}
	if c := s[w.start] | 0x20; c != 'e' && !(c == 'a' && w.end-w.start == len("akia")) {
		return tokenBody(s[w.end:])
	}
	if w.end-w.start > len("akia") {
		end := skipWord(s, w.end)
		return s[w.start+2] == 'J' && (end-w.start >= token || end == len(s))
	}
	i := w.start
	for i < len(s) && (s[i]-'A' < 26 || s[i]-'0' < 10) {
		i++
	}
	return i-w.start == key && (i == len(s) || sqltext.Classes[s[i]]&sqltext.ClassIdentCont == 0)
}

// tokenBody tells whether what stands behind the beginning of a service's token may be the
// rest: letters and digits, both.
func tokenBody(s []byte) bool {
	const least = 8
	n, letter, digit := 0, false, false
	for n < len(s) && n < longestWord && (sqltext.Classes[s[n]]&(sqltext.ClassIdentStart|sqltext.ClassDigit) != 0 && s[n] < 0x80 || s[n] == '-' || s[n] == '.') {
		digit = digit || s[n]-'0' < 10
		letter = letter || s[n]|0x20-'a' < 26
		n++
	}
	return n >= least && letter && digit
}

// longestWord is how far a name is looked over, in bytes: servers tell 63 apart. Without it,
// what is one word of a megabyte would be looked over from each of its parts.
const longestWord = 256

// skipWord returns where the name that goes on at i ends, or is too long to be one.
func skipWord(s []byte, i int) int {
	for end := min(len(s), i+longestWord); i < end && sqltext.Classes[s[i]]&sqltext.ClassIdentCont != 0; {
		i++
	}
	return i
}

// urlWithSecret tells whether a URI in s has a password before its host (RFC 3986,
// section 3.2.1), or a name in its query that is written so that nobody reads it. If s
// is cut off before the host, what could be a port is taken for a password; and where
// it ends behind a colon, one is put there.
func urlWithSecret(s []byte) bool {
	for {
		i := bytes.Index(s, []byte("://"))
		if i < 0 {
			return false
		}
		web := bytes.HasSuffix(s[:i], []byte("http")) || bytes.HasSuffix(s[:i], []byte("https"))
		s = s[i+len("://"):]
		authority := s
		if n := bytes.IndexAny(authority, "/?# \t\r\n"); n >= 0 {
			authority = authority[:n]
		}
		user, _, ok := bytes.Cut(authority, []byte("@"))
		if (ok || len(authority) == len(s) && !ended(s)) && bytes.IndexByte(user, ':') >= 0 {
			return true
		}
		open := bytes.TrimRight(authority, "'$")
		if !web && len(authority) == len(s) && len(open) > 1 && open[len(open)-1] == ':' {
			return true // 'postgresql://u:' || …
		}
		if disguised(s[len(authority):]) {
			return true
		}
	}
}

// disguised tells whether the query of a URI has a name with a letter or a digit as its
// code, which is never needed: pass%77ord.
func disguised(s []byte) bool {
	if n := bytes.IndexAny(s, " \t\r\n"); n >= 0 {
		s = s[:n]
	}
	_, query, _ := bytes.Cut(s, []byte("?"))
	for len(query) > 0 {
		var pair []byte
		pair, query, _ = bytes.Cut(query, []byte("&"))
		name, _, ok := bytes.Cut(pair, []byte("="))
		for i := 0; ok && i+2 < len(name); i++ {
			if name[i] != '%' || sqltext.Classes[name[i+1]]&sqltext.ClassHex == 0 || sqltext.Classes[name[i+2]]&sqltext.ClassHex == 0 {
				continue
			}
			if c := hexValue(name[i+1])<<4 | hexValue(name[i+2]); c == '_' || c < 0x80 && c != '$' && sqltext.Classes[c]&sqltext.ClassIdentCont != 0 {
				return true
			}
		}
	}
	return false
}

// ended tells whether a constant has the end of one.
func ended(s []byte) bool {
	return bytes.HasSuffix(s, []byte("'")) || bytes.HasSuffix(s, []byte("$"))
}
