package redact

import "bytes"

// plainBodies remembers bodies of messages in which nothing is hidden, of kinds whose
// body says all that counts for that, and which say the same again and again:
// connections begin with the same ParameterStatus messages, and the same query has the
// same RowDescription. The zero plainBodies is empty and ready.
type plainBodies [64][]byte

// mostPlain is the length in bytes of the longest body that is remembered.
const mostPlain = 4096

func (p *plainBodies) place(b []byte) *[]byte {
	n := len(b)
	return &p[(n+5*int(b[0])+11*int(b[n/2])+17*int(b[n/4]))%len(p)]
}

// has reports whether a body is remembered.
func (p *plainBodies) has(b []byte) bool { return len(b) > 0 && bytes.Equal(*p.place(b), b) }

// add remembers a body, in the place of another one that differs in little.
func (p *plainBodies) add(b []byte) {
	if len(b) > 0 && len(b) <= mostPlain {
		at := p.place(b)
		*at = append((*at)[:0], b...)
	}
}
