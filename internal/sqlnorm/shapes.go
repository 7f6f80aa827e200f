package sqlnorm

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"math/bits"

	"github.com/pgsniff/pgsniff/internal/sqltext"
)

// Shapes remembers what was derived from texts that differ in their constants
// only, as applications that do not prepare their statements send them by the
// million: comparing a text with the one before costs less than taking it apart.
// The zero Shapes is empty and ready; it is not safe for concurrent use.
type Shapes[V any] struct {
	seed   maphash.Seed
	sets   []([shapeWays]*shape[V])
	latest *shape[V]
}

const (
	// maxShape is the longest text that is remembered, in bytes. All together
	// take a megabyte at most, and what is derived from them.
	maxShape  = 1 << 10
	shapeSets = 256
	shapeWays = 4
	// maxHoles is how many constants a text may have.
	maxHoles = 32
)

// shape is a text with places where other texts may have other constants.
type shape[V any] struct {
	text  []byte
	holes []hole
	value V
	next  *shape[V] // the one that came after it the last time
}

// hole is a constant: an unsigned whole number in digits that nothing follows which
// could be part of another number, or a string without backslashes and quotes in it.
type hole struct {
	start, end int
	text       bool
}

// Find returns what was derived from a text that is the same but for such
// constants, nil if nothing was. Texts tells that strings are among them: what is
// in those is not looked at.
func (s *Shapes[V]) Find(sql []byte) (v *V, texts bool) {
	if s.sets == nil || len(sql) > 2*maxShape {
		return nil, false
	}
	// Applications repeat themselves: what came next will come next.
	if x := s.latest.next; x != nil {
		if ok, texts := x.fits(sql); ok {
			s.latest = x
			return &x.value, texts
		}
	}
	set := &s.sets[s.place(sql)]
	for i, x := range set {
		if x == nil {
			break
		}
		if ok, texts := x.fits(sql); ok {
			if i > 0 { // those that are in use come first
				set[i], set[i-1] = set[i-1], x
			}
			s.latest.next, s.latest = x, x
			return &x.value, texts
		}
	}
	return nil, false
}

// Add returns the place for what is derived from sql, which holds what was
// derived from another text before; nil if texts of its sort are not remembered.
func (s *Shapes[V]) Add(sql []byte) *V {
	if len(sql) > maxShape {
		return nil
	}
	holes, ok := holesOf(sql)
	if !ok {
		return nil
	}
	if s.sets == nil {
		s.seed = maphash.MakeSeed()
		s.sets = make([][shapeWays]*shape[V], shapeSets)
		s.latest = new(shape[V])
	}
	set := &s.sets[s.place(sql)]
	x := set[shapeWays-1]
	for i, old := range set {
		if old == nil {
			x = new(shape[V])
			set[i] = x
			break
		}
	}
	x.text, x.holes = append(x.text[:0], sql...), holes
	s.latest.next, s.latest = x, x
	return &x.value
}

// place returns the set that texts of this shape are in: their beginning up to
// the first constant, or what may be one, tells.
func (s *Shapes[V]) place(sql []byte) int {
	const most = 64
	b := sql[:min(len(sql), most)]
	return int(maphash.Bytes(s.seed, b[:beforeConstants(b)]) % shapeSets)
}

// beforeConstants returns how many bytes there are before the first digit or
// quote of b, to which the blocks of eight that have none are looked at as one.
func beforeConstants(b []byte) (n int) {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for len(b)-n >= 8 {
		w := binary.LittleEndian.Uint64(b[n:])
		// The high bit of each byte that is at least '0', and of each above '9';
		// bytes above 0x7f pass for digits, which only ends the prefix early.
		digit := ((w | highs) - ones*'0') & ^((w &^ highs) + ones*(0x80-'9'-1)) & highs
		quote := (w ^ ones*'\'')
		quote = (quote - ones) & ^quote & highs
		if m := digit | quote; m != 0 {
			return n + bits.TrailingZeros64(m)/8
		}
		n += 8
	}
	for n < len(b) && b[n] != '\'' && (b[n] < '0' || b[n] > '9') {
		n++
	}
	return n
}

// holesOf finds the constants of a text that may be others; ok is false if there
// are too many.
func holesOf(sql []byte) (holes []hole, ok bool) {
	l := sqltext.Lexer{Src: sql}
	var k kept
	for {
		t := l.Next()
		if t.Kind == sqltext.EOF {
			return holes, true
		}
		if k.next(t, &l) && t.Kind == sqltext.Number {
			continue // it belongs to the shape
		}
		h := hole{start: t.Start, end: t.End}
		switch token := sql[t.Start:t.End]; {
		case t.Kind == sqltext.Number && digitsAt(token, 0) == len(token) && !l.Is(t.End, sqltext.ClassIdentCont) && l.At(t.End) != '.':
		case t.Kind == sqltext.String && token[0] == '\'' && plainAt(token, 1) == len(token)-1 && token[len(token)-1] == '\'':
			h.start, h.end, h.text = t.Start+1, t.End-1, true
		default:
			continue
		}
		if len(holes) == maxHoles {
			return nil, false
		}
		holes = append(holes, h)
	}
}

// digitsAt returns where the digits from i on end.
func digitsAt(b []byte, i int) int {
	for i < len(b) && sqltext.Classes[b[i]]&sqltext.ClassDigit != 0 {
		i++
	}
	return i
}

// plainAt returns where the quote or backslash after i is, len(b) if there is none.
func plainAt(b []byte, i int) int {
	for i < len(b) && b[i] != '\'' && b[i] != '\\' {
		i++
	}
	return i
}

// fits reports whether a text is of the shape: the same between the constants, so
// that each constant has the neighbours that make it one.
func (x *shape[V]) fits(sql []byte) (ok, texts bool) {
	from, at := 0, 0 // in the shape's text, and in sql
	for i := range x.holes {
		h := &x.holes[i]
		n := h.start - from
		if len(sql)-at < n || !bytes.Equal(sql[at:at+n], x.text[from:h.start]) {
			return false, false
		}
		at += n
		from = h.end
		if h.text {
			at, texts = plainAt(sql, at), true
			continue
		}
		end := digitsAt(sql, at)
		if end == at {
			return false, false
		}
		at = end
	}
	return bytes.Equal(sql[at:], x.text[from:]), texts
}
