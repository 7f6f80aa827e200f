package pqtrace

import (
	"bytes"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// shown is the texts and values of a message as its record shows them, without
// secrets. The trace is written from the wire, whose texts it is held against: what
// the record shows differently, the trace shows as the record does.
type shown struct {
	items [][]byte // of the message
	texts []byte   // what texts were: those in place of secrets are borrowed until the next
	next  int
	error bool // fields of an error, which records show in an order of their own
}

// take visits a message.
func (s *shown) take(m *record.Message) {
	clear(s.items)
	s.items, s.texts, s.next = s.items[:0], s.texts[:0], 0
	s.error = m.Kind == messages.KindErrorResponse || m.Kind == messages.KindNoticeResponse
	_ = m.VisitBody(s) // of a body at fault, what there is
}

// maxSkipped bounds how far a text is searched for: between two that the wire has, a
// record shows at most a version and a kind.
const maxSkipped = 4

// field returns what is shown of a text or value of the wire. They come in order.
func (s *shown) field(_ messages.Kind, b []byte) []byte {
	if s.error {
		for i := range s.items {
			if bytes.Equal(s.items[i], b) {
				return b
			}
		}
		return []byte(redacted)
	}
	for i := s.next; i < min(s.next+maxSkipped, len(s.items)); i++ {
		if bytes.Equal(s.items[i], b) {
			s.next = i + 1
			return b
		}
	}
	if len(b) == 0 {
		return b
	}
	if s.next < len(s.items) {
		s.next++
		return s.items[s.next-1]
	}
	return []byte(redacted)
}

func (s *shown) add(v []byte) { s.items = append(s.items, v) }

func (s *shown) copy(v []byte) {
	n := len(s.texts)
	s.texts = append(s.texts, v...)
	s.add(s.texts[n:len(s.texts):len(s.texts)])
}

// The methods of messages.Visitor gather what libpq shows as text.

func (s *shown) Int(string, int64)             {}
func (s *shown) Bool(string, bool)             {}
func (s *shown) Text(_ string, v []byte)       { s.add(v) }
func (s *shown) Data(_ string, v []byte)       { s.add(v) }
func (s *shown) Hex(_ string, v []byte)        { s.add(v) }
func (s *shown) SecretText(_ string, v []byte) { s.add(v) }
func (s *shown) SecretHex(_ string, v []byte)  { s.add(v) }
func (s *shown) OIDs(string, []uint32)         {}
func (s *shown) Formats(string, []int16)       {}
func (s *shown) Value(_ string, v []byte)      { s.add(v) }
func (s *shown) Texts(_ string, list [][]byte) {
	for _, v := range list {
		s.add(v)
	}
}

func (s *shown) Pairs(_ string, list []messages.Pair) {
	for i := range list {
		s.copy(list[i].Name)
		s.copy(list[i].Value)
	}
}

func (s *shown) Values(_ string, list messages.Values, _ []int16) {
	for _, v := range list {
		if v != nil {
			s.add(v)
		}
	}
}

func (s *shown) Columns(_ string, list []messages.ColumnDescription) {
	for i := range list {
		s.add(list[i].Name)
	}
}
