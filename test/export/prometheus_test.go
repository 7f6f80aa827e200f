package export

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/metrics"
	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// TestPrometheus captures a real server's traffic, has a real Prometheus scrape the
// program, and asks that how many queries there were.
func TestPrometheus(t *testing.T) {
	prometheus, err := exec.LookPath("prometheus")
	if err != nil {
		missing(t, "needs prometheus: apt-get install prometheus")
	}
	server := pgtest.Start(t, pgtest.WithUser("app", "", ""))
	address := freePort(t)
	cmd := exec.Command(os.Args[0], "live", "-i", "lo", "--port", fmt.Sprint(server.Port), "--metrics", address)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := false
	defer func() {
		if !ended {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}()
	lines := bufio.NewScanner(stderr)
	for lines.Scan() && !strings.Contains(lines.Text(), "capturing on") {
		if strings.Contains(lines.Text(), "permitted") || strings.Contains(lines.Text(), "permission") {
			missing(t, "no right to capture: %s", lines.Text())
		}
	}
	go func() { _, _ = io.Copy(io.Discard, stderr) }()
	scrape(t, prometheus, address, func(ask func(query string) string) {
		conn := server.Connect(t, "app", "postgres")
		const queries = 50
		for i := range queries {
			_, err := conn.Exec(t.Context(), fmt.Sprintf("select %d from generate_series(1, 3)", i)).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
		}
		_, _ = conn.Exec(t.Context(), "select 1/0").ReadAll()
		for query, want := range map[string]string{
			`sum(pgsniff_queries_total{user="app",query="select"})`:            fmt.Sprint(queries + 1),
			`sum(pgsniff_query_rows_total{user="app"})`:                        fmt.Sprint(3 * queries),
			`sum(pgsniff_errors_total{sqlstate="22012"})`:                      "1",
			`pgsniff_connections{user="app"}`:                                  "1",
			`sum(pgsniff_query_duration_seconds_count{user="app"}) > bool 0`:   "1",
			`sum(pgsniff_packets_total) > bool 100`:                            "1",
			`sum(pgsniff_query_duration_seconds_bucket{user="app",le="+Inf"})`: fmt.Sprint(queries + 1),
		} {
			got := ""
			for range 100 {
				if got = ask(query); got == want {
					break
				}
				time.Sleep(200 * time.Millisecond)
			}
			if got != want {
				t.Errorf("%s is %s, want %s", query, got, want)
			}
		}
	})
	if res, err := http.Get("http://" + address + "/healthz"); err != nil || res.StatusCode != http.StatusOK {
		t.Error(res, err)
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	ended = true
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// scrape runs Prometheus on a program's metrics.
func scrape(t *testing.T, prometheus, target string, use func(ask func(string) string)) {
	t.Helper()
	dir, address := t.TempDir(), freePort(t)
	config := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf("scrape_configs:\n- job_name: pgsniff\n  scrape_interval: 500ms\n  scrape_timeout: 500ms\n  static_configs:\n  - targets: [%q]\n", target)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(prometheus, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	use(func(query string) string {
		res, err := http.Get("http://" + address + "/api/v1/query?query=" + url.QueryEscape(query))
		if err != nil {
			return err.Error()
		}
		defer res.Body.Close()
		var answer struct {
			Data struct {
				Result []struct {
					Value [2]any `json:"value"`
				} `json:"result"`
			} `json:"data"`
		}
		if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || len(answer.Data.Result) != 1 {
			return fmt.Sprint(err, answer)
		}
		return fmt.Sprint(answer.Data.Result[0].Value[1])
	})
}

// TestDashboard holds that the dashboard asks for metrics that there are, and for all.
func TestDashboard(t *testing.T) {
	b, err := os.ReadFile("../../examples/grafana/pgsniff.json")
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(b) {
		t.Fatal("no JSON")
	}
	known := make(map[string]bool)
	for _, m := range metrics.All {
		known[m.Name] = true
		if m.Type == "histogram" {
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				known[m.Name+suffix] = true
			}
		}
	}
	for _, name := range regexp.MustCompile(`pgsniff_\w+`).FindAllString(string(b), -1) {
		if !known[name] {
			t.Errorf("there is no metric %s", name)
		}
	}
}
