package replication

import "encoding/binary"

// NewArchive begins an archive of a base backup (manual: "BASE_BACKUP", "new
// archive (B)"; since PostgreSQL 15).
type NewArchive struct {
	Name       []byte // of the file, as "base.tar"
	Tablespace []byte // path of its directory, empty for the main data directory
}

func (*NewArchive) Kind() Kind { return KindNewArchive }

func (m *NewArchive) decode(c *cursor) { m.Name, m.Tablespace = c.cstring(), c.cstring() }

func (m *NewArchive) Append(dst []byte) []byte {
	return appendCString(appendCString(append(dst, 'n'), m.Name), m.Tablespace)
}

func (m *NewArchive) Visit(v Visitor) {
	v.Text("name", m.Name)
	v.Text("tablespace_path", m.Tablespace)
}

// Manifest begins the backup manifest (manual: "manifest (B)").
type Manifest struct{}

func (*Manifest) Kind() Kind { return KindManifest }

func (*Manifest) decode(*cursor) {}

func (*Manifest) Append(dst []byte) []byte { return append(dst, 'm') }

func (*Manifest) Visit(Visitor) {}

// ArchiveData is a piece of the archive or manifest that began before (manual:
// "archive or manifest data (B)"). To servers before PostgreSQL 15 it is all that
// a CopyData has, without a first byte of its own.
type ArchiveData struct {
	Data []byte // borrowed
}

func (*ArchiveData) Kind() Kind { return KindArchiveData }

func (m *ArchiveData) decode(c *cursor) { m.Data = c.rest() }

func (m *ArchiveData) Append(dst []byte) []byte { return append(append(dst, 'd'), m.Data...) }

func (m *ArchiveData) Visit(v Visitor) { v.Size("bytes", len(m.Data)) }

// Progress tells how much of the current tablespace is done (manual: "progress
// report (B)").
type Progress struct{ Done uint64 } // bytes

func (*Progress) Kind() Kind { return KindProgress }

func (m *Progress) decode(c *cursor) { m.Done = c.uint64() }

func (m *Progress) Append(dst []byte) []byte {
	return binary.BigEndian.AppendUint64(append(dst, 'p'), m.Done)
}

func (m *Progress) Visit(v Visitor) { v.Uint("bytes_done", m.Done) }
