package capture

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

func TestPacketDataForGopacket(t *testing.T) {
	f, err := OpenFiles([]string{testdata("psql_simple.pcap")}, FileOptions{})
	wantKind(t, err, nil)
	defer f.Close()
	n, tcp := 0, 0
	src := gopacket.NewPacketSource(NewPacketData(f), layers.LinkTypeEthernet)
	for {
		p, err := src.NextPacket()
		if err == io.EOF {
			break
		}
		wantKind(t, err, nil)
		n++
		if p.Layer(layers.LayerTypeTCP) != nil {
			tcp++
		}
		if ts := p.Metadata().Timestamp; ts.Year() < 2020 || p.Metadata().Length < len(p.Data()) {
			t.Fatalf("packet %d: %v, %d bytes of %d", n, ts, len(p.Data()), p.Metadata().Length)
		}
	}
	if n != 177 || tcp != n {
		t.Fatalf("%d packets, %d of them TCP", n, tcp)
	}
}

// There and back again nothing is lost, with and without copying.
func TestGopacketRoundTrip(t *testing.T) {
	rs := sample()
	rs[3].orig = 5000
	for _, zeroCopy := range []bool{true, false} {
		f, err := OpenFiles([]string{"-"}, FileOptions{Stdin: bytes.NewReader(buildPcap(littleMicro, rs))})
		wantKind(t, err, nil)
		d := NewPacketData(f)
		var src gopacket.PacketDataSource = d
		if !zeroCopy {
			src = struct{ gopacket.PacketDataSource }{d}
		}
		back := FromPacketData(src, 1)
		got, err := readAll(t, back)
		wantKind(t, err, nil)
		equalRecs(t, got, rs)
		wantKind(t, back.Close(), nil)
		if d.LinkType() != 1 {
			t.Errorf("link type %d", d.LinkType())
		}
	}
}

type closing struct{ closed bool }

func (c *closing) ReadPacketData() ([]byte, gopacket.CaptureInfo, error) {
	return []byte{1}, gopacket.CaptureInfo{Timestamp: time.Unix(5, 6)}, nil
}
func (c *closing) Close() { c.closed = true }

func TestFromPacketDataCloses(t *testing.T) {
	c := &closing{}
	s := FromPacketData(c, 276)
	var p Packet
	wantKind(t, s.Next(&p), nil)
	if p.Time != 5e9+6 || p.OrigLen != 1 || p.LinkType != 276 || p.Frame != 1 {
		t.Errorf("%+v", p)
	}
	wantKind(t, s.Close(), nil)
	if !c.closed {
		t.Error("not closed")
	}
}
