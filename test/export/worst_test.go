package export

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// TestWorst runs the slowest call of each query of a capture again, from what the view
// stats says of it, and holds that each returns as many rows as it did.
func TestWorst(t *testing.T) {
	server := pgtest.Start(t, pgtest.WithUser("app", "", ""))
	server.Exec(t, "create database appdb owner app")
	fill(t, server)
	type id struct{ Conn, ID int }
	rows := make(map[id]int)
	failed := make(map[id]bool)
	for _, q := range records[struct {
		Conn, ID, Rows int
		Error          *struct{}
	}](t, read(t, "base_mix", "--json", "--view", "queries", "--conn", "2")) {
		rows[id{q.Conn, q.ID}], failed[id{q.Conn, q.ID}] = q.Rows, q.Error != nil
	}
	stats := records[struct {
		Distinct int `json:"distinct_queries"`
		Top      []struct {
			Normalized string
			Duration   struct{ Max int } `json:"duration_ns"`
			Worst      struct {
				Conn, Query int
				Duration    int `json:"duration_ns"`
				Script      string
			}
		}
	}](t, read(t, "base_mix", "--json", "--view", "stats", "--conn", "2", "--top", "0"))
	prepared, parameters := 0, 0
	for _, q := range stats[0].Top {
		w := q.Worst
		if w.Duration != q.Duration.Max || w.Script == "" {
			t.Errorf("%q: %+v", q.Normalized, w)
			continue
		}
		psql := exec.Command(pgtest.Tool(t, "psql"), "-X", "-q", "-A", "-t", "-F", "\t", "-f", "-", server.DSN("app", "appdb"))
		psql.Stdin = strings.NewReader(w.Script)
		var stderr strings.Builder
		psql.Stderr = &stderr
		out, err := psql.Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, stderr.String())
		}
		k := id{w.Conn, w.Query}
		if got := strings.Count(string(out), "\n"); got != rows[k] || strings.Contains(stderr.String(), "ERROR:") != failed[k] {
			t.Errorf("%s\n%d rows, the capture has %d; %s", w.Script, got, rows[k], stderr.String())
		}
		if strings.HasPrefix(w.Script, "prepare ") {
			prepared++
			parameters += strings.Count(w.Script, "execute pgsniff_1 (")
		}
	}
	if len(stats[0].Top) != stats[0].Distinct || prepared < 4 || parameters < 4 {
		t.Errorf("%d of %d queries, %d prepared, %d with parameters", len(stats[0].Top), stats[0].Distinct, prepared, parameters)
	}
}

// TestWorstSecret holds that what runs a call again has no secret of it, unless asked.
func TestWorstSecret(t *testing.T) {
	const text = "alter role app password 'CANARY'"
	path := capture(t, text)
	hidden := string(pgsniff(t, "read", "-q", path, "--view", "stats", "--json"))
	shown := string(pgsniff(t, "read", "-q", path, "--view", "stats", "--json", "--show-secrets"))
	if strings.Contains(hidden, "CANARY") || !strings.Contains(hidden, `"script":"alter role`) || !strings.Contains(shown, `"script":"`+text) {
		t.Errorf("%s\n%s", hidden, shown)
	}
}
