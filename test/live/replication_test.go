//go:build linux

package live

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

const replicatedTables = `
	CREATE TABLE t (id int PRIMARY KEY, name text, n numeric, b bytea, at timestamptz, u uuid, f float8, ok bool);
	CREATE TABLE whole (a int, b text);
	ALTER TABLE whole REPLICA IDENTITY FULL;
	CREATE TABLE many (id int PRIMARY KEY, payload text);`

// applied logs, on the subscriber, each row as it is applied there.
const applied = `
	CREATE TABLE applied (seq bigserial, op text, tab text, old jsonb, new jsonb);
	CREATE FUNCTION as_text(r jsonb) RETURNS jsonb LANGUAGE sql AS
		'SELECT jsonb_object_agg(key, CASE WHEN key = ''at'' THEN to_jsonb((value::timestamptz)::text) WHEN key = ''ok'' THEN to_jsonb(left(value, 1)) ELSE to_jsonb(value) END) FROM jsonb_each_text(r)';
	CREATE FUNCTION log_applied() RETURNS trigger LANGUAGE plpgsql SET search_path = public AS $$BEGIN
		IF TG_OP = 'INSERT' THEN
			INSERT INTO applied (op, tab, new) VALUES ('insert', TG_TABLE_NAME, as_text(to_jsonb(NEW)));
		ELSIF TG_OP = 'UPDATE' THEN
			INSERT INTO applied (op, tab, old, new) VALUES ('update', TG_TABLE_NAME, as_text(to_jsonb(OLD)), as_text(to_jsonb(NEW)));
		ELSE
			INSERT INTO applied (op, tab, old) VALUES ('delete', TG_TABLE_NAME, as_text(to_jsonb(OLD)));
		END IF;
		RETURN NULL;
	END$$;
	CREATE TRIGGER log_t AFTER INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION log_applied();
	CREATE TRIGGER log_whole AFTER INSERT OR UPDATE OR DELETE ON whole FOR EACH ROW EXECUTE FUNCTION log_applied();
	CREATE TRIGGER log_many AFTER INSERT OR UPDATE OR DELETE ON many FOR EACH ROW EXECUTE FUNCTION log_applied();
	ALTER TABLE t ENABLE ALWAYS TRIGGER log_t;
	ALTER TABLE whole ENABLE ALWAYS TRIGGER log_whole;
	ALTER TABLE many ENABLE ALWAYS TRIGGER log_many;`

// published is what the publisher does, one transaction after the other: streamed
// ones, with subtransactions that are undone, and prepared ones among them.
var published = []string{
	`INSERT INTO t VALUES (1, 'żółć', 1.50, '\x00ff', '2026-01-02 03:04:05.678+00', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 1.5, true), (2, NULL, -7, '', NULL, NULL, 'NaN', false)`,
	`UPDATE t SET name = 'two' WHERE id = 2; UPDATE t SET id = 20 WHERE id = 2; DELETE FROM t WHERE id = 1`,
	`INSERT INTO whole VALUES (1, 'x'), (2, NULL); UPDATE whole SET b = 'y' WHERE a = 1; DELETE FROM whole WHERE a = 2`,
	`INSERT INTO t (id, name) SELECT 3, string_agg(md5(i::text), '') FROM generate_series(1, 400) i`,
	`UPDATE t SET n = 3 WHERE id = 3`,
	`BEGIN; INSERT INTO many SELECT i, 'streamed ' || i FROM generate_series(1, 2000) i; SAVEPOINT a;
		INSERT INTO many SELECT i, 'undone' FROM generate_series(3001, 5000) i; ROLLBACK TO a;
		INSERT INTO many SELECT i, 'after' FROM generate_series(2001, 2100) i; COMMIT`,
	`BEGIN; INSERT INTO many SELECT i, 'rolled back' FROM generate_series(6001, 8000) i; ROLLBACK`,
	`BEGIN; INSERT INTO t (id, name) VALUES (4, 'prepared'); PREPARE TRANSACTION 'one'`, `COMMIT PREPARED 'one'`,
	`BEGIN; INSERT INTO t (id, name) VALUES (5, 'rolled back'); PREPARE TRANSACTION 'two'`, `ROLLBACK PREPARED 'two'`,
	`DELETE FROM many WHERE id > 2050`,
	`INSERT INTO t (id, name) VALUES (99, 'last')`,
}

// TestLogicalReplication runs publishers and subscribers of several versions: what
// the subscriber applied, row by row, is what the view changes shows.
func TestLogicalReplication(t *testing.T) {
	needCapture(t)
	for _, c := range []struct {
		name      string
		publisher int
		options   string
	}{
		{"15 to 18, text", 15, "streaming = on, two_phase = on"},
		{"18 to 18, parallel, binary", 18, "streaming = parallel, two_phase = on, binary = true"},
	} {
		t.Run(c.name, func(t *testing.T) {
			conf := []pgtest.Option{
				pgtest.WithConf("wal_level", "logical"), pgtest.WithConf("max_prepared_transactions", "10"),
				pgtest.WithConf("logical_decoding_work_mem", "64kB"), pgtest.WithConf("timezone", "UTC"),
			}
			from := pgtest.Start(t, append(conf, pgtest.WithVersion(c.publisher))...)
			to := pgtest.Start(t, append(conf, pgtest.WithVersion(18))...)
			from.Exec(t, replicatedTables+"; CREATE PUBLICATION p FOR TABLE t, whole, many")
			to.Exec(t, replicatedTables)
			to.Exec(t, applied)
			p := start(t, "", "live", "-i", "lo", "--port", portOf(from), "--json", "--view", "changes,connections", "--max-value-bytes", "0")
			to.Exec(t, fmt.Sprintf("CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1 port=%d user=%s dbname=postgres' PUBLICATION p WITH (%s)",
				from.Port, from.SuperUser, c.options))
			ask := func(s *pgtest.Server, sql string) string {
				conn := s.Connect(t, s.SuperUser, "postgres")
				r, err := conn.Exec(context.Background(), sql).ReadAll()
				if err != nil {
					t.Fatal(err)
				}
				_ = conn.Close(context.Background())
				var b strings.Builder
				for _, row := range r[len(r)-1].Rows {
					fmt.Fprintf(&b, "%s\n", row[0])
				}
				return b.String()
			}
			waitUntil(t, "the subscription to be ready", func() bool {
				return ask(to, "SELECT count(*) FROM pg_subscription_rel WHERE srsubstate <> 'r'") == "0\n" &&
					ask(to, "SELECT subtwophasestate FROM pg_subscription") == "e\n"
			})
			conn := from.Connect(t, from.SuperUser, "postgres")
			for _, sql := range published {
				if _, err := conn.Exec(context.Background(), sql).ReadAll(); err != nil {
					t.Fatalf("%s: %v", sql, err)
				}
			}
			waitUntil(t, "the last row", func() bool { return ask(to, "SELECT count(*) FROM t WHERE id = 99") == "1\n" })
			want := strings.Split(strings.TrimSpace(ask(to, "SELECT jsonb_build_array(op, tab, old, new) FROM applied ORDER BY seq")), "\n")
			p.waitFor("the last change", 30*time.Second, func() bool { return strings.Contains(p.stdout.String(), `"id":"99"`) })
			time.Sleep(200 * time.Millisecond)
			if code := p.signal(syscall.SIGINT); code != 0 {
				t.Errorf("exit code %d:\n%s", code, p.stderr)
			}
			compareApplied(t, p.stdout.String(), want)
		})
	}
}

func waitUntil(t *testing.T, what string, done func() bool) {
	t.Helper()
	for range 600 {
		if done() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatal("waited in vain for ", what)
}

// change is a record of the view changes.
type change struct {
	Type, Kind, Relation, GID string
	Key, Old, New             map[string]*string
	Unchanged                 []string
	XID, SubXID               int
	Streamed, Prepared        bool
	Slot                      string
	Lag                       map[string]any
}

// compareApplied does with the changes what a subscriber does, and compares each row
// that it would apply with what the subscriber logged.
func compareApplied(t *testing.T, out string, want []string) {
	t.Helper()
	var got []change
	waiting := map[int][]change{}     // of transactions that are streamed
	prepared := map[string][]change{} // of those that were prepared
	open := []change{}
	lag := false
	for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
		var c change
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if c.Type == "connection" && c.Slot == "s" && c.Lag["apply"] != nil {
			lag = true
		}
		if c.Type != "change" {
			continue
		}
		switch c.Kind {
		case "insert", "update", "delete":
			if c.Streamed {
				waiting[c.XID] = append(waiting[c.XID], c)
			} else {
				open = append(open, c)
			}
		case "abort":
			kept := waiting[c.XID][:0]
			for _, w := range waiting[c.XID] {
				if c.SubXID != 0 && w.SubXID != c.SubXID {
					kept = append(kept, w)
				}
			}
			waiting[c.XID] = kept
		case "commit", "prepare":
			rows := append(open, waiting[c.XID]...)
			open = nil
			delete(waiting, c.XID)
			if c.Kind == "prepare" {
				prepared[c.GID] = rows
			} else {
				got = append(got, rows...)
			}
		case "commit_prepared":
			got = append(got, prepared[c.GID]...)
			delete(prepared, c.GID)
		case "rollback_prepared":
			delete(prepared, c.GID)
		}
	}
	if !lag {
		t.Error("no connection record has the lag of the slot")
	}
	if len(got) != len(want) {
		t.Fatalf("%d rows, the subscriber applied %d", len(got), len(want))
	}
	for i := range got {
		var w []any
		if err := json.Unmarshal([]byte(want[i]), &w); err != nil {
			t.Fatal(err)
		}
		compareAppliedRow(t, i, &got[i], w)
	}
}

func compareAppliedRow(t *testing.T, i int, got *change, want []any) {
	t.Helper()
	if got.Kind != want[0] || got.Relation != "public."+want[1].(string) {
		t.Fatalf("row %d: %s of %s, the subscriber: %v", i, got.Kind, got.Relation, want)
	}
	old, _ := want[2].(map[string]any)
	is, _ := want[3].(map[string]any)
	for _, part := range []struct {
		got  map[string]*string
		want map[string]any
	}{{got.New, is}, {got.Old, old}} {
		if part.got == nil {
			continue
		}
		for name, w := range part.want {
			g, has := part.got[name]
			switch {
			case !has && strings.Contains(strings.Join(got.Unchanged, " "), name):
			case !has, (g == nil) != (w == nil), g != nil && *g != w.(string):
				t.Fatalf("row %d: %s of %s is not %v: %+v", i, name, got.Relation, w, *got)
			}
		}
		if len(part.got)+len(got.Unchanged) < len(part.want) {
			t.Fatalf("row %d: %v, the subscriber: %v", i, part.got, part.want)
		}
	}
	for name, g := range got.Key {
		before := old
		if got.Kind == "insert" {
			before = is
		}
		if g == nil || *g != before[name] {
			t.Fatalf("row %d: the key %s is not %v", i, name, before[name])
		}
	}
}

// tool returns a program of PostgreSQL 15's package.
func tool(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join("/usr/lib/postgresql/15/bin", name)
	if _, err := os.Stat(path); err != nil {
		missing(t, "needs %s: install postgresql-15", name)
	}
	return path
}

// TestPhysicalReplication has pg_receivewal take WAL: what --wal-out writes is what
// it wrote, and pg_waldump reads it.
func TestPhysicalReplication(t *testing.T) {
	needCapture(t)
	receive, dump := tool(t, "pg_receivewal"), tool(t, "pg_waldump")
	s := pgtest.Start(t, pgtest.WithVersion(15))
	dir := t.TempDir()
	ours, theirs := filepath.Join(dir, "ours"), filepath.Join(dir, "theirs")
	if err := os.Mkdir(theirs, 0o755); err != nil {
		t.Fatal(err)
	}
	p := start(t, "", "live", "-i", "lo", "--port", portOf(s), "--json", "--wal-out", ours)
	cmd := exec.Command(receive, "-h", "127.0.0.1", "-p", portOf(s), "-U", s.SuperUser, "-D", theirs)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// It takes the segment that is open when it comes.
	waitUntil(t, "pg_receivewal to begin", func() bool {
		list, _ := filepath.Glob(filepath.Join(theirs, "*.partial"))
		return len(list) > 0
	})
	s.Exec(t, "CREATE TABLE w AS SELECT i, repeat('w', 100) AS t FROM generate_series(1, 3000) i")
	s.Exec(t, "SELECT pg_switch_wal()")
	var name string
	waitUntil(t, "a whole segment", func() bool {
		list, _ := filepath.Glob(filepath.Join(theirs, "????????????????????????"))
		if len(list) > 0 {
			name = filepath.Base(list[0])
		}
		return name != ""
	})
	_ = cmd.Process.Signal(syscall.SIGINT)
	_ = cmd.Wait()
	time.Sleep(300 * time.Millisecond)
	if code := p.signal(syscall.SIGINT); code != 0 {
		t.Errorf("exit code %d:\n%s", code, p.stderr)
	}
	got, err := os.ReadFile(filepath.Join(ours, name))
	want, err2 := os.ReadFile(filepath.Join(theirs, name))
	if err != nil || err2 != nil || string(got) != string(want) {
		t.Fatalf("%s is not what pg_receivewal wrote: %v, %v, %d and %d bytes", name, err, err2, len(got), len(want))
	}
	text, _ := exec.Command(dump, filepath.Join(ours, name)).CombinedOutput()
	if n := strings.Count(string(text), "rmgr: Heap"); n < 3000 {
		t.Errorf("pg_waldump finds %d records of rows:\n%.500s", n, text)
	}
}

// TestBaseBackup has pg_basebackup take backups: the bytes of archives are the sizes
// of the files that it wrote.
func TestBaseBackup(t *testing.T) {
	needCapture(t)
	backup := tool(t, "pg_basebackup")
	s := pgtest.Start(t, pgtest.WithVersion(15))
	for _, c := range []struct {
		name string
		args []string
		file string
	}{
		{"plain", []string{"-Fp"}, ""},
		{"tar", []string{"-Ft"}, "base.tar"},
		{"zstd", []string{"-Ft", "--compress=server-zstd:1"}, "base.tar.zst"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := start(t, "", "live", "-i", "lo", "--port", portOf(s), "--json", "--view", "queries,connections")
			dir := filepath.Join(t.TempDir(), "backup")
			args := append([]string{"-h", "127.0.0.1", "-p", portOf(s), "-U", s.SuperUser, "-D", dir, "-X", "none", "-c", "fast", "--no-sync"}, c.args...)
			if out, err := exec.Command(backup, args...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			p.waitFor("the end of the connection", 30*time.Second, func() bool { return strings.Contains(p.stdout.String(), `"type":"connection"`) })
			p.signal(syscall.SIGINT)
			var q struct {
				BaseBackup struct {
					Archives []struct {
						Name  string
						Bytes int64
					}
				} `json:"base_backup"`
				Command struct{ Name string }
			}
			for _, line := range strings.Split(p.stdout.String(), "\n") {
				if strings.Contains(line, `"name":"BASE_BACKUP"`) {
					if err := json.Unmarshal([]byte(line), &q); err != nil {
						t.Fatal(err)
					}
				}
			}
			list := q.BaseBackup.Archives
			if len(list) != 2 || list[1].Name != "backup_manifest" {
				t.Fatalf("archives %+v\n%s", list, p.stdout)
			}
			for _, a := range list {
				if a.Name == c.file || a.Name == "backup_manifest" {
					info, err := os.Stat(filepath.Join(dir, a.Name))
					// pg_basebackup ends a plain archive with two blocks of zeros of its own.
					if err != nil || info.Size() != a.Bytes && info.Size() != a.Bytes+1024 {
						t.Errorf("%s: %d bytes were sent: %v, %v", a.Name, a.Bytes, err, info)
					}
				} else if a.Bytes < 1<<20 {
					t.Errorf("%s: %d bytes", a.Name, a.Bytes)
				}
			}
		})
	}
}
