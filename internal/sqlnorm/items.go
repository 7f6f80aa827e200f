package sqlnorm

import "github.com/pgsniff/pgsniff/internal/sqltext"

// items are what a CREATE TABLE or an ALTER TABLE has between its commas: columns,
// constraints, changes. What one of them names is nothing to the others.
type items struct {
	table bool // it is such a statement
	begun bool
	depth int  // of parentheses, in which the commas count
	base  bool // a secret was named before the first one
	named bool // one was in them
}

// word takes note of a word of s.
func (n *items) word(s *command, w []byte) {
	switch {
	case s.kind != kindOther || s.data:
	case !n.table:
		n.table = s.words >= 2 && s.words <= 4 && sqltext.EqualFold(w, "table") && (sqltext.EqualFold(s.verb, "create") || sqltext.EqualFold(s.verb, "alter"))
	case n.begun && n.depth == 1 && s.depth == 0 && sqltext.EqualFold(w, "as"):
		n.begun = false // CREATE TABLE t (password) AS SELECT …
		s.mention = s.mention || n.named
	case !n.begun && s.depth == 0 && sqltext.EqualFold(s.verb, "alter") && isOneOf(w, "add", "alter", "drop", "set"):
		n.begun, n.base = true, s.mention
	}
}

// open takes note of a parenthesis.
func (n *items) open(s *command) {
	if n.table && !n.begun && s.depth == 0 && sqltext.EqualFold(s.verb, "create") && (s.word == nil || !sqltext.EqualFold(s.word, "as")) {
		n.begun, n.depth, n.base = true, 1, s.mention
	}
}

// comma takes note of a comma: what it ends counts no more.
func (n *items) comma(s *command) {
	if n.begun && s.depth == n.depth {
		n.named = n.named || s.mention
		s.mention, s.constants = n.base, false
	}
}
