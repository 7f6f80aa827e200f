package findings_test

import (
	"os"
	"testing"

	"github.com/pgsniff/pgsniff/internal/capture"
)

func BenchmarkFile(b *testing.B) {
	files, err := capture.OpenFiles([]string{os.Getenv("BENCH")}, capture.FileOptions{})
	if err != nil {
		b.Skip()
	}
	var p capture.Packet
	var list []capture.Packet
	for files.Next(&p) == nil {
		c := p
		c.Data = append([]byte(nil), p.Data...)
		list = append(list, c)
	}
	b.ResetTimer()
	for range b.N {
		diagnose(list, 1, nil)
	}
}
