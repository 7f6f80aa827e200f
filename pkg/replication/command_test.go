package replication

import (
	"fmt"
	"strings"
	"testing"
)

func (o Option) text() string {
	if !o.HasValue {
		return o.Name
	}
	return o.Name + "=" + o.Value
}

func (c *Command) text() string {
	b := []string{c.Kind.String()}
	put := func(show bool, format string, v ...any) {
		if show {
			b = append(b, fmt.Sprintf(format, v...))
		}
	}
	put(c.Slot != "", "slot=%s", c.Slot)
	put(c.Temporary, "temporary")
	put(c.Logical, "logical")
	put(c.Plugin != "", "plugin=%s", c.Plugin)
	put(c.Wait, "wait")
	put(c.HasStart, "at=%v", c.Start)
	put(c.Timeline != 0, "timeline=%d", c.Timeline)
	put(c.Setting != "", "setting=%s", c.Setting)
	for _, o := range c.Options {
		put(true, "{%s}", o.text())
	}
	for _, p := range c.Publications() {
		put(true, "pub:%s", p)
	}
	return strings.Join(b, " ")
}

// Commands as the clients of PostgreSQL 9.4 to 19 send them.
func TestCommands(t *testing.T) {
	for _, c := range []struct{ sql, want string }{
		{"IDENTIFY_SYSTEM", "IDENTIFY_SYSTEM"},
		{"IDENTIFY_SYSTEM;", "IDENTIFY_SYSTEM"},
		{"SHOW data_directory_mode", "SHOW setting=data_directory_mode"},
		{"SHOW my.\"Setting\"", "SHOW setting=my.Setting"},
		{"TIMELINE_HISTORY 2", "TIMELINE_HISTORY timeline=2"},
		{`CREATE_REPLICATION_SLOT "rwslot" PHYSICAL`, "CREATE_REPLICATION_SLOT slot=rwslot"},
		{`CREATE_REPLICATION_SLOT "s" TEMPORARY PHYSICAL ( RESERVE_WAL)`, "CREATE_REPLICATION_SLOT slot=s temporary {reserve_wal}"},
		{`CREATE_REPLICATION_SLOT "s" PHYSICAL RESERVE_WAL`, "CREATE_REPLICATION_SLOT slot=s {reserve_wal}"},
		{`CREATE_REPLICATION_SLOT "rl" LOGICAL "test_decoding" ( TWO_PHASE,  SNAPSHOT 'nothing')`, "CREATE_REPLICATION_SLOT slot=rl logical plugin=test_decoding {two_phase} {snapshot=nothing}"},
		{`CREATE_REPLICATION_SLOT "pg_16_sync_1_2" LOGICAL pgoutput USE_SNAPSHOT`, "CREATE_REPLICATION_SLOT slot=pg_16_sync_1_2 logical plugin=pgoutput {use_snapshot}"},
		{`CREATE_REPLICATION_SLOT "s" LOGICAL pgoutput (FAILOVER, TWO_PHASE, SNAPSHOT 'nothing')`, "CREATE_REPLICATION_SLOT slot=s logical plugin=pgoutput {failover} {two_phase} {snapshot=nothing}"},
		{`ALTER_REPLICATION_SLOT "s" ( FAILOVER true, TWO_PHASE false )`, "ALTER_REPLICATION_SLOT slot=s {failover=true} {two_phase=false}"},
		{`READ_REPLICATION_SLOT "rwslot"`, "READ_REPLICATION_SLOT slot=rwslot"},
		{`DROP_REPLICATION_SLOT "a""b" WAIT`, `DROP_REPLICATION_SLOT slot=a"b wait`},
		{`START_REPLICATION SLOT "rwslot" 0/9000000 TIMELINE 1`, "START_REPLICATION slot=rwslot at=0/9000000 timeline=1"},
		{"START_REPLICATION PHYSICAL AB/C", "START_REPLICATION at=AB/C"},
		{"START_REPLICATION 0/0", "START_REPLICATION at=0/0"},
		{`START_REPLICATION SLOT "rl" LOGICAL 0/0 ("include-xids" '1', "skip-empty-xacts" '1')`, "START_REPLICATION slot=rl logical at=0/0 {include-xids=1} {skip-empty-xacts=1}"},
		{`START_REPLICATION SLOT "rl" LOGICAL 0/0`, "START_REPLICATION slot=rl logical at=0/0"},
		{
			`START_REPLICATION SLOT "s" LOGICAL 0/1D747858 (proto_version '4', streaming 'parallel', two_phase 'on', origin 'none', publication_names '"pub1","Pub ""2"",x"', binary 'true')`,
			`START_REPLICATION slot=s logical at=0/1D747858 {proto_version=4} {streaming=parallel} {two_phase=on} {origin=none} {publication_names="pub1","Pub ""2"",x"} {binary=true} pub:pub1 pub:Pub "2",x`,
		},
		{"BASE_BACKUP", "BASE_BACKUP"},
		{
			"BASE_BACKUP ( LABEL 'pg_basebackup base backup',  PROGRESS,  CHECKPOINT 'fast',  MAX_RATE 32768, MANIFEST 'yes',  TARGET 'client',  COMPRESSION 'zstd',  COMPRESSION_DETAIL '19', INCREMENTAL)",
			"BASE_BACKUP {label=pg_basebackup base backup} {progress} {checkpoint=fast} {max_rate=32768} {manifest=yes} {target=client} {compression=zstd} {compression_detail=19} {incremental}",
		},
		{
			"BASE_BACKUP LABEL 'it''s' PROGRESS FAST NOWAIT   MAX_RATE 100 TABLESPACE_MAP MANIFEST 'yes' MANIFEST_CHECKSUMS 'SHA256'",
			"BASE_BACKUP {label=it's} {progress} {fast} {nowait} {max_rate=100} {tablespace_map} {manifest=yes} {manifest_checksums=SHA256}",
		},
		{"UPLOAD_MANIFEST", "UPLOAD_MANIFEST"},
	} {
		got, ok := ParseCommand(c.sql)
		if !ok || got.text() != c.want {
			t.Errorf("%s\n got %s, %v\nwant %s", c.sql, got.text(), ok, c.want)
		}
		for n := range c.sql { // of one that is cut, what is there
			if cut, _ := ParseCommand(c.sql[:n]); cut.Kind != CommandNone && !strings.HasPrefix(c.sql, cut.Kind.String()) {
				t.Errorf("%q is a %v", c.sql[:n], cut.Kind)
			}
		}
	}
}

func TestNoCommands(t *testing.T) {
	for _, sql := range []string{
		"", " ", ";", "select 1", "identify_system", "COPY t TO STDOUT", "START_REPLICATIONS 0/0", "'START_REPLICATION'", "(",
		"BEGIN READ ONLY ISOLATION LEVEL REPEATABLE READ", "\x00",
	} {
		if c, ok := ParseCommand(sql); ok || c.Kind != CommandNone {
			t.Errorf("%q is %v, %v", sql, c.text(), ok)
		}
	}
	for _, sql := range []string{
		"START_REPLICATION", "START_REPLICATION SLOT", "START_REPLICATION SLOT s", "START_REPLICATION 0/0 (", "START_REPLICATION 0/0 (a 'b'",
		"START_REPLICATION 0/G", "START_REPLICATION 0/123456789", "TIMELINE_HISTORY x", "TIMELINE_HISTORY 4294967296", "CREATE_REPLICATION_SLOT s",
		"BASE_BACKUP (", "BASE_BACKUP x", "IDENTIFY_SYSTEM x", "SHOW", "BASE_BACKUP LABEL", "START_REPLICATION 0/0 (" + strings.Repeat("a,", 100) + "a)",
	} {
		if c, ok := ParseCommand(sql); ok {
			t.Errorf("%q is %v", sql, c.text())
		}
	}
}

func TestLSN(t *testing.T) {
	for _, c := range []struct {
		s string
		l LSN
	}{{"0/0", 0}, {"0/16B3748", 0x16B3748}, {"1/0", 1 << 32}, {"FFFFFFFF/FFFFFFFF", 1<<64 - 1}, {"A/BC", 0xA_000000BC}} {
		if got := c.l.String(); got != c.s {
			t.Errorf("%d is %s, want %s", uint64(c.l), got, c.s)
		}
		if got, ok := ParseLSN(c.s); !ok || got != c.l {
			t.Errorf("%s is %d", c.s, uint64(got))
		}
	}
	if l, ok := ParseLSN("0/016B3748"); !ok || l != 0x16B3748 { // as PostgreSQL 19 prints them
		t.Error(l, ok)
	}
	for _, s := range []string{"", "/", "0", "0/", "/0", "0/0/0", "x/0", "+1/0", "-1/0", "0x1/0", "123456789/0", "0_1/0"} {
		if l, ok := ParseLSN(s); ok {
			t.Errorf("%q is %v", s, l)
		}
	}
}

func TestTime(t *testing.T) {
	for _, us := range []Time{0, 1, -1, 1<<63 - 1, -1 << 63, 820551845678901} {
		ns, ok := us.UnixNano()
		if got := us.Time().UnixNano(); ok && got != ns {
			t.Errorf("%d: %d and %d", us, ns, got)
		}
		if ok != (us > -1<<62 && us < 1<<62) {
			t.Errorf("%d: %v", us, ok)
		}
	}
}
