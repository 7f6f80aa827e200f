package analyze

import (
	"encoding/binary"

	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/reassembly"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// wire is the TLS records of a connection whose plaintext comes from elsewhere: their
// lengths tell which packet carried which of it. By direction.
type wire [2]records

// records are those of one direction that carry application data, in TLS 1.3 the end
// of the handshake, too.
type records struct {
	head  [5]byte
	have  int // bytes of head
	left  int // bytes of the current record that are still to come
	size  int // of the current record, without its head
	list  []sealed
	first int    // of the list, that is not used
	rest  int    // bytes of the latest record used that were not asked for
	cur   sealed // that record
	over  int    // what encryption adds to a record; 0: not known
	any   bool   // a record was seen
}

type sealed struct {
	size int
	at   reassembly.Stamp
}

// maxSealed bounds the records that wait for their plaintext: those of two dozen
// windows of a fast connection.
const maxSealed = 4096

// feed takes the next bytes of the direction.
func (r *records) feed(b []byte, at reassembly.Stamp) {
	for len(b) > 0 {
		if r.left == 0 {
			if r.have == 0 && !startsRecord(b) {
				return // in clear, or inside of a record whose begin was not seen
			}
			n := copy(r.head[r.have:], b)
			b = b[n:]
			if r.have += n; r.have < len(r.head) {
				return
			}
			r.have, r.any = 0, true
			r.size = int(binary.BigEndian.Uint16(r.head[3:]))
			r.left = r.size
			continue
		}
		n := min(r.left, len(b))
		b = b[n:]
		const applicationData = 23
		if r.left -= n; r.left == 0 && r.head[0] == applicationData {
			r.push(sealed{r.size, at})
		}
	}
}

func startsRecord(b []byte) bool {
	return b[0] >= 20 && b[0] <= 23 && (len(b) < 2 || b[1] == 3)
}

// lose is for a gap: the next record begins where a chunk does.
func (r *records) lose() { r.have, r.left = 0, 0 }

func (r *records) push(s sealed) {
	if r.first == maxSealed/2 {
		r.list, r.first = r.list[:copy(r.list, r.list[r.first:])], 0
	}
	if len(r.list) == maxSealed {
		r.first++
		return
	}
	r.list = append(r.list, s)
}

// overheads are what the ciphers of today add to a record: TLS 1.3; 1.2 with GCM or
// CCM; 1.2 with ChaCha20-Poly1305.
var overheads = [...]int{17, 24, 16}

// fits reports whether n bytes of plaintext are all of a record.
func (r *records) fits(s sealed, n int) bool {
	if r.over != 0 {
		return s.size == n+r.over
	}
	for _, o := range overheads {
		if s.size == n+o {
			return true
		}
	}
	return false
}

// skipped is how many records are passed over in search of one that fits: those of a
// handshake.
const skipped = 16

// take finds the record that carried the next n bytes of plaintext, which are all of
// it or, where the reader's buffer was too small, a part.
func (r *records) take(n int) (at reassembly.Stamp, ok bool) {
	if r.rest > 0 {
		r.rest = max(r.rest-n, 0)
		return r.cur.at, true
	}
	waiting := r.list[r.first:]
	for i, s := range waiting[:min(len(waiting), skipped)] {
		if r.fits(s, n) {
			r.over = s.size - n
			r.first += i + 1
			return s.at, true
		}
	}
	for i, s := range waiting[:min(len(waiting), skipped)] {
		if s.size > n+overheads[1] {
			r.cur, r.rest = s, s.size-n-max(r.over, overheads[2])
			r.first += i + 1
			return s.at, true
		}
	}
	return at, false
}

// feedWire takes captured bytes, where plaintext may come from elsewhere.
func (k *conn) feedWire(d reassembly.Dir, b []byte, at reassembly.Stamp) {
	k.wire[k.direction(d)].feed(b, at)
}

// Encrypted reports whether the packets of the connection hold TLS.
func (i *Inlet) Encrypted() bool {
	return i.Open() && i.k.wire != nil && (i.k.wire[0].any || i.k.wire[1].any)
}

// Place returns the packet that carried the next n bytes of plaintext of a direction,
// by the lengths of the TLS records that were captured; false where none fits. It is
// to be asked for each piece that an end read or wrote at once, in order.
func (i *Inlet) Place(d messages.Direction, n int) (session.Stamp, bool) {
	if !i.Open() || i.k.wire == nil {
		return session.Stamp{}, false
	}
	at, ok := i.k.wire[d].take(n)
	return session.Stamp(at), ok
}
