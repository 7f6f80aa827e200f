package packet_test

import (
	"fmt"
	"io"

	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/internal/packet"
	"github.com/pgsniff/pgsniff/pkg/reassembly"
)

func Example() {
	files, err := capture.OpenFiles([]string{"../../testdata/pcaps/nanosecond.pcap"}, capture.FileOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer files.Close()
	decoder := packet.NewDecoder(packet.Options{})
	var p capture.Packet
	var seg reassembly.Segment
	segments, payload := 0, 0
	for {
		err := files.Next(&p)
		if err == io.EOF {
			break
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		if decoder.Decode(&p, &seg) == packet.TCP {
			segments++
			payload += len(seg.Payload)
		}
	}
	fmt.Println(segments, "segments with", payload, "bytes of payload")
	// Output: 15 segments with 688 bytes of payload
}
