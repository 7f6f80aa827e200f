package hostile

import (
	"encoding/binary"
	"errors"
	"slices"
)

// File is a pcap file taken apart.
type File struct {
	Header  [24]byte
	Records []Record
	order   binary.ByteOrder
}

// Record is a packet of a File. Data is shared with the bytes that the file was
// parsed from, until it is replaced.
type Record struct {
	Sec, Frac uint32
	Orig      uint32 // length on the wire
	Data      []byte
}

var errNotPcap = errors.New("hostile: not a pcap file that can be taken apart")

// ParsePcap takes a pcap file apart, of either byte order and resolution.
func ParsePcap(b []byte) (*File, error) {
	f := &File{order: binary.LittleEndian}
	if len(b) < len(f.Header) {
		return nil, errNotPcap
	}
	switch binary.BigEndian.Uint32(b) {
	case 0xa1b2c3d4, pcapMagic:
		f.order = binary.BigEndian
	case 0xd4c3b2a1, 0x4d3cb2a1:
	default:
		return nil, errNotPcap
	}
	b = b[copy(f.Header[:], b):]
	for len(b) > 0 {
		if len(b) < 16 || uint64(len(b)) < 16+uint64(f.order.Uint32(b[8:])) {
			return nil, errNotPcap
		}
		n := 16 + int(f.order.Uint32(b[8:]))
		f.Records = append(f.Records, Record{
			Sec: f.order.Uint32(b), Frac: f.order.Uint32(b[4:]), Orig: f.order.Uint32(b[12:]), Data: b[16:n:n],
		})
		b = b[n:]
	}
	return f, nil
}

// Bytes puts the file together again.
func (f *File) Bytes() []byte {
	b := slices.Clone(f.Header[:])
	for i := range f.Records {
		b = f.appendRecord(b, &f.Records[i])
	}
	return b
}

func (f *File) appendRecord(b []byte, r *Record) []byte {
	var h [16]byte
	f.order.PutUint32(h[:], r.Sec)
	f.order.PutUint32(h[4:], r.Frac)
	f.order.PutUint32(h[8:], uint32(len(r.Data)))
	f.order.PutUint32(h[12:], r.Orig)
	return append(append(b, h[:]...), r.Data...)
}

// Clone returns a copy whose records may be changed; their data is shared.
func (f *File) Clone() *File {
	c := *f
	c.Records = slices.Clone(f.Records)
	return &c
}

// From returns a copy that begins with record i.
func (f *File) From(i int) *File {
	c := *f
	c.Records = f.Records[i:]
	return &c
}

// Own makes the data of record i its own, and returns it to be changed.
func (f *File) Own(i int) []byte {
	r := &f.Records[i]
	r.Data = slices.Clone(r.Data)
	return r.Data
}

// Snap cuts the record to n bytes, as a snap length does.
func (r *Record) Snap(n int) { r.Data = r.Data[:min(n, len(r.Data))] }
