package capture

import (
	"io"
	"time"

	"github.com/google/gopacket"
)

// PacketData offers a Source as gopacket's PacketDataSource and
// ZeroCopyPacketDataSource, for programs built on that library.
type PacketData struct {
	src Source
	p   Packet
}

var (
	_ gopacket.PacketDataSource         = (*PacketData)(nil)
	_ gopacket.ZeroCopyPacketDataSource = (*PacketData)(nil)
)

// NewPacketData returns src in gopacket's terms. Packets must no longer be
// taken from src itself.
func NewPacketData(src Source) *PacketData { return &PacketData{src: src} }

// ReadPacketData returns the next packet in memory of its own.
func (d *PacketData) ReadPacketData() ([]byte, gopacket.CaptureInfo, error) {
	data, ci, err := d.ZeroCopyReadPacketData()
	return append([]byte(nil), data...), ci, err
}

// ZeroCopyReadPacketData returns the next packet; data is borrowed until the
// next call.
func (d *PacketData) ZeroCopyReadPacketData() (data []byte, ci gopacket.CaptureInfo, err error) {
	if err = d.src.Next(&d.p); err != nil {
		return nil, ci, err
	}
	ci = gopacket.CaptureInfo{
		CaptureLength:  len(d.p.Data),
		Length:         d.p.OrigLen,
		InterfaceIndex: d.p.Interface,
	}
	if d.p.Time != 0 { // gopacket, too, uses the zero time for "not known"
		ci.Timestamp = time.Unix(0, d.p.Time)
	}
	return d.p.Data, ci, nil
}

// LinkType returns the LINKTYPE_ value of the packet last returned, which with
// pcapng may change from one to the next.
func (d *PacketData) LinkType() uint16 { return d.p.LinkType }

// fromGopacket is a Source of gopacket's packets.
type fromGopacket struct {
	read     func() ([]byte, gopacket.CaptureInfo, error)
	close    func() error
	linkType uint16
	frame    uint64
}

// FromPacketData returns a Source of any of gopacket's packet-source types,
// whose packets all have the given LINKTYPE_ value. It reads without copying
// where src can, and closes src if that has a Close method.
func FromPacketData(src gopacket.PacketDataSource, linkType uint16) Source {
	s := &fromGopacket{read: src.ReadPacketData, linkType: linkType}
	if z, ok := src.(gopacket.ZeroCopyPacketDataSource); ok {
		s.read = z.ZeroCopyReadPacketData
	}
	switch c := src.(type) {
	case io.Closer:
		s.close = c.Close
	case interface{ Close() }:
		s.close = func() error { c.Close(); return nil }
	default:
		s.close = func() error { return nil }
	}
	return s
}

func (s *fromGopacket) Next(p *Packet) error {
	data, ci, err := s.read()
	if err != nil {
		return err
	}
	s.frame++
	*p = Packet{
		Data:      data,
		OrigLen:   max(ci.Length, len(data)),
		LinkType:  s.linkType,
		Interface: max(ci.InterfaceIndex, 0),
		Frame:     s.frame,
	}
	if !ci.Timestamp.IsZero() {
		p.Time = ci.Timestamp.UnixNano()
	}
	return nil
}

func (s *fromGopacket) Close() error { return s.close() }
