package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/test/hostile"
)

// TestReportSize makes a page of a capture of 100 MB that has as much of everything as
// a page may hold, and more: long statements, executions, errors, connections.
func TestReportSize(t *testing.T) {
	const conns, classes, size, most = 700, 500, 100 << 20, 1_500_000
	long := strings.Repeat("and a_column_with_a_long_name = 'a value of some length' ", 33)
	var open []*hostile.Conn
	n, made := 0, 0
	stream := hostile.Stream(func(p *hostile.Packets) bool {
		if len(open) < conns {
			c := hostile.NewConn(uint32(len(open)))
			p.Open(c)
			p.Send(c, hostile.Client, hostile.Startup("user", fmt.Sprintf("user_%d", len(open)%80), "database", fmt.Sprintf("database_%d", len(open)%80), "application_name", fmt.Sprintf("application %d", len(open)%90)))
			p.Send(c, hostile.Server, hostile.Authenticated(len(open)+1))
			open = append(open, c)
		}
		c := open[n%len(open)]
		p.Now += 3_000_000
		sql := fmt.Sprintf("select x%d, %d from t where true %s", n%classes, n, long)
		p.Send(c, hostile.Client, join(hostile.Parse("", sql+" and y = $1"), hostile.Bind("", "", strings.Repeat("v", 700)), hostile.Execute(""), hostile.Sync()))
		p.Now += int64(n%977) * 1000
		reply := [][]byte{hostile.Message('1'), hostile.Message('2'), hostile.Row("1"), hostile.Complete("SELECT 1")}
		if n%7 == 0 {
			text := fmt.Sprintf("error %d: %s", n%150, strings.Repeat("long ", 200))
			reply = [][]byte{hostile.Message('E', hostile.String("SERROR"), hostile.String("C22012"), hostile.String("M"+text), []byte{0})}
		}
		p.Send(c, hostile.Server, join(append(reply, hostile.Ready())...))
		made += len(sql) + 1400
		n++
		return made < size
	})
	path := filepath.Join(t.TempDir(), "page.html")
	var errs bytes.Buffer
	env := &Env{In: stream, Out: &bytes.Buffer{}, Err: &errs, Now: time.Now, Getenv: func(string) string { return "" }, Width: func() int { return 0 }}
	if code := Run(env, []string{"report", "-", "-o", path}); code != ExitOK {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > most {
		t.Errorf("%d bytes", info.Size())
	}
	t.Logf("%d queries, %d bytes: %s", n, info.Size(), errs.String())
	page, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(page, []byte(`"command":"pgsniff report - -o `)) {
		t.Error("the page does not tell the command", err)
	}
	var shown struct {
		Series struct{ Open []int }
	}
	_, data, _ := bytes.Cut(page, []byte(`<script type="application/json" id="data">`))
	data, _, _ = bytes.Cut(data, []byte("</script>"))
	if err := json.Unmarshal(data, &shown); err != nil || slices.Max(shown.Series.Open) != conns {
		t.Errorf("%v; the chart of open connections goes to %d, not %d", err, slices.Max(append(shown.Series.Open, 0)), conns)
	}
}
