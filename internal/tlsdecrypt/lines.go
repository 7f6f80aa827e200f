package tlsdecrypt

import "bytes"

// maxLine is the longest line that is looked at. The longest line that NSS
// defines for the labels used here is 193 bytes; longer ones are skipped, so
// that a file without line ends costs no memory.
const maxLine = 4096

// lineSplitter cuts a text that comes in pieces into lines. The zero value is
// at the beginning of a text.
type lineSplitter struct {
	tail []byte // the last line so far, without its end
	long bool   // the line is longer than maxLine and is passed over
	line int    // complete lines so far
}

// feed calls emit with each line completed by b, without its line end, and its
// number; an overlong one comes as nil. The line is borrowed for the call.
func (s *lineSplitter) feed(b []byte, emit func(line []byte, number int)) {
	for len(b) > 0 {
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			s.hold(b)
			return
		}
		s.line++
		switch {
		case s.long || len(s.tail)+i > maxLine:
			emit(nil, s.line)
		case len(s.tail) > 0:
			s.tail = append(s.tail, b[:i]...)
			emit(s.tail, s.line)
		default:
			emit(b[:i:i], s.line)
		}
		s.tail, s.long = s.tail[:0], false
		b = b[i+1:]
	}
}

// hold keeps the beginning of a line whose end has not come.
func (s *lineSplitter) hold(b []byte) {
	if s.long || len(s.tail)+len(b) > maxLine {
		s.tail, s.long = s.tail[:0], true
		return
	}
	s.tail = append(s.tail, b...)
}

// rest returns the unterminated last line and its number, borrowed until the
// next feed; ok is false where there is none.
func (s *lineSplitter) rest() (line []byte, number int, ok bool) {
	if s.long {
		return nil, s.line + 1, true
	}
	return s.tail, s.line + 1, len(s.tail) > 0
}
