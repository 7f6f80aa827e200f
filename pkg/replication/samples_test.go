package replication

import (
	"encoding/binary"
	"reflect"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// wire writes integers of several sizes and strings one after another.
func wire(parts ...any) []byte {
	var b []byte
	for _, p := range parts {
		switch p := p.(type) {
		case byte:
			b = append(b, p)
		case rune:
			b = append(b, byte(p))
		case uint16:
			b = binary.BigEndian.AppendUint16(b, p)
		case uint32:
			b = binary.BigEndian.AppendUint32(b, p)
		case uint64:
			b = binary.BigEndian.AppendUint64(b, p)
		case string:
			b = append(b, p...)
		default:
			panic(reflect.TypeOf(p).String())
		}
	}
	return b
}

type (
	i16 = uint16
	i32 = uint32
	i64 = uint64
)

// at is 2026-01-02 03:04:05.678901 UTC in microseconds since 2000.
const at = i64(820638245678901)

func text(s string) []any { return []any{'t', i32(len(s)), s} }

func row(columns ...[]any) string {
	b := wire(i16(len(columns)))
	for _, c := range columns {
		b = append(b, wire(c...)...)
	}
	return string(b)
}

var (
	null      = []any{'n'}
	unchanged = []any{'u'}
	people    = string(wire(i32(16385), "public\x00people\x00", 'd', i16(3),
		'\x01', "id\x00", i32(23), i32(1<<32-1), '\x00', "name\x00", i32(25), i32(1<<32-1), '\x00', "born\x00", i32(1082), i32(1<<32-1)))
	anna = row(text("1"), text("Anna"), null)
)

// samples has every message, as the manual lays it out byte by byte; fields is
// what Visit names.
var samples = []struct {
	name     string
	kind     Kind
	streamed bool
	bytes    []byte
	fields   string
}{
	{
		"WALData", KindWALData, false, wire('w', i64(0x16B3748), i64(0x1_0000_0000), at, "xyz"),
		"start_lsn=0/16B3748 end_lsn=1/0 time=2026-01-02T03:04:05.678901Z bytes=3",
	},
	{
		"PrimaryKeepalive", KindPrimaryKeepalive, false, wire('k', i64(0xFF_00000010), at, '\x01'),
		"end_lsn=FF/10 time=2026-01-02T03:04:05.678901Z reply=true",
	},
	{
		"PrimaryStatusUpdate", KindPrimaryStatusUpdate, false, wire('s', i64(16), i64(7), i64(1<<63+1), at),
		"write_lsn=0/10 oldest_xid=7 next_xid=9223372036854775809 time=2026-01-02T03:04:05.678901Z",
	},
	{
		"StandbyStatusUpdate", KindStandbyStatusUpdate, false, wire('r', i64(3), i64(2), i64(1), at, '\x00'),
		"write_lsn=0/3 flush_lsn=0/2 apply_lsn=0/1 time=2026-01-02T03:04:05.678901Z reply=false",
	},
	{
		"HotStandbyFeedback", KindHotStandbyFeedback, false, wire('h', at, i32(700), i32(1), i32(0), i32(2)),
		"time=2026-01-02T03:04:05.678901Z xmin=700 epoch=1 catalog_xmin=0 catalog_xmin_epoch=2",
	},
	{"PrimaryStatusRequest", KindPrimaryStatusRequest, false, wire('p', at), "time=2026-01-02T03:04:05.678901Z"},
	{"NewArchive", KindNewArchive, false, wire('n', "16400.tar\x00/ts\x00"), "name=16400.tar tablespace_path=/ts"},
	{"Manifest", KindManifest, false, wire('m'), ""},
	{"ArchiveData", KindArchiveData, false, wire('d', "abc"), "bytes=3"},
	{"Progress", KindProgress, false, wire('p', i64(1<<40)), "bytes_done=1099511627776"},

	{"Begin", KindBegin, false, wire('B', i64(0x20), at, i32(731)), "final_lsn=0/20 commit_timestamp=2026-01-02T03:04:05.678901Z xid=731"},
	{"Message", KindMessage, false, wire('M', '\x01', i64(0x30), "pfx\x00", i32(2), "hi"), "flags=1 lsn=0/30 prefix=pfx content=hi"},
	{"Message streamed", KindMessage, true, wire('M', i32(9), '\x00', i64(0x30), "\x00", i32(0)), "xid=9 flags=0 lsn=0/30 prefix= content="},
	{"Commit", KindCommit, false, wire('C', '\x00', i64(1), i64(2), at), "flags=0 commit_lsn=0/1 end_lsn=0/2 commit_timestamp=2026-01-02T03:04:05.678901Z"},
	{"Origin", KindOrigin, false, wire('O', i64(5), "node_a\x00"), "commit_lsn=0/5 name=node_a"},
	{"Relation", KindRelation, false, wire('R', people), "oid=16385 namespace=public name=people replica_identity=default columns=[*id:23:-1 name:25:-1 born:1082:-1]"},
	{"Relation streamed", KindRelation, true, wire('R', i32(900), people), "xid=900 oid=16385 namespace=public name=people replica_identity=default columns=[*id:23:-1 name:25:-1 born:1082:-1]"},
	{"Type", KindType, false, wire('Y', i32(16390), "public\x00mood\x00"), "oid=16390 namespace=public name=mood"},
	{"Type streamed", KindType, true, wire('Y', i32(3), i32(16390), "\x00mood\x00"), "xid=3 oid=16390 namespace= name=mood"},
	{"Insert", KindInsert, false, wire('I', i32(16385), 'N', anna), "relation_oid=16385 new=(t1 tAnna n)"},
	{"Insert streamed", KindInsert, true, wire('I', i32(77), i32(16385), 'N', anna), "xid=77 relation_oid=16385 new=(t1 tAnna n)"},
	{"Insert binary", KindInsert, false, wire('I', i32(16385), 'N', row([]any{'b', i32(4), i32(1)}, []any{'b', i32(0)})), "relation_oid=16385 new=(b\x00\x00\x00\x01 b)"},
	{"Update", KindUpdate, false, wire('U', i32(16385), 'N', row(text("1"), unchanged, null)), "relation_oid=16385 new=(t1 u n)"},
	{"Update of the key", KindUpdate, false, wire('U', i32(16385), 'K', row(text("0"), null, null), 'N', anna), "relation_oid=16385 key=(t0 n n) new=(t1 tAnna n)"},
	{"Update, full, streamed", KindUpdate, true, wire('U', i32(5), i32(16385), 'O', anna, 'N', anna), "xid=5 relation_oid=16385 old=(t1 tAnna n) new=(t1 tAnna n)"},
	{"Delete", KindDelete, false, wire('D', i32(16385), 'K', row(text("1"), null, null)), "relation_oid=16385 key=(t1 n n)"},
	{"Delete, full, streamed", KindDelete, true, wire('D', i32(6), i32(16385), 'O', anna), "xid=6 relation_oid=16385 old=(t1 tAnna n)"},
	{"Truncate", KindTruncate, false, wire('T', i32(2), '\x02', i32(16385), i32(16386)), "cascade=false restart_identity=true relation_oids=[16385 16386]"},
	{"Truncate streamed", KindTruncate, true, wire('T', i32(8), i32(1), '\x01', i32(16385)), "xid=8 cascade=true restart_identity=false relation_oids=[16385]"},
	{"StreamStart", KindStreamStart, false, wire('S', i32(740), '\x01'), "xid=740 first_segment=true"},
	{"StreamStop", KindStreamStop, false, wire('E'), ""},
	{"StreamCommit", KindStreamCommit, false, wire('c', i32(740), '\x00', i64(1), i64(2), at), "xid=740 flags=0 commit_lsn=0/1 end_lsn=0/2 commit_timestamp=2026-01-02T03:04:05.678901Z"},
	{"StreamAbort", KindStreamAbort, false, wire('A', i32(740), i32(741)), "xid=740 subxid=741"},
	{"StreamAbort, parallel", KindStreamAbort, false, wire('A', i32(740), i32(741), i64(9), at), "xid=740 subxid=741 abort_lsn=0/9 abort_timestamp=2026-01-02T03:04:05.678901Z"},
	{"BeginPrepare", KindBeginPrepare, false, wire('b', i64(1), i64(2), at, i32(750), "gid 1\x00"), "prepare_lsn=0/1 end_lsn=0/2 prepare_timestamp=2026-01-02T03:04:05.678901Z xid=750 gid=gid 1"},
	{"Prepare", KindPrepare, false, wire('P', '\x00', i64(1), i64(2), at, i32(750), "gid 1\x00"), "flags=0 prepare_lsn=0/1 end_lsn=0/2 prepare_timestamp=2026-01-02T03:04:05.678901Z xid=750 gid=gid 1"},
	{"CommitPrepared", KindCommitPrepared, false, wire('K', '\x00', i64(3), i64(4), at, i32(750), "gid 1\x00"), "flags=0 commit_lsn=0/3 end_lsn=0/4 commit_timestamp=2026-01-02T03:04:05.678901Z xid=750 gid=gid 1"},
	{
		"RollbackPrepared", KindRollbackPrepared, false, wire('r', '\x00', i64(2), i64(4), at, at+1000000, i32(750), "gid 1\x00"),
		"flags=0 prepare_end_lsn=0/2 rollback_end_lsn=0/4 prepare_timestamp=2026-01-02T03:04:05.678901Z rollback_timestamp=2026-01-02T03:04:06.678901Z xid=750 gid=gid 1",
	},
	{"StreamPrepare", KindStreamPrepare, false, wire('p', '\x00', i64(1), i64(2), at, i32(750), "gid 1\x00"), "flags=0 prepare_lsn=0/1 end_lsn=0/2 prepare_timestamp=2026-01-02T03:04:05.678901Z xid=750 gid=gid 1"},
}

func decodeOne(k Kind, b []byte, streamed, cut bool) (Message, *Fault) {
	var d Decoder
	return d.inner(k, b, streamed, cut)
}

func TestSamples(t *testing.T) {
	seen := map[Kind]bool{}
	for _, s := range samples {
		t.Run(s.name, func(t *testing.T) {
			seen[s.kind] = true
			m, fault := decodeOne(s.kind, s.bytes, s.streamed, false)
			if fault != nil {
				t.Fatal(fault)
			}
			if m.Kind() != s.kind || s.bytes[0] != s.kind.Tag() {
				t.Errorf("kind %v, tag %q", m.Kind(), s.kind.Tag())
			}
			if got := fieldsOf(m); got != s.fields {
				t.Errorf("fields\n got %s\nwant %s", got, s.fields)
			}
			if got := m.Append(nil); string(got) != string(s.bytes) {
				t.Errorf("appended %q, was %q", got, s.bytes)
			}
			if k, ok := Named(s.kind.String()); !ok || k != s.kind {
				t.Errorf("Named(%q) is %v", s.kind, k)
			}
		})
	}
	for k := KindUnknown + 1; k < NumKinds; k++ {
		if !seen[k] {
			t.Errorf("%v has no sample", k)
		}
	}
}

// No beginning of a message is a message, where its length is its own.
func TestPrefixes(t *testing.T) {
	open := map[string]bool{"WALData": true, "ArchiveData": true, "StreamAbort, parallel": true}
	for _, s := range samples {
		for n := 1; n < len(s.bytes); n++ {
			if _, fault := decodeOne(s.kind, s.bytes[:n], s.streamed, false); fault == nil && !open[s.name] {
				t.Errorf("%s: %d of %d bytes were accepted", s.name, n, len(s.bytes))
			}
			if m, fault := decodeOne(s.kind, s.bytes[:n], s.streamed, true); fault == nil {
				fieldsOf(m) // of what was cut, what is there
			}
		}
		longer := append(append([]byte{}, s.bytes...), 0)
		if _, fault := decodeOne(s.kind, longer, s.streamed, false); fault == nil && !open[s.name] {
			t.Errorf("%s: accepted with a byte too many", s.name)
		}
	}
}

// The two forms of a message are told apart by the bytes alone, but for a Truncate,
// whose relations have to be known.
func TestForms(t *testing.T) {
	for _, s := range samples {
		if !kinds[s.kind].streamed || s.kind == KindTruncate {
			continue
		}
		st := NewStream(NewCatalog(), "db:5432")
		st.Begin(logicalStart)
		st.Lost(messages.Backend)
		m := st.Observe(messages.Backend, walData(1, s.bytes), 25+len(s.bytes))
		if m.Logical != s.kind || m.Streamed != s.streamed || m.Flags != InferredStream && m.Relation == nil && m.Flags&UnknownRelation == 0 {
			t.Errorf("%s: %+v", s.name, m)
		}
	}
}

// Names of the fields in the output: no kind has one twice.
func TestFieldNames(t *testing.T) {
	for _, s := range samples {
		m, _ := decodeOne(s.kind, s.bytes, s.streamed, false)
		seen := map[string]bool{}
		for _, name := range namesOf(m) {
			if seen[name] || name != strings.ToLower(name) {
				t.Errorf("%s: %s", s.name, name)
			}
			seen[name] = true
		}
	}
}
