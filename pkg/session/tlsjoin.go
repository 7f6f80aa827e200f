package session

import (
	"bytes"
	"encoding/binary"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

const (
	recordHead = 5
	// maxRecord is the longest protected record, its header left out: RFC 5246
	// section 6.2.3, of which RFC 8446 allows less.
	maxRecord = 1<<14 + 2048
	// minRecord is the shortest that carries data: one byte, a MAC or a tag.
	minRecord = 17
	// joinCandidates bounds the places that are remembered: in 64 KB of
	// ciphertext one looks like a header once in a thousand times.
	joinCandidates = 4
)

// tlsJoin looks for TLS records in a direction that was joined in the middle of
// one, where segments need not begin with a record: a header of application data,
// and at the end of its record another header.
type tlsJoin struct {
	at   int64 // bytes seen
	next [joinCandidates]int64
	used int
	tail [recordHead - 1]byte // the last bytes seen, for a header across chunks
	held int
}

// look takes the next bytes and reports whether they are TLS.
func (j *tlsJoin) look(b []byte) bool {
	var joined []byte
	start := j.at - int64(j.held)
	if j.held > 0 {
		joined = append(append(make([]byte, 0, j.held+len(b)), j.tail[:j.held]...), b...)
	} else {
		joined = b
	}
	j.at += int64(len(b))
	for i := 0; i+recordHead <= len(joined); i++ {
		here := start + int64(i)
		if j.expects(here) && recordHeader(joined[i:], 20) {
			return true
		}
		if j.used == 0 {
			// Nothing but a header is of interest.
			n := bytes.IndexByte(joined[i:len(joined)-recordHead+1], 23)
			if n < 0 {
				break
			}
			i += n
			here = start + int64(i)
		}
		if recordHeader(joined[i:], 23) {
			j.expect(here + recordHead + int64(binary.BigEndian.Uint16(joined[i+3:])))
		}
	}
	j.held = min(len(joined), len(j.tail))
	copy(j.tail[:], joined[len(joined)-j.held:])
	return false
}

// recordHeader reports whether b, which has the length of one, is the header of
// a record of the given type or one after it.
func recordHeader(b []byte, from byte) bool {
	n := int(binary.BigEndian.Uint16(b[3:]))
	return b[0] >= from && b[0] <= 23 && b[1] == 3 && b[2] >= 1 && b[2] <= 3 &&
		n <= maxRecord && (n >= minRecord || b[0] != 23 && n > 0)
}

func (j *tlsJoin) expect(at int64) {
	if j.used == joinCandidates {
		copy(j.next[:], j.next[1:])
		j.used--
	}
	j.next[j.used] = at
	j.used++
}

// expects reports whether a record would end here, and forgets what is past.
func (j *tlsJoin) expects(here int64) (yes bool) {
	kept := 0
	for _, n := range j.next[:j.used] {
		if n > here {
			j.next[kept] = n
			kept++
		}
		yes = yes || n == here
	}
	j.used = kept
	return yes
}

// joinsTLS recognises TLS where nothing is known of a connection yet and segments
// do not begin with records.
func (s *Session) joinsTLS(d messages.Direction, b []byte, at Stamp) bool {
	if s.tracker.Phase(d) != messages.PhaseUnknown {
		return false
	}
	if s.joins == nil {
		s.joins = new([2]tlsJoin)
	}
	if !s.joins[d].look(b) {
		return false
	}
	s.joins = nil
	s.info.Encryption = EncryptionTLS
	s.tracker.Encrypted()
	s.startTLS()
	s.dropPlain()
	if s.tls != nil {
		s.tls.Gap(d, -1, at, (*tlsSink)(s))
	}
	return true
}
