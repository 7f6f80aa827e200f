package reassembly_test

import (
	"fmt"
	"io"
	"log"
	"os"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"github.com/pgsniff/pgsniff/pkg/fromgopacket"
	"github.com/pgsniff/pgsniff/pkg/reassembly"
)

// report prints what becomes of each connection.
type report struct{}

func (report) Open(c *reassembly.Conn, _ reassembly.Stamp) {
	fmt.Printf("%d: %v to %v\n", c.ID, c.A, c.B)
}

func (report) Data(*reassembly.Conn, reassembly.Dir, []byte, reassembly.Stamp) {}

func (report) Gap(c *reassembly.Conn, _ reassembly.Dir, n int64, at reassembly.Stamp) {
	fmt.Printf("%d: %d bytes lost before frame %d\n", c.ID, n, at.Frame)
}

func (report) Close(c *reassembly.Conn, why reassembly.Reason, _ reassembly.Stamp) {
	fmt.Printf("%d: %d and %d bytes, ended by %v\n", c.ID, c.Stats[0].Bytes, c.Stats[1].Bytes, why)
}

// Any packet source of gopacket's feeds an Assembler.
func Example() {
	f, err := os.Open("../../testdata/pcaps/port_reuse.pcap")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	r, err := pcapgo.NewReader(f)
	if err != nil {
		log.Fatal(err)
	}

	a := reassembly.New(report{}, reassembly.Config{})
	for frame := uint64(1); ; frame++ {
		data, ci, err := r.ReadPacketData()
		if err == io.EOF {
			break
		}
		if err != nil {
			log.Fatal(err)
		}
		packet := gopacket.NewPacket(data, r.LinkType(), gopacket.NoCopy)
		if tcp, ok := packet.TransportLayer().(*layers.TCP); ok {
			if s, ok := fromgopacket.Segment(packet.NetworkLayer(), tcp, ci); ok {
				s.At.Frame = frame
				a.Segment(&s)
			}
		}
	}
	a.Flush()
	// Output:
	// 1: 10.77.0.2:45000 to 10.77.0.1:5432
	// 1: 118 and 603 bytes, ended by RST
	// 2: 10.77.0.2:45000 to 10.77.0.1:5432
	// 2: 118 and 603 bytes, ended by FIN
	// 3: 10.77.0.2:45000 to 10.77.0.1:5432
	// 3: 140 and 603 bytes, ended by RST
	// 4: 10.77.0.2:45000 to 10.77.0.1:5432
	// 4: 118 and 603 bytes, ended by FIN
}
