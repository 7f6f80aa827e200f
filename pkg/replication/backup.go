package replication

import "bytes"

// Backup is what is known of a base backup.
type Backup struct {
	Archives []Archive // in order, the manifest last
	// Done is the latest progress report: bytes of the current tablespace that are
	// done, if HasDone.
	Done    uint64
	HasDone bool
	Bytes   uint64 // of all archives and the manifest
	Dropped uint64 // archives beyond the first maxArchives
}

// Archive is one archive of a base backup, or the manifest.
type Archive struct {
	Name       string // of the file; "" for servers before PostgreSQL 15, which do not tell
	Tablespace string // path of its directory, "" for the main data directory
	Manifest   bool
	Bytes      uint64 // on the wire: compressed if the server compresses
}

const (
	// maxArchives bounds the list: there is one for each tablespace.
	maxArchives = 1024
	maxPath     = 1024 // MAXPGPATH in PostgreSQL's source
	// maxNewArchive is more than the message that begins one can have.
	maxNewArchive = 2*maxPath + 3
)

type backupState struct {
	Backup
	current int // in Archives, -1 if none, or not known
}

func (b *backupState) begin() { *b = backupState{current: -1} }

// lost tells that the beginning of an archive may be missing.
func (b *backupState) lost() { b.current = -1 }

func (b *backupState) add(a Archive) {
	if b.current = -1; len(b.Archives) == maxArchives {
		b.Dropped++
		return
	}
	b.Archives = append(b.Archives, a)
	b.current = len(b.Archives) - 1
}

func (b *backupState) nextOld() { b.add(Archive{}) }

func (b *backupState) data(n int) {
	b.Bytes += uint64(n)
	if b.current >= 0 {
		b.Archives[b.current].Bytes += uint64(n)
	}
}

// observeBackup takes a CopyData of BASE_BACKUP.
func (s *Stream) observeBackup(m *Meaning, data []byte, size int) {
	if s.oldStart {
		s.oldStart = false
		if s.known.holes == 0 && !startsArchive(data) && (m.Flags&Cut == 0 || size > maxNewArchive) {
			s.mode = ModeBackupOld
			s.backup.nextOld()
		}
	}
	if m.Mode = s.mode; s.mode == ModeBackupOld {
		m.Kind, m.raw, m.Size = KindArchiveData, true, size
		s.backup.data(size)
		s.outer, _ = s.decoder.Decode(m, data)
		return
	}
	m.Kind = backupKind(data)
	if s.outer, m.Fault = s.decoder.outer(m, data); m.Fault != nil {
		m.Kind = KindUnknown
		m.forgive()
		return
	}
	switch msg := s.outer.(type) {
	case *NewArchive:
		s.backup.add(Archive{Name: bounded(msg.Name), Tablespace: bounded(msg.Tablespace)})
	case *Manifest:
		s.backup.add(Archive{Name: "backup_manifest", Manifest: true})
	case *ArchiveData:
		m.Size = size - 1
		s.backup.data(m.Size)
	case *Progress:
		s.backup.Done, s.backup.HasDone = msg.Done, true
	}
}

func bounded(b []byte) string { return string(b[:min(len(b), maxPath)]) }

// startsArchive reports whether a base backup begins as those of PostgreSQL 15 and
// later do: with a new archive, a message of two strings and no more.
func startsArchive(data []byte) bool {
	return len(data) > 2 && data[0] == 'n' && data[len(data)-1] == 0 && bytes.Count(data, []byte{0}) == 2
}

func backupKind(data []byte) Kind {
	if len(data) == 0 {
		return KindUnknown
	}
	switch data[0] {
	case 'n':
		return KindNewArchive
	case 'm':
		return KindManifest
	case 'd':
		return KindArchiveData
	case 'p':
		return KindProgress
	}
	return KindUnknown
}
