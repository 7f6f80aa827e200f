package sqlnorm

import (
	"bytes"

	"github.com/pgsniff/pgsniff/internal/sqltext"
)

// ellipsis stands for the neighbours of a list's element that were left out.
const ellipsis = ", ..."

// maxDepth is how deep parentheses may nest for lists to be cut short in them.
// SQL that people and generators write stays far below it; deeper down, lists
// keep their length and everything else is as ever.
const maxDepth = 16

// list is an open parenthesis or bracket, or the rows of a VALUES. Offsets are
// places in the normalizer's dst.
type list struct {
	kind    listKind
	item    int // start of the current element
	kept    int // start and end of the last element that was kept
	keptEnd int
	number  int // the normalizer's number at keptEnd
}

// keeps tells whether an element was kept. Plain lists keep none.
func (l *list) keeps() bool { return l.keptEnd > l.kept }

type listKind uint8

const (
	listPlain listKind = iota // is never cut short
	listItems                 // elements between commas: IN (…), ARRAY[…]
	listRows                  // rows between commas, without a bracket around them
)

// lists is the stack of those that are open.
type lists struct {
	stack  [maxDepth]list
	n      int
	deeper int // how many are open above the stack's top
}

// top returns the innermost list, or nil if it is unknown.
func (l *lists) top() *list {
	if l.n == 0 || l.deeper > 0 {
		return nil
	}
	return &l.stack[l.n-1]
}

func (l *lists) push(kind listKind, at int) {
	if l.n == maxDepth || l.deeper > 0 {
		l.deeper++
		return
	}
	l.stack[l.n] = list{kind: kind, item: at}
	l.n++
}

func (l *lists) pop() {
	switch {
	case l.deeper > 0:
		l.deeper--
	case l.n > 0:
		l.n--
	}
}

// inRows tells whether the next token stands between the rows of a VALUES.
func (l *lists) inRows() bool {
	top := l.top()
	return top != nil && top.kind == listRows
}

// enterRows begins the rows of a VALUES. Too deep down there are none: nothing
// would end them.
func (n *normalizer) enterRows() {
	if n.lists.n < maxDepth && n.lists.deeper == 0 {
		n.lists.push(listRows, len(n.dst))
	}
}

// rowsGoOn tells whether a token between rows belongs to them.
func (n *normalizer) rowsGoOn(t sqltext.Token) bool {
	switch t.Kind {
	case sqltext.Open:
		return n.word == wordValues || n.before == beforeComma
	case sqltext.Comma:
		return n.before == beforeClose || n.before == beforeOther
	case sqltext.Dots:
		return n.before == beforeComma && t.End-t.Start == 3
	}
	return false
}

// leaveRows ends the rows of a VALUES, if the statement is in any.
func (n *normalizer) leaveRows() {
	if n.lists.inRows() {
		n.lists.pop()
	}
}

// open writes an opening parenthesis or bracket.
func (n *normalizer) open(t sqltext.Token) {
	kind := listPlain
	top := n.lists.top()
	switch {
	case t.Kind == sqltext.Open && n.word == wordIn:
		kind = listItems
	case t.Kind == sqltext.OpenBracket && n.word == wordArray:
		kind = listItems
	case t.Kind == sqltext.OpenBracket && top != nil && top.kind == listItems && !n.before.operandEnded():
		kind = listItems // an array within an array constructor
	}
	n.write(t, beforeOpen)
	n.lists.push(kind, len(n.dst))
}

// close writes a closing parenthesis or bracket.
func (n *normalizer) close(t sqltext.Token) {
	n.endItem()
	n.lists.pop()
	n.write(t, beforeClose)
	n.endRow()
}

// startItem begins the next element of a list, after a comma.
func (n *normalizer) startItem() {
	if top := n.lists.top(); top != nil && top.kind != listPlain {
		top.item = len(n.dst)
	}
}

// endItem ends an element of a list of items.
func (n *normalizer) endItem() {
	if top := n.lists.top(); top != nil && top.kind == listItems {
		n.squash(top)
	}
}

// endRow ends a row, if the token that was written last was the end of one.
func (n *normalizer) endRow() {
	if top := n.lists.top(); top != nil && top.kind == listRows {
		n.squash(top)
	}
}

// squash ends an element of l: if it differs from the last one that was kept in
// its parameters' numbers only, it is left out.
func (n *normalizer) squash(l *list) {
	item := bytes.TrimPrefix(n.dst[l.item:], []byte(" "))
	kept := n.dst[l.kept:l.keptEnd]
	if l.keeps() && (string(item) == "..." || equalButNumbers(kept, item)) {
		n.leaveOut(l)
		return
	}
	l.kept, l.keptEnd, l.number = len(n.dst)-len(item), len(n.dst), n.number
}

// leaveOut replaces what follows the last element that was kept by an ellipsis.
func (n *normalizer) leaveOut(l *list) {
	n.dst = append(n.dst[:l.keptEnd], ellipsis...)
	n.marks.cut(l.keptEnd)
	n.number = l.number
	n.squashed = true
	n.before, n.word = beforeOther, wordPlain
}

// dropUnfinished leaves out the element in which the text ends, which only text
// that was cut off does: long lists are what most such statements are made of,
// and the place of the cut must not tell them apart.
func (n *normalizer) dropUnfinished() {
	s := &n.lists
	for i := range s.n {
		l := &s.stack[i]
		inside := i < s.n-1 || s.deeper > 0
		if l.keeps() && (l.kind == listItems || inside || n.before == beforeComma) {
			n.leaveOut(l)
			return
		}
	}
}

// equalButNumbers tells whether two normalised texts are the same except for
// their parameters' numbers, and have parameters at all.
func equalButNumbers(a, b []byte) bool {
	params, quoted := false, false
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		c := a[i]
		if c != b[j] {
			return false
		}
		i++
		j++
		switch {
		case c == '"':
			quoted = !quoted
		case c == '$' && !quoted && (i == 1 || sqltext.Classes[a[i-2]]&sqltext.ClassIdentCont == 0):
			params = true
			for i < len(a) && sqltext.Classes[a[i]]&sqltext.ClassDigit != 0 {
				i++
			}
			for j < len(b) && sqltext.Classes[b[j]]&sqltext.ClassDigit != 0 {
				j++
			}
		}
	}
	return params && i == len(a) && j == len(b)
}
