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
	// changed tells that ChangeCipherSpec was seen, old that TLS is older than 1.3.
	changed, old bool
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
		if r.left -= n; r.left == 0 {
			r.ended(at)
		}
	}
}

// maxFinished is more than the bytes of an encrypted Finished, and less than those of a
// Hello.
const maxFinished = 96

// ended is for the end of a record. After ChangeCipherSpec, TLS 1.2 ends the handshake
// with a record of that kind, Finished; in 1.3 all but a second Hello is called
// application data.
func (r *records) ended(at reassembly.Stamp) {
	const changeCipherSpec, handshake, applicationData = 20, 22, 23
	switch r.head[0] {
	case changeCipherSpec:
		r.changed = true
	case handshake:
		r.old = r.old || r.changed && r.size <= maxFinished
	case applicationData:
		if r.over == 0 && r.changed && !r.old {
			r.over = overheads[0]
		}
		r.push(sealed{r.size, at})
	}
}

func startsRecord(b []byte) bool {
	return b[0] >= 20 && b[0] <= 23 && (len(b) < 2 || b[1] == 3)
}

// lose is for a gap: the next record begins where a chunk does.
func (r *records) lose() { r.have, r.left = 0, 0 }

// push has a record wait. Where too many do, the older half is let go: what comes after
// a loss belongs to the newer ones.
func (r *records) push(s sealed) {
	if len(r.list) == maxSealed {
		r.first = max(r.first, maxSealed/2)
	}
	if r.first >= maxSealed/2 {
		r.list, r.first = r.list[:copy(r.list, r.list[r.first:])], 0
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
	return s.size == n+overheads[1] || s.size == n+overheads[2] || !r.old && s.size == n+overheads[0]
}

// skipped is how many records are passed over in search of one that fits: those of a
// handshake.
const skipped = 16

// take finds the record that carried the next n bytes of plaintext, which are all of
// it or, where parts is set and the reader's buffer was too small, a part.
func (r *records) take(n int, parts bool) (at reassembly.Stamp, ok bool) {
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
	if parts && r.over != 0 && len(waiting) > 0 && waiting[0].size > n+r.over {
		r.cur, r.rest = waiting[0], waiting[0].size-n-r.over
		r.first++
		return r.cur.at, true
	}
	return at, false
}

// forget is for plaintext that is missing: what waits may belong to that.
func (r *records) forget() {
	r.list, r.first, r.rest = r.list[:0], 0, 0
	if !r.changed {
		r.over = 0 // it was concluded
	}
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
	at, ok := i.k.wire[d].take(n, d == messages.Frontend) // a write is never less than a record
	return at, ok
}

// Placeable reports whether it is known what encryption adds to the records of a
// direction: a piece of plaintext for which there is no place will have one.
func (i *Inlet) Placeable(d messages.Direction) bool {
	return i.Open() && i.k.wire != nil && i.k.wire[d].over != 0
}

// Misplaced tells that plaintext of a direction is missing, or fits no packet: those
// of before are of no use to what comes.
func (i *Inlet) Misplaced(d messages.Direction) {
	if i.Open() && i.k.wire != nil {
		i.k.wire[d].forget()
	}
}
