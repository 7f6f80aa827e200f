package app

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/hostile"
)

// largeValues is a conversation with values of n bytes in each place where one can
// be: a query's text, a row, a parameter, a notification.
func largeValues(t *testing.T, n int) string {
	t.Helper()
	var p hostile.Packets
	c := hostile.NewConn(1)
	large := func(end string) string { return strings.Repeat("v", n-len(end)) + end }
	p.Open(c)
	p.Send(c, hostile.Client, hostile.Startup("user", "u", "database", "d"))
	p.Send(c, hostile.Server, hostile.Authenticated(1))
	p.Send(c, hostile.Client, hostile.Query(large("ENDQUERY")))
	p.Send(c, hostile.Server, append(hostile.Columns("big", "after"), append(hostile.Row(large("ENDROW"), "AFTER"), append(hostile.Complete("SELECT 1"), hostile.Ready()...)...)...))
	b := append(hostile.Parse("", "SELECT $1"), hostile.Bind("", "", large("ENDPARAMETER"))...)
	p.Send(c, hostile.Client, append(append(b, hostile.Execute("")...), hostile.Sync()...))
	p.Send(c, hostile.Server, append(append(hostile.Message('1'), hostile.Message('2')...), append(hostile.Complete("SELECT 0"), hostile.Ready()...)...))
	p.Send(c, hostile.Server, hostile.Message('A', hostile.Int32(5), hostile.String("ch"), hostile.String(large("ENDPAYLOAD"))))
	p.Close(c)
	path := filepath.Join(t.TempDir(), "large.pcap")
	if err := os.WriteFile(path, p.File(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestLargeValues: where all of a value is asked for it is shown; where it is cut,
// its true length is told, whatever it was cut for.
func TestLargeValues(t *testing.T) {
	ends := map[string]string{"query": "ENDQUERY", "values[0]": "ENDROW", "parameters[0]": "ENDPARAMETER", "payload": "ENDPAYLOAD", "sql": "ENDQUERY", "params[0]": "ENDPARAMETER"}
	for _, tt := range []struct {
		size  int
		args  string
		whole bool
	}{
		{3 << 20, "", false},
		{3 << 20, "--max-value-bytes 0", true},
		{3 << 20, "--max-value-bytes 2000000", false},
		{3 << 20, "--max-value-bytes 4000000", true},
		{17 << 20, "--max-value-bytes 0", false},
		{17 << 20, "", false},
	} {
		file := largeValues(t, tt.size)
		for _, view := range []string{"messages", "queries"} {
			out, _, code := command(append([]string{"read", file, "-o", "json", "--view", view}, strings.Fields(tt.args)...)...)
			if code != ExitOK {
				t.Fatalf("exit %d", code)
			}
			cut := map[string]int{}
			for line := range strings.Lines(out) {
				var r struct {
					Cut []struct {
						Field  string
						Length int
					}
					Truncated bool
				}
				if err := json.Unmarshal([]byte(line), &r); err != nil {
					t.Fatal(err)
				}
				for _, c := range r.Cut {
					if cut[c.Field] = c.Length; !r.Truncated {
						t.Error("cut and not truncated")
					}
				}
			}
			for field, end := range ends {
				if inQueries := field == "sql" || field == "params[0]"; inQueries != (view == "queries") {
					continue
				}
				if strings.Contains(out, end) != tt.whole {
					t.Errorf("%d bytes, %s, %s: whole is not %v", tt.size, tt.args, field, tt.whole)
				}
				if length, ok := cut[field]; ok == tt.whole || ok && length != tt.size {
					t.Errorf("%d bytes, %s, %s: cut is %v, of %d", tt.size, tt.args, field, ok, length)
				}
			}
			if strings.Contains(out, "not captured") {
				t.Error("what was captured is called not captured")
			}
		}
		pretty, _, _ := command(append([]string{"read", file, "-o", "pretty", "--color", "never"}, strings.Fields(tt.args)...)...)
		if told := strings.Count(pretty, "…("+strconv.Itoa(tt.size)+" bytes)"); tt.whole != (told == 0) || !tt.whole && told != 4 {
			t.Errorf("%d bytes, %s: pretty tells %d lengths", tt.size, tt.args, told)
		}
	}
}
