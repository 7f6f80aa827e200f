//go:build linux

package live

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// TestPlugins has pg_recvlogical take what three output plugins make of a few rows:
// what it wrote is what is shown, under the plugin's name.
func TestPlugins(t *testing.T) {
	needCapture(t)
	receive := tool(t, "pg_recvlogical")
	s := pgtest.Start(t, pgtest.WithVersion(15), pgtest.WithConf("wal_level", "logical"))
	// Since 2026, servers take only the plugins that this names; before, any.
	conn := s.Connect(t, s.SuperUser, "postgres")
	if _, err := conn.Exec(context.Background(), "ALTER SYSTEM SET output_plugin_libraries = 'test_decoding', 'wal2json', 'decoderbufs'").ReadAll(); err == nil {
		s.Exec(t, "SELECT pg_reload_conf()")
		time.Sleep(200 * time.Millisecond)
	}
	s.Exec(t, "CREATE TABLE t (id int PRIMARY KEY, name text)")
	for _, plugin := range []string{"test_decoding", "wal2json", "decoderbufs"} {
		t.Run(plugin, func(t *testing.T) {
			if _, err := os.Stat("/usr/lib/postgresql/15/lib/" + plugin + ".so"); err != nil {
				missing(t, "needs the plugin %s: install postgresql-15-%s", plugin, plugin)
			}
			p := start(t, "", "live", "-i", "lo", "--port", portOf(s), "--json", "--type", "WALData", "--max-value-bytes", "0")
			file := filepath.Join(t.TempDir(), "out")
			args := []string{"-h", "127.0.0.1", "-p", portOf(s), "-U", s.SuperUser, "-d", "postgres", "-S", "s_" + plugin}
			if out, err := exec.Command(receive, append(args, "--create-slot", "-P", plugin)...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			s.Exec(t, "INSERT INTO t SELECT i, 'row ' || i FROM generate_series(1, 3) i; UPDATE t SET name = 'żółć' WHERE id = 1; TRUNCATE t")
			cmd := exec.Command(receive, append(args, "--start", "--no-loop", "-f", file, "-F", "0")...)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			waitUntil(t, "the plugin's output", func() bool {
				info, err := os.Stat(file)
				return err == nil && info.Size() > 0 && strings.Contains(p.stdout.String(), `"WALData"`)
			})
			time.Sleep(time.Second)
			_ = cmd.Process.Signal(syscall.SIGINT)
			_ = cmd.Wait()
			p.signal(syscall.SIGINT)
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got := outputs(t, p.stdout.String(), plugin); !bytes.Equal(got, want) {
				t.Errorf("shown\n%q\npg_recvlogical wrote\n%q", got, want)
			}
		})
	}
}

// outputs joins what was shown as a plugin's output, each with the newline that
// pg_recvlogical puts after it.
func outputs(t *testing.T, out, plugin string) (all []byte) {
	t.Helper()
	for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
		var r struct {
			Body struct {
				Replication struct {
					Plugin string
					Output json.RawMessage
				}
			}
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if r.Body.Replication.Plugin != plugin {
			t.Fatalf("the plugin is %q: %s", r.Body.Replication.Plugin, line)
		}
		var text string
		var raw struct{ Hex string }
		if json.Unmarshal(r.Body.Replication.Output, &text) != nil {
			if err := json.Unmarshal(r.Body.Replication.Output, &raw); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			b, err := hex.DecodeString(raw.Hex)
			if err != nil {
				t.Fatal(err)
			}
			text = string(b)
		}
		all = append(append(all, text...), '\n')
	}
	return all
}
