package walfile

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/replication"
)

// page makes a page of the log with its header.
func page(pos uint64, timeline uint32, segment uint32) []byte {
	b := make([]byte, pageSize)
	binary.LittleEndian.PutUint16(b, 0xD110)
	binary.LittleEndian.PutUint32(b[4:], timeline)
	binary.LittleEndian.PutUint64(b[8:], pos)
	if segment != 0 {
		binary.LittleEndian.PutUint16(b[2:], 2)
		binary.LittleEndian.PutUint32(b[32:], segment)
	}
	for i := 40; i < len(b); i++ {
		b[i] = byte(pos>>13) + byte(i)
	}
	return b
}

// Whatever the pieces, the files hold what was sent at its place, under the names
// that the server gives them, and zeros elsewhere.
func TestSegments(t *testing.T) {
	const segment, first = 1 << 20, uint64(3 << 20)
	var wal []byte
	for pos := first; pos < first+2*segment; pos += pageSize {
		long := uint32(0)
		if pos%segment == 0 {
			long = segment
		}
		wal = append(wal, page(pos, 7, long)...)
	}
	for _, piece := range []int{64, 1000, 8192, 131072, len(wal)} {
		d, err := Open(filepath.Join(t.TempDir(), "wal"))
		if err != nil {
			t.Fatal(err)
		}
		n := len(wal) - 5000
		for off := 0; off < n; off += piece {
			if err := d.Write(0, replication.LSN(first+uint64(off)), wal[off:min(off+piece, n)]); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Close(); err != nil || d.Segments() != 2 || d.Bytes != uint64(n) {
			t.Fatalf("pieces of %d: %v, %d segments, %d bytes", piece, err, d.Segments(), d.Bytes)
		}
		for i, name := range []string{"000000070000000000000003", "000000070000000000000004"} {
			got, err := os.ReadFile(filepath.Join(d.path, name))
			want := bytes.Clone(wal[i*segment : (i+1)*segment])
			if i == 1 {
				clear(want[segment-5000:])
			}
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("pieces of %d: %s: %v, %d bytes", piece, name, err, len(got))
			}
		}
		other, _ := Open(d.path)
		if err := other.Write(7, replication.LSN(first), wal); err == nil {
			t.Error("a file that was there is written over")
		}
	}
}

func TestBounds(t *testing.T) {
	d, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Write(0, 5, []byte("abc")); err != nil || d.Skipped != 3 || d.Segments() != 0 {
		t.Error("without a timeline:", err, d.Skipped, d.Segments())
	}
	for i := range uint64(maxSegments + 10) {
		if err := d.Write(1, replication.LSN(i*DefaultSegment), []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if d.Segments() != maxSegments || d.Skipped != 13 {
		t.Errorf("%d segments, %d bytes not written", d.Segments(), d.Skipped)
	}
	if err := d.Write(1, 1<<64-2, []byte("xyz")); err != nil { // beyond the last position
		t.Error(err)
	}
	if got := Name(0x1F, 0xABC12, DefaultSegment); got != "0000001F00000ABC00000012" {
		t.Error(got)
	}
}
