package filter

import (
	"net/netip"
	"regexp"
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokEOF     tokenKind = iota
	tokWord              // a keyword: its text says which
	tokOp                // an operator or bracket: its text says which
	tokNum               // a number, or a name that stands for one
	tokID                // a name: of a host, network, port or protocol
	tokIPv4              // two to four numbers with dots between
	tokIPv6              //
	tokMAC               // an Ethernet address
	tokForeign           // a keyword of libpcap's that is not supported here
)

type token struct {
	kind tokenKind
	text string // canonical: "and" for "&&", "=" for "=="; a name without its backslash
	num  uint32
	pos  int
	raw  string
}

func (t token) is(text string) bool {
	return (t.kind == tokWord || t.kind == tokOp) && t.text == text
}

// These anchored patterns say what counts as one token; the longest match wins
// and between equally long ones the first in the order of lexer.longest, as
// the rules of pcap-filter(7) have been scanned for thirty years: "1.2" is an
// address and "10-20" a name.
var (
	reMAC = longest(`^([[:xdigit:]]{1,2}(:[[:xdigit:]]{1,2}){5}` +
		`|[[:xdigit:]]{1,2}(-[[:xdigit:]]{1,2}){5}` +
		`|[[:xdigit:]]{1,2}(\.[[:xdigit:]]{1,2}){5}` +
		`|[[:xdigit:]]{4}\.[[:xdigit:]]{4}\.[[:xdigit:]]{4}` +
		`|[[:xdigit:]]{12})`)
	reNum  = longest(`^([0-9]+|0[xX][[:xdigit:]]+)`)
	reIPv4 = longest(`^([0-9]+|0[xX][[:xdigit:]]+)(\.([0-9]+|0[xX][[:xdigit:]]+)){1,3}`)
	reID   = longest(`^[A-Za-z0-9]([-_.A-Za-z0-9]*[.A-Za-z0-9])?`)
	reRaw  = longest(`^\\[^ !()\n\t]+`)
)

func longest(expr string) *regexp.Regexp {
	re := regexp.MustCompile(expr)
	re.Longest()
	return re
}

type lexer struct {
	expr string
	pos  int
}

// next returns the next token, or an error where no token begins.
func (l *lexer) next() (token, error) {
	for l.pos < len(l.expr) && strings.IndexByte(" \t\r\n", l.expr[l.pos]) >= 0 {
		l.pos++
	}
	rest := l.expr[l.pos:]
	if rest == "" {
		return token{kind: tokEOF, pos: l.pos}, nil
	}
	t, err := l.scan(rest)
	if err != nil {
		return token{}, err
	}
	t.pos = l.pos
	l.pos += len(t.raw)
	return t, nil
}

func (l *lexer) scan(rest string) (token, error) {
	if op, ok := operator(rest); ok && ipv6Prefix(rest) == "" {
		return op, nil
	}
	if m := reRaw.FindString(rest); m != "" {
		return token{kind: tokID, text: m[1:], raw: m}, nil
	}
	kind, raw := longestToken(rest)
	t := token{kind: kind, text: raw, raw: raw}
	switch kind {
	case tokNum:
		n, msg := parseNumber(raw)
		if msg != "" {
			return token{}, l.refuse(raw, msg)
		}
		t.num = n
	case tokID:
		classify(&t)
	case tokEOF:
		_, size := utf8.DecodeRuneInString(rest)
		return token{}, l.refuse(rest[:size], "this character means nothing here")
	}
	return t, nil
}

func (l *lexer) refuse(tok, msg string) *SyntaxError {
	return &SyntaxError{Expr: l.expr, Pos: l.pos, Token: tok, Msg: msg}
}

// longestToken picks the longest of the patterns that match, the earlier one
// where two are equally long. tokEOF means that none does.
func longestToken(s string) (kind tokenKind, raw string) {
	for _, c := range []struct {
		kind tokenKind
		text string
	}{
		{tokMAC, reMAC.FindString(s)},
		{tokNum, reNum.FindString(s)},
		{tokIPv4, reIPv4.FindString(s)},
		{tokIPv6, ipv6Prefix(s)},
		{tokID, reID.FindString(s)},
	} {
		if len(c.text) > len(raw) {
			kind, raw = c.kind, c.text
		}
	}
	return kind, raw
}

// maxIPv6Text is the longest spelling: six groups and a dotted quad.
const maxIPv6Text = len("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255")

// ipv6Prefix returns the longest beginning of s that is an IPv6 address.
func ipv6Prefix(s string) string {
	n, colons := 0, 0
	for n < len(s) && n < maxIPv6Text && strings.IndexByte("0123456789abcdefABCDEF:.", s[n]) >= 0 {
		if s[n] == ':' {
			colons++
		}
		n++
	}
	if colons < 2 {
		return ""
	}
	for ; n >= 2; n-- {
		if a, err := netip.ParseAddr(s[:n]); err == nil && a.Is6() {
			return s[:n]
		}
	}
	return ""
}

// operator recognises operators and brackets, the two-character ones first.
func operator(s string) (token, bool) {
	if len(s) >= 2 {
		switch two := s[:2]; two {
		case ">=", "<=", "!=", "<<", ">>":
			return token{kind: tokOp, text: two, raw: two}, true
		case "==":
			return token{kind: tokOp, text: "=", raw: two}, true
		case "&&":
			return token{kind: tokWord, text: "and", raw: two}, true
		case "||":
			return token{kind: tokWord, text: "or", raw: two}, true
		}
	}
	switch one := s[:1]; one {
	case "!":
		return token{kind: tokWord, text: "not", raw: one}, true
	case "+", "-", "*", "/", "%", ":", "[", "]", "<", ">", "(", ")", "&", "|", "^", "=":
		return token{kind: tokOp, text: one, raw: one}, true
	}
	return token{}, false
}

// classify turns a name into the keyword or number that it stands for.
func classify(t *token) {
	if word, ok := keywords[t.text]; ok {
		t.kind, t.text = tokWord, word
	} else if n, ok := namedNumbers[t.text]; ok {
		t.kind, t.num = tokNum, n
	} else if foreign[t.text] {
		t.kind = tokForeign
	}
}

// parseNumber reads decimal, octal with a leading 0 and hexadecimal with 0x.
func parseNumber(s string) (n uint32, msg string) {
	base, digits := uint64(10), s
	switch {
	case len(s) > 2 && (s[1] == 'x' || s[1] == 'X'):
		base, digits = 16, s[2:]
	case len(s) > 1 && s[0] == '0':
		base, digits = 8, s[1:]
	}
	v := uint64(0)
	for _, c := range []byte(digits) {
		d := uint64(0)
		switch {
		case c <= '9':
			d = uint64(c - '0')
		case c <= 'F':
			d = uint64(c-'A') + 10
		default:
			d = uint64(c-'a') + 10
		}
		if d >= base {
			return 0, "a number that begins with 0 is octal and cannot have this digit"
		}
		if v = v*base + d; v > 0xffffffff {
			return 0, "the number does not fit into 32 bits"
		}
	}
	return uint32(v), ""
}
