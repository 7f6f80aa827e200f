package jsontext

import "strconv"

// Names are the names of the members of an object so far, where the capture chose them.
type Names struct {
	given map[string]int // the last number given to a name
}

// Reset forgets them.
func (n *Names) Reset() { clear(n.given) }

// Append appends a name. No two are the same: of names that come again, or that look the
// same once they are UTF-8, the first stands and the others get the lowest number that is
// free.
func (n *Names) Append(dst, name []byte) []byte {
	at := len(dst)
	dst = Append(dst, name)
	end := len(dst) - 1
	if n.given == nil {
		n.given = make(map[string]int)
	}
	last, taken := n.given[string(dst[at:end])]
	if !taken {
		n.given[string(dst[at:end])] = 1
		return dst
	}
	base := string(dst[at:end])
	for taken {
		last++
		dst = strconv.AppendInt(append(dst[:end], '#'), int64(last), 10)
		_, taken = n.given[string(dst[at:])]
	}
	n.given[base] = last // where the next one begins
	n.given[string(dst[at:])] = 1
	return append(dst, '"')
}
