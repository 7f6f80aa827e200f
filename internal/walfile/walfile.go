// Package walfile writes the write-ahead log that a physical replication stream
// carries into segment files, as the server has them, so that pg_waldump reads them.
package walfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pgsniff/pgsniff/pkg/replication"
)

const (
	// DefaultSegment is the size of a segment where nothing tells it (manual: "WAL
	// Internals").
	DefaultSegment = 16 << 20
	pageSize       = 8192
	// maxSegments bounds the files of a run: a capture of few bytes could ask for
	// any number. With the default size it is 160 GB of WAL.
	maxSegments = 10000
)

// Dir writes segments of one server into a directory. It belongs to one goroutine.
type Dir struct {
	path     string
	segment  uint64
	timeline uint32
	files    map[string]bool // made by this run
	file     *os.File
	name     string

	// Bytes is what was written, Skipped what was not: for lack of a timeline, or
	// beyond the most segments.
	Bytes, Skipped uint64
}

// Open makes a directory if it is not there.
func Open(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	return &Dir{path: path, segment: DefaultSegment, files: map[string]bool{}}, nil
}

// Write writes data at its position. timeline is what the command named, 0 where it
// did not: the pages of the log tell.
func (d *Dir) Write(timeline uint32, at replication.LSN, data []byte) error {
	if timeline != 0 {
		d.timeline = timeline
	}
	d.readPages(uint64(at), data)
	if d.timeline == 0 {
		d.Skipped += uint64(len(data))
		return nil
	}
	for pos := uint64(at); len(data) > 0; {
		n := min(d.segment-pos%d.segment, uint64(len(data)))
		if err := d.open(pos / d.segment); err != nil {
			return err
		}
		if d.file == nil {
			d.Skipped += n
		} else if _, err := d.file.WriteAt(data[:n], int64(pos%d.segment)); err != nil {
			return err
		} else {
			d.Bytes += n
		}
		data, pos = data[n:], pos+n
	}
	return nil
}

// readPages learns timeline and size of segments from the headers of pages
// (XLogPageHeaderData and XLogLongPageHeaderData in PostgreSQL's source), which are
// in the byte order of the server. A header that does not tell its own position is
// none.
func (d *Dir) readPages(pos uint64, data []byte) {
	skip := (pageSize - pos%pageSize) % pageSize
	for ; skip+40 <= uint64(len(data)); skip += pageSize {
		page := data[skip:]
		for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
			if order.Uint64(page[8:]) != pos+skip {
				continue
			}
			d.timeline = order.Uint32(page[4:])
			const long = 2 // XLP_LONG_HEADER
			if order.Uint16(page[2:])&long != 0 {
				if size := uint64(order.Uint32(page[32:])); size >= 1<<20 && size <= 1<<30 && size&(size-1) == 0 {
					d.segment = size
				}
			}
		}
	}
}

// Name is the name of a segment's file (manual: "WAL Internals").
func Name(timeline uint32, number, size uint64) string {
	per := (1 << 32) / size
	return fmt.Sprintf("%08X%08X%08X", timeline, number/per, number%per)
}

// open makes the file of a segment the current one; none where there are too many.
func (d *Dir) open(number uint64) error {
	name := Name(d.timeline, number, d.segment)
	if name == d.name {
		return nil
	}
	if err := d.Close(); err != nil {
		return err
	}
	d.name = name
	flags := os.O_RDWR
	if !d.files[name] {
		if len(d.files) >= maxSegments {
			return nil
		}
		flags |= os.O_CREATE | os.O_EXCL // what is there is not ours
	}
	f, err := os.OpenFile(filepath.Join(d.path, name), flags, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s is there already: name a directory without WAL", filepath.Join(d.path, name))
	}
	if err != nil {
		return err
	}
	d.files[name], d.file = true, f
	// A segment has its full size; what was not seen of it reads as zeros.
	return f.Truncate(int64(d.segment))
}

// Segments returns how many files were made.
func (d *Dir) Segments() int { return len(d.files) }

// Close closes the current file.
func (d *Dir) Close() error {
	f := d.file
	d.file, d.name = nil, ""
	if f == nil {
		return nil
	}
	return f.Close()
}
