package sqlnorm

import (
	"strconv"

	"github.com/pgsniff/pgsniff/internal/sqltext"
)

// maxMarks is how many parameters a text may have for their places to be
// remembered. Most statements have fewer; others are read twice, if need be.
const maxMarks = 32

// marks are the places of the parameters that were written. The highest number
// that a statement uses is known at its end only, and so is whether a list was
// cut short.
type marks struct {
	places [maxMarks]mark
	n      int // may exceed maxMarks
}

type mark struct {
	at      int // of the dollar sign, in the normalizer's dst
	literal bool
}

func (m *marks) add(at int, literal bool) {
	if m.n < maxMarks {
		m.places[m.n] = mark{at, literal}
	}
	m.n++
}

// cut forgets the places from an offset on.
func (m *marks) cut(from int) {
	for m.complete() && m.n > 0 && m.places[m.n-1].at >= from {
		m.n--
	}
}

// complete tells whether all places are known.
func (m *marks) complete() bool { return m.n <= maxMarks }

// numberAgain gives constants the numbers after the highest of the statement's
// own parameters, or, if a list was cut short, numbers all in order of
// appearance. The new text is written after the old one and then moved.
func (n *normalizer) numberAgain() []byte {
	number := n.highest
	if n.squashed {
		number = 0
	}
	end, from := len(n.dst), n.start
	for _, m := range n.marks.places[:n.marks.n] {
		if !m.literal && !n.squashed {
			continue
		}
		n.dst = append(n.dst, n.dst[from:m.at+1]...)
		number++
		n.dst = strconv.AppendInt(n.dst, int64(number), 10)
		for from = m.at + 1; from < end && sqltext.Classes[n.dst[from]]&sqltext.ClassDigit != 0; from++ {
		}
	}
	n.dst = append(n.dst, n.dst[from:end]...)
	copied := copy(n.dst[n.start:], n.dst[end:])
	return n.dst[:n.start+copied]
}
