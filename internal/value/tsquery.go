package value

import (
	"bytes"
	"strconv"
)

const (
	queryValue    = 1 // QI_VAL
	queryOperator = 2 // QI_OPR

	opNot    = 1
	opAnd    = 2
	opOr     = 3
	opPhrase = 4

	// A query nested deeper than this is refused: each level is a level of
	// recursion. A AND B AND C… nests once for each term.
	maxQueryDepth = 4096
)

// opPriority says which operators bind closer, by operator (ts_utils' QO_PRIORITY).
var opPriority = [...]int{opNot: 4, opAnd: 2, opOr: 1, opPhrase: 3}

// queryItem is a term or an operator of a tsquery.
type queryItem struct {
	at   int // offset of the item after its type byte
	op   uint8
	left int // of an operator with two operands: the left one; the right one follows
	end  int // the item after the last one that belongs to this
}

// appendTSQuery prints a tsquery. On the wire (tsquerysend,
// src/backend/utils/adt/tsquery.c) it is a count of items in prefix order, the
// right operand before the left.
func appendTSQuery(dst []byte, b []byte) ([]byte, bool) {
	if len(b) < 4 {
		return dst, false
	}
	// An item takes two bytes at least.
	n := int(uint32At(b, 0))
	if n == 0 {
		return dst, len(b) == 4
	}
	if n < 0 || n > len(b)/2 {
		return dst, false
	}
	var few [64]queryItem
	items := few[:0]
	if n > len(few) {
		items = make([]queryItem, 0, n)
	}
	items, ok := parseQuery(items, b, n)
	if !ok || !linkQuery(items) {
		return dst, false
	}
	q := tsquery{wire: b, items: items}
	return q.append(dst, 0, 0, false, 0)
}

// parseQuery finds the places of n items. It fills a slice of its caller, which
// can stay on the stack as a field of q could not.
func parseQuery(items []queryItem, b []byte, n int) ([]queryItem, bool) {
	at := 4
	for range n {
		if at >= len(b) {
			return nil, false
		}
		item := queryItem{at: at + 1}
		switch b[at] {
		case queryValue: // weights, prefix flag, zero-terminated lexeme
			if len(b) < at+3 {
				return nil, false
			}
			end := bytes.IndexByte(b[at+3:], 0)
			if end < 0 {
				return nil, false
			}
			at += 3 + end + 1
		case queryOperator: // operator, and for a phrase a distance
			if len(b) < at+2 {
				return nil, false
			}
			item.op = b[at+1]
			at += 2
			switch item.op {
			case opNot, opAnd, opOr:
			case opPhrase:
				at += 2
			default:
				return nil, false
			}
		default:
			return nil, false
		}
		items = append(items, item)
	}
	return items, at == len(b)
}

// linkQuery finds each operator's operands, last item first, and checks that the items
// are one tree.
func linkQuery(items []queryItem) bool {
	n := len(items)
	for i := n - 1; i >= 0; i-- {
		item := &items[i]
		item.end = i + 1
		if item.op == 0 {
			continue
		}
		if item.end >= n {
			return false
		}
		item.end = items[item.end].end
		if item.op == opNot {
			continue
		}
		if item.left = item.end; item.left >= n {
			return false
		}
		item.end = items[item.left].end
	}
	return items[0].end == n
}

// tsquery is a query whose items have been found and linked.
type tsquery struct {
	wire  []byte
	items []queryItem
}

// append prints the tree under item i, in parentheses where the operator above it
// binds closer or it is the right operand of a phrase, whose order matters.
func (q *tsquery) append(dst []byte, i, above int, rightOfPhrase bool, depth int) ([]byte, bool) {
	if depth > maxQueryDepth {
		return dst, false
	}
	item := &q.items[i]
	if item.op == 0 {
		return q.appendTerm(dst, item.at), true
	}
	priority := opPriority[item.op]
	parentheses := priority < above || item.op == opPhrase && rightOfPhrase
	if parentheses {
		dst = append(dst, '(', ' ')
	}
	var ok bool
	if item.op == opNot {
		dst, ok = q.append(append(dst, '!'), i+1, priority, false, depth+1)
	} else {
		if dst, ok = q.append(dst, item.left, priority, false, depth+1); !ok {
			return dst, false
		}
		dst = q.appendOperator(dst, item)
		dst, ok = q.append(dst, i+1, priority, item.op == opPhrase, depth+1)
	}
	if parentheses {
		dst = append(dst, ' ', ')')
	}
	return dst, ok
}

func (q *tsquery) appendOperator(dst []byte, item *queryItem) []byte {
	switch item.op {
	case opAnd:
		return append(dst, " & "...)
	case opOr:
		return append(dst, " | "...)
	}
	distance := int16(uint16At(q.wire, item.at+1))
	if distance == 1 {
		return append(dst, " <-> "...)
	}
	dst = strconv.AppendInt(append(dst, " <"...), int64(distance), 10)
	return append(dst, "> "...)
}

// appendTerm prints a lexeme with its prefix mark and weights, as "'fat':*AB".
func (q *tsquery) appendTerm(dst []byte, at int) []byte {
	weights, prefix, lexeme := q.wire[at], q.wire[at+1], q.wire[at+2:]
	dst = appendLexeme(dst, lexeme[:bytes.IndexByte(lexeme, 0)])
	if weights == 0 && prefix == 0 {
		return dst
	}
	dst = append(dst, ':')
	if prefix != 0 {
		dst = append(dst, '*')
	}
	for i, letter := range "ABCD" {
		if weights>>(3-i)&1 != 0 {
			dst = append(dst, byte(letter))
		}
	}
	return dst
}
