package flow

import (
	"encoding/binary"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/pgsniff/pgsniff/internal/capture"
)

// chunkSize is the piece of memory in which packets are kept and let go, in bytes.
const chunkSize = 1 << 20

// header is what stands before the data of a packet: time, frame, original length,
// length, interface, link type, frame check sequence, a byte that is free.
const header = 8 + 8 + 4 + 4 + 4 + 2 + 1 + 1

// History keeps the latest packets of a capture, up to a number of bytes. What is in a
// chunk does not change, so that readers take a view of all chunks and hold up nobody;
// while there are readers, chunks that are let go are not used again. Add and Publish belong
// to one goroutine; they lock for each new chunk only.
type History struct {
	// Each has readers see each packet when it is added, as where nobody knows when the next
	// one comes. It is set before the first.
	Each  bool
	limit int
	// What belongs to Add and Publish: the latest chunk, its memory, and where the next
	// packet goes.
	latest *chunk
	data   []byte
	at     int

	mu      sync.Mutex
	chunks  []*chunk
	size    int
	spare   *chunk // to be used again
	readers int
}

// chunk is a piece of memory with packets.
type chunk struct {
	data []byte
	n    atomic.Int64 // bytes of it that hold packets
}

// NewHistory returns one that keeps so many bytes, a megabyte at least.
func NewHistory(limit int) *History { return &History{limit: max(limit, chunkSize)} }

// Add keeps a packet, of which it takes a copy. Readers see it after Publish: to tell them of
// each one would have the processor wait until the packet is in memory.
func (h *History) Add(p *capture.Packet) {
	at := h.at
	end := at + header + len(p.Data)
	if end > len(h.data) {
		h.Publish()
		end -= at
		at = 0
		h.next(end)
	}
	b := h.data[at:end]
	_ = b[header-1]
	binary.LittleEndian.PutUint64(b, uint64(p.Time))
	binary.LittleEndian.PutUint64(b[8:], p.Frame)
	binary.LittleEndian.PutUint64(b[16:], uint64(uint32(p.OrigLen))|uint64(len(p.Data))<<32)
	binary.LittleEndian.PutUint64(b[24:], uint64(uint32(p.Interface))|uint64(p.LinkType)<<32|uint64(p.FCSLen)<<48)
	copy(b[header:], p.Data)
	if h.at = end; h.Each {
		h.latest.n.Store(int64(end))
	}
}

// Publish lets readers see the packets that were added.
func (h *History) Publish() {
	if h.latest != nil {
		h.latest.n.Store(int64(h.at))
	}
}

// next begins a chunk with room for n bytes, and lets the oldest go that are too many.
func (h *History) next(n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := h.spare
	if c != nil && len(c.data) >= n {
		h.spare = nil
		c.n.Store(0)
	} else {
		c = &chunk{data: make([]byte, max(chunkSize, n))}
	}
	h.latest, h.data = c, c.data
	h.chunks = append(h.chunks, c)
	h.size += len(c.data)
	drop := 0
	for h.size > h.limit && drop < len(h.chunks)-1 {
		h.size -= len(h.chunks[drop].data)
		if h.readers == 0 && len(h.chunks[drop].data) == chunkSize {
			h.spare = h.chunks[drop]
		}
		drop++
	}
	h.chunks = slices.Delete(h.chunks, 0, drop)
}

// Oldest returns the number and time of the oldest packet that is kept, 0 if there is
// none.
func (h *History) Oldest() (frame uint64, at int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.chunks) == 0 || h.chunks[0].n.Load() < header {
		return 0, 0
	}
	b := h.chunks[0].data
	return binary.LittleEndian.Uint64(b[8:]), int64(binary.LittleEndian.Uint64(b))
}

// Source returns the packets that are kept and published by now, as a source of their own, which is to
// be closed.
func (h *History) Source() capture.Source {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.readers++
	h.spare = nil
	v := &view{history: h}
	for _, c := range h.chunks {
		v.chunks = append(v.chunks, c.data[:c.n.Load()])
	}
	return v
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
