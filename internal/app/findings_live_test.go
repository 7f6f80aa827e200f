package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// TestFindingsLive: while a program goes on, a finding appears as soon as it is
// certain, is told again when it becomes worse, and not for each time that it is met.
func TestFindingsLive(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	if l, err := capture.OpenLive(capture.LiveOptions{Interfaces: []string{"lo"}}); err != nil {
		t.Skip("cannot capture, which root may: ", err)
	} else {
		l.Close()
	}
	s := pgtest.Start(t)
	var out, stderr sharedBuffer
	env := &Env{
		In: strings.NewReader(""), Out: &out, Err: &stderr,
		Getenv: func(string) string { return "" }, Now: time.Now, Width: func() int { return 0 },
	}
	ended := make(chan int)
	go func() {
		ended <- Run(env, []string{"live", "-i", "lo", "--port", fmt.Sprint(s.Port), "--json", "--view", "findings", "--duration", "12s"})
	}()
	stderr.waitFor(t, "capturing on lo")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := pgconn.Connect(ctx, s.DSN(s.SuperUser, "postgres")+"&application_name=careless")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	// careless goes on after an error, so that the server refuses uses statements.
	careless := func(uses int) {
		t.Helper()
		for i, sql := range append([]string{"BEGIN", "SELECT 1/0"}, strings.Split(strings.Repeat("SELECT 1;", uses)+"ROLLBACK", ";")...) {
			if _, err := c.Exec(ctx, sql).ReadAll(); err != nil && (i == 0 || sql == "ROLLBACK") {
				t.Fatal(err)
			}
		}
	}
	told := func() (list []map[string]any) {
		out.mu.Lock()
		defer out.mu.Unlock()
		for _, line := range bytes.Split(out.b.Bytes(), []byte("\n")) {
			var f map[string]any
			if json.Unmarshal(line, &f) == nil && f["code"] == "aborted_transaction_use" {
				list = append(list, f)
			}
		}
		return list
	}
	careless(1)
	out.waitFor(t, "aborted_transaction_use")
	first := told()
	if len(first) != 1 || first[0]["severity"] != "info" || first[0]["update"] != nil || first[0]["count"] != 1.0 {
		t.Fatalf("told at first: %v", first)
	}
	careless(8)
	out.waitFor(t, `"severity":"warning"`)
	if again := told(); len(again) != 2 || again[1]["update"] != true || again[1]["count"].(float64) <= 1 {
		t.Fatalf("told when it became worse: %v", again)
	}
	careless(3) // no worse
	if code := <-ended; code != ExitOK {
		t.Fatalf("exit status %d\n%s", code, stderr.b.String())
	}
	all := told()
	if len(all) != 3 || all[2]["update"] != true || all[2]["count"] != 12.0 {
		t.Errorf("told in all: %v", all)
	}
}
