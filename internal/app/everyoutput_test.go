package app

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/pflag"

	"github.com/pgsniff/pgsniff/internal/metrics"
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sink"
)

// scrapeMetrics has -o metrics serve in runs that read files, too, until the test ends:
// as a capture ends, what is at /metrics is written to standard output.
func scrapeMetrics(t *testing.T) {
	t.Helper()
	saved := registeredOutputs
	registeredOutputs = slices.Clone(saved)
	t.Cleanup(func() { registeredOutputs = saved })
	for i := range registeredOutputs {
		o := &registeredOutputs[i]
		if o.Name != metrics.Name {
			continue
		}
		setup := o.Setup
		o.Setup = func(f *pflag.FlagSet) sink.OpenOutput {
			open := setup(f)
			return func(env *sink.Env) (sink.Sink, error) {
				address, err := freeAddress()
				if err != nil {
					return nil, err
				}
				live := *env
				live.Live, live.To = true, address
				s, err := open(&live)
				return &scraped{s, env, "http://" + address + "/metrics"}, err
			}
		}
	}
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// scraped is the sink of metrics, which is asked once before it ends.
type scraped struct {
	sink.Sink
	env *sink.Env
	url string
}

func (s *scraped) End(t *record.Totals) error {
	s.Tick(t.Last)
	out, err := s.env.Create()
	if err != nil {
		return err
	}
	defer out.Close()
	r, err := http.Get(s.url)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK {
		return fmt.Errorf("%s", r.Status)
	}
	if h := r.Header; !strings.HasPrefix(h.Get("Content-Type"), "text/plain; ") || h.Get("X-Content-Type-Options") != "nosniff" {
		return fmt.Errorf("a browser may take %v for a page", h)
	}
	if _, err := io.Copy(out, r.Body); err != nil {
		return err
	}
	return s.Sink.End(t)
}

// parquetRows runs the program with -o parquet of all views, and returns what DuckDB reads
// from the files as lines of JSON, and the files' names.
func parquetRows(t *testing.T, args ...string) string {
	t.Helper()
	modules := os.Getenv("PGSNIFF_NODE_MODULES")
	node, err := exec.LookPath("node")
	if err != nil || modules == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("no node, or PGSNIFF_NODE_MODULES is not set: .ci/run installs DuckDB")
		}
		t.Skip("needs Node.js and DuckDB: npm install @duckdb/node-api, and PGSNIFF_NODE_MODULES=its node_modules")
	}
	dir := t.TempDir()
	args = append(slices.Clip(args), "-o", "parquet", "--view", "queries,messages,connections", "--to", dir)
	if _, errs, code := command(args...); code != ExitOK {
		t.Fatalf("%q: exit %d: %s", args, code, errs)
	}
	var all bytes.Buffer
	for _, view := range []string{"queries", "messages", "connections"} {
		files, _ := filepath.Glob(filepath.Join(dir, "view="+view, "*", "*", "*.parquet"))
		if len(files) == 0 {
			files, _ = filepath.Glob(filepath.Join(dir, "view="+view, "*", "*.parquet"))
		}
		if len(files) == 0 {
			t.Fatalf("%q: no files of %s", args, view)
		}
		for _, f := range files {
			fmt.Fprintln(&all, strings.TrimPrefix(f, dir))
		}
		query := fmt.Sprintf("select * from read_parquet('%s/view=%s/**/*.parquet', hive_partitioning=true)", dir, view)
		cmd := exec.Command(node, filepath.Join("..", "parquet", "testdata", "rows.mjs"), query)
		cmd.Stdout = &all
		var errs bytes.Buffer
		cmd.Stderr = &errs
		if err := cmd.Run(); err != nil {
			t.Fatalf("%s: %v: %s", query, err, errs.String())
		}
	}
	return all.String()
}

// TestNoSecretsElsewhere: neither the metrics that are served nor the rows of Parquet
// files have a secret, and both have something.
func TestNoSecretsElsewhere(t *testing.T) {
	scrapeMetrics(t)
	for _, name := range []string{"sql_S", "sql_P"} {
		secrets, _ := canaries(t, name)
		args := []string{"read", "--any-port", filepath.Join("testdata", "secrets", name+".pcap")}
		served, errs, code := command(append(slices.Clip(args), "-o", metrics.Name)...)
		if code != ExitOK || !strings.Contains(served, "# TYPE") {
			t.Fatalf("%s: exit %d: %s%s", name, code, served, errs)
		}
		rows := parquetRows(t, args...)
		for _, s := range secrets {
			if strings.Contains(served, s) || strings.Contains(rows, s) {
				t.Errorf("%s: %s is shown", name, s)
			}
		}
		if shown := parquetRows(t, append(args, "--show-secrets")...); !strings.Contains(shown, secrets[0]) {
			t.Errorf("%s: nothing is shown that was asked for", name)
		}
	}
}

// TestNoForgedMetrics: whatever the fields hold, each line that is served is one of the
// format's. Its labels are the values as they are, but for line feeds and what is no
// UTF-8: no terminal reads it.
func TestNoForgedMetrics(t *testing.T) {
	scrapeMetrics(t)
	served, errs, code := command("read", steering(t, steeringTexts()), "-o", metrics.Name)
	if code == ExitUsage || len(served) == 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	if !utf8.ValidString(served) {
		t.Error("not UTF-8")
	}
	for line := range strings.Lines(served) {
		if !strings.HasPrefix(line, "# ") && !strings.HasPrefix(line, "pgsniff_") {
			t.Errorf("%.80q is no line of the format", line)
		}
	}
}
