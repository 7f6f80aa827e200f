package flow

import (
	"encoding/binary"
	"io"
	"sync"

	"github.com/pgsniff/pgsniff/internal/capture"
)

// chunkSize is the piece of memory in which packets are kept and let go, in bytes.
const chunkSize = 1 << 20

// header is what stands before the data of a packet: time, frame, original length,
// length, interface, link type, frame check sequence.
const header = 8 + 8 + 4 + 4 + 4 + 2 + 1

// History keeps the latest packets of a capture, up to a number of bytes. What is in a
// chunk does not change, so that readers take a view of all chunks and hold up nobody;
// while there are readers, chunks that are let go are not used again.
type History struct {
	limit int

	mu      sync.Mutex
	chunks  [][]byte
	size    int
	spare   []byte // a chunk to be used again
	readers int
}

// NewHistory returns one that keeps so many bytes, a megabyte at least.
func NewHistory(limit int) *History { return &History{limit: max(limit, chunkSize)} }

// Add keeps a packet, of which it takes a copy.
func (h *History) Add(p *capture.Packet) {
	n := header + len(p.Data)
	h.mu.Lock()
	defer h.mu.Unlock()
	last := len(h.chunks) - 1
	if last < 0 || cap(h.chunks[last])-len(h.chunks[last]) < n {
		h.chunks = append(h.chunks, h.chunk(n))
		last++
		h.size += cap(h.chunks[last])
		drop := 0
		for h.size > h.limit && drop < last {
			h.size -= cap(h.chunks[drop])
			if h.readers == 0 && cap(h.chunks[drop]) == chunkSize {
				h.spare = h.chunks[drop][:0]
			}
			drop++
		}
		if drop > 0 {
			h.chunks = append(make([][]byte, 0, len(h.chunks)), h.chunks[drop:]...)
			last -= drop
		}
	}
	b := h.chunks[last]
	b = binary.LittleEndian.AppendUint64(b, uint64(p.Time))
	b = binary.LittleEndian.AppendUint64(b, p.Frame)
	b = binary.LittleEndian.AppendUint32(b, uint32(p.OrigLen))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(p.Data)))
	b = binary.LittleEndian.AppendUint32(b, uint32(p.Interface))
	b = binary.LittleEndian.AppendUint16(b, p.LinkType)
	b = append(b, p.FCSLen)
	h.chunks[last] = append(b, p.Data...)
}

// chunk returns an empty chunk with room for n bytes.
func (h *History) chunk(n int) []byte {
	if b := h.spare; b != nil && cap(b) >= n {
		h.spare = nil
		return b
	}
	return make([]byte, 0, max(chunkSize, n))
}

// Oldest returns the number and time of the oldest packet that is kept, 0 if there is
// none.
func (h *History) Oldest() (frame uint64, at int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.chunks) == 0 || len(h.chunks[0]) < header {
		return 0, 0
	}
	b := h.chunks[0]
	return binary.LittleEndian.Uint64(b[8:]), int64(binary.LittleEndian.Uint64(b))
}

// Source returns the packets that are kept by now, as a source of their own, which is to
// be closed.
func (h *History) Source() capture.Source {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.readers++
	h.spare = nil
	return &view{chunks: append([][]byte(nil), h.chunks...), history: h}
}

// view is the packets of a moment.
type view struct {
	chunks  [][]byte
	at      int
	history *History
}

// Next delivers the next packet.
func (v *view) Next(p *capture.Packet) error {
	for len(v.chunks) > 0 && v.at >= len(v.chunks[0]) {
		v.chunks, v.at = v.chunks[1:], 0
	}
	if len(v.chunks) == 0 {
		return io.EOF
	}
	b := v.chunks[0][v.at:]
	n := int(binary.LittleEndian.Uint32(b[20:]))
	*p = capture.Packet{
		Time: int64(binary.LittleEndian.Uint64(b)), Frame: binary.LittleEndian.Uint64(b[8:]), OrigLen: int(binary.LittleEndian.Uint32(b[16:])),
		Interface: int(binary.LittleEndian.Uint32(b[24:])), LinkType: binary.LittleEndian.Uint16(b[28:]), FCSLen: b[30],
		Data: b[header : header+n : header+n],
	}
	v.at += header + n
	return nil
}

// Close lets the packets go.
func (v *view) Close() error {
	if h := v.history; h != nil {
		h.mu.Lock()
		h.readers--
		h.mu.Unlock()
		v.history, v.chunks = nil, nil
	}
	return nil
}
