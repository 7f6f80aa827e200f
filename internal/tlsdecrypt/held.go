package tlsdecrypt

// heldOverhead is what keeping a record costs besides its payload.
const heldOverhead = 96

// heldRecord is a record that waits for its key.
type heldRecord struct {
	dir      int
	at       At
	rec      record // without its payload
	from, to int    // of the payload in held.data
}

// held is the records of both directions that wait for a key, in the order in
// which they were fed. It counts itself in the key log's total.
type held struct {
	records  []heldRecord
	next     int // the first that still waits
	data     []byte
	size     int64 // bytes accounted for
	overflow bool  // a limit was reached: what came since was dropped
}

// add keeps a copy of a record if that does not exceed a limit in bytes: of
// this connection, and of all that share the key log.
func (h *held) add(keys *KeyLog, limit int64, dir int, at At, rec record) bool {
	size := int64(len(rec.payload)) + heldOverhead
	if h.overflow || h.size+size > limit {
		h.overflow = true
		return false
	}
	if keys.held.Add(size) > maxHeldTotal {
		keys.held.Add(-size)
		h.overflow = true
		return false
	}
	h.size += size
	from := len(h.data)
	h.data = append(h.data, rec.payload...)
	rec.payload = nil
	h.records = append(h.records, heldRecord{dir: dir, at: at, rec: rec, from: from, to: len(h.data)})
	return true
}

// take returns the next record with its payload, borrowed until release.
func (h *held) take() (heldRecord, bool) {
	if h.next == len(h.records) {
		return heldRecord{}, false
	}
	r := h.records[h.next]
	r.rec.payload = h.data[r.from:r.to]
	h.next++
	return r, true
}

// untake puts the last record taken back.
func (h *held) untake() { h.next-- }

// release forgets everything.
func (h *held) release(keys *KeyLog) {
	if keys != nil {
		keys.held.Add(-h.size)
	}
	*h = held{}
}
