package value

import "strconv"

const (
	maxDimensions   = 6 // MAXDIM
	arrayHeader     = 12
	dimensionHeader = 8
)

// arrayShape is an array's header on the wire (array_send,
// src/backend/utils/adt/arrayfuncs.c): dimensions, whether there are NULLs, type of
// the elements; then for each dimension its size and lower bound.
type arrayShape struct {
	dimensions int
	elem       uint32
	size       [maxDimensions]int32
	lower      [maxDimensions]int32
}

// parseArray reads a header and returns the elements' bytes. A dimension of size 0
// is sent by vectors alone, and by arrays made from them.
func parseArray(b []byte) (a arrayShape, elements []byte, ok bool) {
	if len(b) < arrayHeader || uint32At(b, 4) > 1 {
		return a, nil, false
	}
	n := uint32At(b, 0)
	if n > maxDimensions || len(b) < arrayHeader+dimensionHeader*int(n) {
		return a, nil, false
	}
	a.dimensions, a.elem = int(n), uint32At(b, 8)
	b = b[arrayHeader:]
	for i := range a.dimensions {
		a.size[i], a.lower[i] = int32At(b, 0), int32At(b, 4)
		if a.size[i] < 0 || int64(a.lower[i])+int64(a.size[i]) > 1<<31 {
			return a, nil, false
		}
		b = b[dimensionHeader:]
	}
	return a, b, true
}

func (a *arrayShape) isEmpty() bool {
	for i := range a.dimensions {
		if a.size[i] == 0 {
			return true
		}
	}
	return a.dimensions == 0
}

// appendBounds prints "[0:2][5:6]=" where a lower bound is not 1.
func (a *arrayShape) appendBounds(dst []byte) []byte {
	plain := true
	for i := range a.dimensions {
		plain = plain && a.lower[i] == 1
	}
	if plain {
		return dst
	}
	for i := range a.dimensions {
		dst = strconv.AppendInt(append(dst, '['), int64(a.lower[i]), 10)
		dst = strconv.AppendInt(append(dst, ':'), int64(a.lower[i])+int64(a.size[i])-1, 10)
		dst = append(dst, ']')
	}
	return append(dst, '=')
}

// array prints an array whose elements must be of type elem; 0 takes the type
// that the value names.
func (p *printer) array(dst []byte, elem uint32, b []byte) ([]byte, bool) {
	a, rest, ok := parseArray(b)
	if !ok || elem != 0 && a.elem != elem {
		return dst, false
	}
	if a.isEmpty() {
		return append(dst, '{', '}'), len(rest) == 0
	}
	dst = a.appendBounds(dst)
	delimiter, special := byte(','), arraySpecial
	if a.elem == oidBox {
		delimiter, special = ';', boxArraySpecial
	}
	// One counter for each dimension, as the wheels of an odometer: a wheel that
	// comes round closes its brace and moves the one before it.
	var at [maxDimensions]int32
	depth := 0
	for {
		for ; depth < a.dimensions; depth++ {
			dst = append(dst, '{')
		}
		if dst, rest, ok = p.arrayElement(dst, a.elem, rest, special); !ok {
			return dst, false
		}
		for depth > 0 {
			if at[depth-1]++; at[depth-1] < a.size[depth-1] {
				break
			}
			dst = append(dst, '}')
			depth--
			at[depth] = 0
		}
		if depth == 0 {
			return dst, len(rest) == 0
		}
		dst = append(dst, delimiter)
	}
}

func (p *printer) arrayElement(dst []byte, elem uint32, b []byte, special charClass) (out, rest []byte, ok bool) {
	b, rest, ok = cutSized(b)
	if !ok {
		return dst, nil, false
	}
	if b == nil {
		return append(dst, "NULL"...), rest, len(dst) <= p.limit
	}
	start := len(dst)
	if dst, ok = p.element(dst, elem, b); !ok {
		return dst, nil, false
	}
	dst, ok = p.quoteArrayElement(dst, start, special)
	return dst, rest, ok && len(dst) <= p.limit
}

// vector prints int2vector and oidvector, which are sent as arrays with lower
// bound 0 and print as numbers with blanks between.
func (p *printer) vector(dst []byte, elem uint32, b []byte) ([]byte, bool) {
	a, rest, ok := parseArray(b)
	if !ok || a.elem != elem || a.dimensions > 1 {
		return dst, false
	}
	for i := range a.size[0] {
		if i > 0 {
			dst = append(dst, ' ')
		}
		var number []byte
		number, rest, ok = cutSized(rest)
		if !ok || number == nil {
			return dst, false
		}
		if dst, ok = p.value(dst, elem, number); !ok {
			return dst, false
		}
	}
	return dst, len(rest) == 0
}
