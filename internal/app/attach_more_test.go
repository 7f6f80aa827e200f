//go:build linux && (amd64 || arm64)

package app

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	bpf "github.com/cilium/ebpf/link"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// With packets, too, every statement that the server logged is a record, complete,
// whether its connection is encrypted, in clear, or no packets of it are captured.
func TestAttachWithPackets(t *testing.T) {
	for _, version := range []int{15, 18} {
		s := attachServer(t, version)
		needAttach(t, s)
		host := fmt.Sprintf("host=%s port=%d ", s.Host, s.Port)
		before := len(logged(t, s))
		i := startInside(t, "-i", "lo", "-f", fmt.Sprintf("port %d", s.Port), "--attach="+postmasterPID(t, s), "--view", "queries,connections")
		i.stderr.waitFor(t, "capturing on lo")
		for _, where := range []string{host + "sslmode=require", host + "sslmode=disable", fmt.Sprintf("host=%s port=%d", s.SocketDir, s.Port)} {
			work(t, s, where)
		}
		records := i.stop(t)
		everyStatement(t, records, logged(t, s), before)
	}
}

// startBouncer starts a PgBouncer in front of a server, with TLS on the server's side, and
// on the clients', too, if they are to have it. It returns its port and process.
func startBouncer(t *testing.T, s *pgtest.Server, clients bool) (port, pid int) {
	t.Helper()
	program := pgtest.Tool(t, "pgbouncer")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port = l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	dir, err := os.MkdirTemp("", "pgsniff-bouncer-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	config := fmt.Sprintf(`[databases]
postgres = host=%s port=%d
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
server_tls_sslmode = require
pool_mode = transaction
ignore_startup_parameters = extra_float_digits
logfile = %s
`, s.Host, s.Port, port, filepath.Join(dir, "log"))
	config = strings.Replace(config, "port="+strconv.Itoa(s.Port), fmt.Sprintf("port=%d user=%s", s.Port, s.SuperUser), 1)
	if clients {
		config += "client_tls_sslmode = require\n"
		for _, f := range [][2]string{{"server.key", "client_tls_key_file"}, {"server.crt", "client_tls_cert_file"}} {
			b, err := os.ReadFile(filepath.Join(s.DataDir, f[0]))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, f[0]), b, 0o644); err != nil {
				t.Fatal(err)
			}
			config += fmt.Sprintf("%s = %s\n", f[1], filepath.Join(dir, f[0]))
		}
	}
	path := filepath.Join(dir, "ini")
	if err := os.WriteFile(path, []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	args := []string{path}
	if os.Geteuid() == 0 {
		args = append([]string{"-u", "nobody"}, args...)
	}
	cmd := exec.Command(program, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			_ = c.Close()
			return port, cmd.Process.Pid
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			t.Fatalf("%v\n%s", err, log)
		}
	}
}

// Behind a pooler, whose own connections are encrypted, each statement is one, too, on
// the connection that the pooler chose.
func TestAttachBehindPooler(t *testing.T) {
	for _, version := range []int{15, 18} {
		s := attachServer(t, version)
		needAttach(t, s)
		port, _ := startBouncer(t, s, false)
		before := len(logged(t, s))
		i := startInside(t, "--attach-only", "--attach="+postmasterPID(t, s), "--view", "queries,connections")
		script := filepath.Join(t.TempDir(), "script")
		if err := os.WriteFile(script, []byte("begin;\nselect 1 as pooled;\nselect :client_id;\ncommit;\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, protocol := range []string{"simple", "extended"} {
			cmd := exec.Command(pgtest.Tool(t, "pgbench"), "-n", "-C", "-c", "4", "-t", "10", "-M", protocol, "-f", script,
				fmt.Sprintf("host=127.0.0.1 port=%d dbname=postgres user=%s", port, s.SuperUser))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		}
		records := i.stop(t)
		everyStatement(t, records, logged(t, s), before)
		for _, c := range ofType(records, "connection", 0) {
			if c["decrypted_by"] != "attach" {
				t.Errorf("%v", c)
			}
		}
	}
}

// loggedReplication is what the server logs of a replication command.
var loggedReplication = regexp.MustCompile(`^received replication command: (.*)$`)

// Replication connections are seen as others are: a base backup, and a stream of
// logical changes, encrypted both.
func TestAttachReplication(t *testing.T) {
	for _, version := range []int{15, 18} {
		t.Run(strconv.Itoa(version), func(t *testing.T) { replicates(t, version) })
	}
}

func replicates(t *testing.T, version int) {
	s := pgtest.Start(t, pgtest.WithVersion(version), pgtest.WithSSL(), pgtest.WithConf("wal_level", "logical"),
		pgtest.WithConf("logging_collector", "on"), pgtest.WithConf("log_destination", "jsonlog"), pgtest.WithConf("log_replication_commands", "on"))
	needAttach(t, s)
	i := startInside(t, "--attach-only", "--attach="+postmasterPID(t, s), "--view", "queries,connections")
	where := fmt.Sprintf("host=%s port=%d user=%s sslmode=require", s.Host, s.Port, s.SuperUser)
	run := func(name string, args ...string) {
		t.Helper()
		if out, err := exec.Command(pgtest.Tool(t, name), args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
	}
	atLeast := 10
	if version <= 15 { // the distribution's version of these programs
		run("pg_basebackup", "-d", where, "-D", filepath.Join(t.TempDir(), "backup"), "-c", "fast", "-X", "stream")
	} else {
		atLeast = 5
		run("psql", "-X", "-q", "-o", os.DevNull, "-d", where+" dbname=postgres replication=true", "-c", "IDENTIFY_SYSTEM")
	}
	run("pg_recvlogical", "-d", where+" dbname=postgres", "--slot", "seen", "--create-slot", "-P", "test_decoding")
	run("psql", "-X", "-q", "-d", where+" dbname=postgres", "-c", "create table t as select 'changed' v")
	run("psql", "-X", "-q", "-d", where+" dbname=postgres", "-c", "select pg_switch_wal()")
	end, err := exec.Command(pgtest.Tool(t, "psql"), "-X", "-At", "-d", where+" dbname=postgres", "-c", "select pg_current_wal_insert_lsn()").Output()
	if err != nil {
		t.Fatal(err)
	}
	run("pg_recvlogical", "-d", where+" dbname=postgres", "--slot", "seen", "--start", "-f", filepath.Join(t.TempDir(), "changes"), "--endpos", strings.TrimSpace(string(end)))
	run("pg_recvlogical", "-d", where+" dbname=postgres", "--slot", "seen", "--drop-slot")
	time.Sleep(200 * time.Millisecond) // the log has a process of its own
	records := i.stop(t)
	asked := make(map[string]int)
	for _, q := range ofType(records, "query", 0) {
		if q["protocol"] != "replication" {
			continue
		}
		if sql, _ := q["sql"].(string); q["complete"] == true || strings.HasPrefix(sql, "START_REPLICATION") {
			asked[strings.TrimSpace(sql)]++
		}
	}
	commands := 0
	for _, l := range loggedLines(t, s) {
		if m := loggedReplication.FindStringSubmatch(l[0]); m != nil {
			commands++
			if asked[strings.TrimSpace(m[1])]--; asked[strings.TrimSpace(m[1])] < 0 {
				t.Errorf("no record of %s", m[1])
			}
		}
	}
	if commands < atLeast {
		t.Errorf("%d commands in the log", commands)
	}
	for _, c := range ofType(records, "connection", 0) {
		if c["lost_bytes"] != 0.0 || c["decrypted_by"] != "attach" {
			t.Errorf("%v", c)
		}
	}
}

// linksOf are the numbers of the links that a process has to places in programs.
func linksOf(t *testing.T, pid int) (ids []bpf.ID) {
	t.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, _ := os.ReadFile(f) // it may be closed by now
		_, rest, ok := strings.Cut(string(b), "link_id:")
		if !ok {
			continue
		}
		line, _, _ := strings.Cut(rest, "\n")
		id, err := strconv.ParseUint(strings.TrimSpace(line), 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, bpf.ID(id))
	}
	return ids
}

// However the program ends, nothing of it is left in the kernel, and the server goes
// on.
func TestAttachKilled(t *testing.T) {
	s := pgtest.Start(t)
	needAttach(t, s)
	i := startInside(t, "--attach-only", "--attach="+postmasterPID(t, s), "--view", "queries")
	conn, err := pgconn.Connect(t.Context(), fmt.Sprintf("host=%s port=%d dbname=postgres user=%s", s.SocketDir, s.Port, s.SuperUser))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	exec := func(sql string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql).ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	exec("select 'seen'")
	ids := linksOf(t, i.cmd.Process.Pid)
	if len(ids) < 5 {
		t.Skipf("the kernel tells of %d links only", len(ids))
	}
	if err := i.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = i.cmd.Wait()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		left := 0
		for _, id := range ids {
			if l, err := bpf.NewFromID(id); err == nil {
				_ = l.Close()
				left++
			} else if !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
		}
		if left == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d links are left", left, len(ids))
		}
	}
	exec("select 'unharmed'")
	again := startInside(t, "--attach-only", "--attach="+postmasterPID(t, s), "--view", "queries")
	exec("select 'seen again'")
	exec("select 'seen again'") // the read of the first had begun before
	queries := ofType(again.stop(t), "query", 0)
	if len(queries) == 0 || queries[len(queries)-1]["sql"] != "select 'seen again'" {
		t.Errorf("%v", queries)
	}
}
