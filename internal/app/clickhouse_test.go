package app

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const clickhouseConfig = `<yandex>
<logger><level>warning</level><console>1</console></logger>
<tcp_port>%[2]d</tcp_port><listen_host>127.0.0.1</listen_host>
<path>%[1]s/data/</path><tmp_path>%[1]s/tmp/</tmp_path><mark_cache_size>1048576</mark_cache_size>
<users_config>%[1]s/users.xml</users_config><default_profile>default</default_profile><default_database>default</default_database>
</yandex>`

const clickhouseUsers = `<yandex><profiles><default/></profiles><quotas><default/></quotas>
<users><default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users>
</yandex>`

// TestClickHouse runs what docs/analytics.md says of ClickHouse in a server of its own.
func TestClickHouse(t *testing.T) {
	for _, name := range []string{"clickhouse-server", "clickhouse-client"} {
		if _, err := exec.LookPath(name); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%s is missing", name)
			}
			t.Skipf("install %s to check the recipe for ClickHouse", name)
		}
	}
	page := readPage(t, "../../docs/analytics.md")
	sql := regexp.MustCompile("(?s)```sql\n(.*?);\n```").FindAllStringSubmatch(page, -1)
	insert := regexp.MustCompile(`(?s)clickhouse-client (--.*?) --query "(.*?)"`).FindStringSubmatch(page)
	want := regexp.MustCompile("(?s)DESC;\n```\n\n```\n(.*?)```").FindStringSubmatch(page)
	if len(sql) != 2 || insert == nil || want == nil {
		t.Fatalf("docs/analytics.md has another form: %q, %q, %q", sql, insert, want)
	}
	port := startClickHouse(t)
	query := func(in []byte, args ...string) string {
		cmd := exec.Command("clickhouse-client", append([]string{"--port", fmt.Sprint(port)}, args...)...)
		cmd.Stdin = bytes.NewReader(in)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	records := output(t, "read", capturePath("base_mix"), "--json", "--view", "queries")
	query(nil, "--query", sql[0][1])
	query(records, append(strings.Fields(insert[1]), "--query", insert[2])...)
	if got := query(nil, "--query", sql[1][1]); got != want[1] {
		t.Errorf("ClickHouse says\n%sthe page\n%s", got, want[1])
	}
}

// startClickHouse runs a server until the end of the test and returns its port.
func startClickHouse(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()
	dir := t.TempDir()
	for name, text := range map[string]string{"config.xml": fmt.Sprintf(clickhouseConfig, dir, port), "users.xml": clickhouseUsers} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("clickhouse-server", "--config-file", filepath.Join(dir, "config.xml"))
	var log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() { _ = cmd.Wait(); close(exited) }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-exited })
	for {
		ping := exec.Command("clickhouse-client", "--port", fmt.Sprint(port), "--query", "SELECT 1")
		if out, err := ping.Output(); err == nil && strings.TrimSpace(string(out)) == "1" {
			return port
		}
		select {
		case <-exited:
			t.Fatalf("clickhouse-server ended:\n%s", log.Bytes())
		case <-time.After(100 * time.Millisecond):
		}
	}
}
