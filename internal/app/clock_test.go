package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/hostile"
)

// durations adds up what records of views say of how long queries took.
type durations struct {
	total float64
	timed int
}

// TestClockBackwards sets the clock of captures back by ten seconds at each of a few
// packets: nothing takes less than no time in any view, and the views agree on which
// queries have a duration and on what these add up to.
func TestClockBackwards(t *testing.T) {
	for _, name := range []string{"psql_simple", "pgx_modes", "libpq_pipeline", "portal_suspend", "pgbouncer", "copy", "asyncpg", "client_jdbc", "base_mix"} {
		b, err := os.ReadFile(capturePath(name))
		if err != nil {
			t.Fatal(err)
		}
		whole, err := hostile.ParsePcap(b)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, part := range []int{10, 3, 2} {
				f := whole.Clone()
				for i := len(f.Records) / part; i < len(f.Records); i++ {
					f.Records[i].Sec -= 10
				}
				path := filepath.Join(t.TempDir(), fmt.Sprintf("%d.pcap", part))
				if err := os.WriteFile(path, f.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
				holdClock(t, path)
			}
		})
	}
}

// holdClock runs a capture through all views and the outputs that tell durations.
func holdClock(t *testing.T, path string) {
	t.Helper()
	var queries, top durations
	out := output(t, "read", path, "--json", "--top", "0", "--view", "messages,queries,transactions,connections,stats,findings")
	for line := range bytes.Lines(out) {
		var r map[string]any
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		notNegative(t, string(line), r)
		switch r["type"] {
		case "query":
			queries.add(r["duration_ns"])
		case "stats":
			list, _ := r["top"].([]any)
			for _, q := range list {
				of, _ := q.(map[string]any)["duration_ns"].(map[string]any)
				n, _ := q.(map[string]any)["timed"].(float64)
				total, _ := of["total"].(float64)
				top.total, top.timed = top.total+total, top.timed+int(n)
			}
		}
	}
	if queries != top || queries.timed == 0 {
		t.Errorf("%s: queries took %v, stats say %v", path, queries, top)
	}
	if text := output(t, "read", path, "-o", "csvlog"); bytes.Contains(text, []byte("duration: -")) {
		t.Errorf("csvlog tells a negative duration:\n%s", text)
	}
	if text := output(t, "read", path, "-o", "trace-events"); bytes.Contains(text, []byte(`"dur":-`)) {
		t.Errorf("trace-events tell a negative duration:\n%s", text)
	}
}

func (d *durations) add(v any) {
	if n, ok := v.(float64); ok {
		d.total, d.timed = d.total+n, d.timed+1
	}
}

// notNegative goes through a record for durations below 0.
func notNegative(t *testing.T, line string, v any) {
	t.Helper()
	switch v := v.(type) {
	case map[string]any:
		for key, field := range v {
			if n, ok := field.(float64); ok && n < 0 && strings.HasSuffix(key, "_ns") {
				t.Errorf("%s is %v: %s", key, n, line)
			}
			notNegative(t, line, field)
		}
	case []any:
		for _, element := range v {
			notNegative(t, line, element)
		}
	}
}
