package export

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/hostile"
)

// visit is what a browser found on a page.
type visit struct {
	Errors, Requests   []string
	Dialogs            int
	Facts, Findings    []string
	Calls, Sorted      []string
	Aria               string
	Found, Ladder      []string
	Opened             string
	Run                int    // texts of SQL that run into what stands beside them
	Closed             bool   // by Escape, and the focus stays
	Ink, Printed       string // colours of the text in the dark theme, and of that on paper
	Charts, Bars, Idle int
	Zoomed, Unzoomed   bool
	Closer             bool     // zoomed by the keyboard
	Table              int      // rows of the table of the charts
	Unnamed            int      // of what has to have a name for those who do not see it
	Labels             int      // of charts
	Overlaps           []string // those that are cut off or stand on others
	Light, Dark        string
	Conns              []string // rows of the table of connections
	ConnHint           string
	ConnSorted         []string // by findings
	Text               string
	Elements           int
	Wide               []string // what a narrow window has no room for
}

// browse opens a page in a real browser, sorts, searches, opens a query and zooms.
func browse(t *testing.T, path, search string) visit {
	t.Helper()
	browser, err := exec.LookPath("chromium")
	node, e := exec.LookPath("node")
	modules := os.Getenv("PGSNIFF_NODE_MODULES")
	if err != nil || e != nil || modules == "" || !exists(filepath.Join(modules, "playwright-core")) {
		missing(t, "needs Chromium, Node.js and playwright-core: apt-get install chromium, npm install playwright-core, and PGSNIFF_NODE_MODULES=its node_modules")
	}
	cmd := exec.Command(node, "testdata/page.cjs", path, browser, search)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	var v visit
	if err := json.Unmarshal(out, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestReport uses a page as a person would.
func TestReport(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.html")
	pgsniff(t, "report", "-q", pcaps+"/base_mix.pcap", "-o", path)
	info, err := os.Stat(path)
	if err != nil || info.Size() > 1_500_000 || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	v := browse(t, path, "repeat(")
	if len(v.Errors) > 0 || len(v.Requests) != 1 || v.Dialogs > 0 || v.Elements > 0 {
		t.Errorf("errors %q, requests %q, %d dialogs, %d elements", v.Errors, v.Requests, v.Dialogs, v.Elements)
	}
	if len(v.Facts) < 8 || v.Facts[0] != "427" || v.Facts[4] != "53" || v.Facts[5] != "3" {
		t.Errorf("facts %q", v.Facts)
	}
	if len(v.Calls) != 17 || slices.Equal(v.Calls, v.Sorted) || v.Sorted[0] != "20" || v.Aria != "descending" {
		t.Errorf("calls %q, sorted %q, %s", v.Calls, v.Sorted, v.Aria)
	}
	if len(v.Found) != 1 || !strings.Contains(v.Opened, "generate_series") || !slices.ContainsFunc(v.Ladder, func(s string) bool { return strings.HasPrefix(s, "Execute") }) {
		t.Errorf("found %q, opened %q, ladder %q", v.Found, v.Opened, v.Ladder)
	}
	if v.Charts != 4 || !v.Zoomed || !v.Unzoomed || v.Bars != 3 {
		t.Errorf("%d charts, zoomed %v, back %v, %d bars", v.Charts, v.Zoomed, v.Unzoomed, v.Bars)
	}
	if v.Labels < 20 || len(v.Overlaps) > 0 {
		t.Errorf("of %d labels, %q are cut off or stand on others", v.Labels, v.Overlaps)
	}
	if !v.Closer || v.Table < 3 || v.Unnamed > 0 {
		t.Errorf("zoomed by keys: %v, %d rows of numbers, %d parts without a name", v.Closer, v.Table, v.Unnamed)
	}
	if len(v.Wide) > 0 {
		t.Errorf("too wide for a narrow window: %q", v.Wide)
	}
	if v.Light == v.Dark || v.Light == "" || v.Ink == v.Printed || v.Printed == "" {
		t.Errorf("themes %s and %s; text is %s in the dark and %s on paper", v.Light, v.Dark, v.Ink, v.Printed)
	}
	if v.Run > 0 {
		t.Errorf("%d texts of SQL run into others", v.Run)
	}
	if !v.Closed {
		t.Error("Escape does not close a query")
	}
	if !strings.Contains(v.Text, "division by zero") {
		t.Error("an error is not shown")
	}
}

// TestReportOfNothing makes pages of captures in which nothing can be read: they say so.
func TestReportOfNothing(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty.pcap")
	header := []byte{0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0}
	if err := os.WriteFile(empty, header, 0o600); err != nil {
		t.Fatal(err)
	}
	for capture, text := range map[string]string{
		empty:                           "There is no PostgreSQL in it.",
		pcaps + "/tls13_aes128gcm.pcap": "Connections encrypted and not read",
	} {
		path := filepath.Join(dir, "page.html")
		pgsniff(t, "report", "-q", capture, "-o", path)
		v := browse(t, path, "")
		if len(v.Errors) > 0 || len(v.Requests) != 1 || v.Unnamed > 0 || !strings.Contains(v.Text, text) || !strings.Contains(v.Text, "Nothing could be read") {
			t.Errorf("%s: errors %q, requests %q, text\n%s", capture, v.Errors, v.Requests, v.Text)
		}
	}
}

// TestReportIsHarmless puts markup and script into every text of a session: none of it
// may become more than text.
func TestReportIsHarmless(t *testing.T) {
	evil := `</script><script>alert(1)</script><img src=x onerror=alert(2)>]]>--><svg/onload=alert(3)>` + "\u202e\x1b" + strings.Repeat("w", 300)
	var b pcapBuilder
	b.open()
	for _, sql := range []string{"select '" + evil + "'", "select 1 as \"" + evil + "\"", evil} {
		b.request("Q", sql+"\x00")
		b.reply("E", "SERROR\x00VERROR\x00C42601\x00M"+evil+"\x00\x00")
		b.reply("Z", "I")
	}
	b.reply("S", "application_name\x00"+evil+"\x00")
	b.request("Q", "select 2\x00")
	b.reply("C", "SELECT 1\x00")
	b.reply("Z", "I")
	dir := t.TempDir()
	capture, path := filepath.Join(dir, "evil.pcap"), filepath.Join(dir, "page.html")
	if err := os.WriteFile(capture, b.buf, 0o600); err != nil {
		t.Fatal(err)
	}
	pgsniff(t, "report", "-q", capture, "-o", path)
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(page), "<img") || strings.Contains(string(page), "<svg/onload") {
		t.Error("markup of the capture is in the page")
	}
	v := browse(t, path, "alert")
	if len(v.Errors) > 0 || len(v.Requests) != 1 || v.Dialogs > 0 || v.Elements > 0 {
		t.Errorf("errors %q, requests %q, %d dialogs, %d elements", v.Errors, v.Requests, v.Dialogs, v.Elements)
	}
	if len(v.Wide) > 0 {
		t.Errorf("a long word makes the page too wide for a narrow window: %q", v.Wide)
	}
	if !strings.Contains(v.Text, "<img src=x") || !strings.Contains(v.Text, `\u202e\x1bwww`) {
		t.Error("the text is not shown as it is")
	}
	if strings.ContainsAny(v.Text, "\u202e\x1b") {
		t.Error("the text changes the direction of what stands beside it")
	}
}

// TestReportLeavesOut holds that --no-values and --no-sql leave no constant, parameter
// or text in the page.
func TestReportLeavesOut(t *testing.T) {
	for flag, gone := range map[string][]string{
		"--no-values": {"żółć", "simple query number 7", `$1 = '41'`},
		"--no-sql":    {"żółć", "simple query", "generate_series", "from users", "boom"},
	} {
		path := filepath.Join(t.TempDir(), "page.html")
		pgsniff(t, "report", "-q", pcaps+"/base_mix.pcap", "-o", path, flag)
		page, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range gone {
			if strings.Contains(string(page), text) {
				t.Errorf("%s leaves %q in", flag, text)
			}
		}
	}
}

// TestReportReplication shows how far the client of a slot was behind, and the command
// that made the page, in which what was searched for may be left out.
func TestReportReplication(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.html")
	pgsniff(t, "report", "-q", pcaps+"/recvlogical_test_decoding.pcap", "-o", path)
	v := browse(t, path, "rl")
	if len(v.Errors) > 0 || len(v.Requests) != 1 || v.Charts != 5 || !v.Zoomed {
		t.Errorf("errors %q, requests %q, %d charts, zoomed %v", v.Errors, v.Requests, v.Charts, v.Zoomed)
	}
	for _, text := range []string{"Replication", "pg_recvlogical", "logical rl", "0/1D9FBFC8", "38.6 ms", "pgsniff report -q ", "recvlogical_test_decoding.pcap"} {
		if !strings.Contains(v.Text, text) {
			t.Errorf("there is no %q on the page", text)
		}
	}
	pgsniff(t, "report", "-q", pcaps+"/base_mix.pcap", "-o", path, "--no-values", "--grep", "division|number 7")
	page, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(page), "number 7") || !strings.Contains(string(page), `--grep … `) && !strings.Contains(string(page), `--grep …"`) {
		t.Errorf("what was searched for is on the page (%v)", err)
	}
}

// TestReportConnections makes a page of more connections than it draws: those are on it of
// which there is something to tell, wherever they are in the capture.
func TestReportConnections(t *testing.T) {
	const many, second = 1500, int64(1e9)
	p := &hostile.Packets{}
	open := func(n int, application string) *hostile.Conn {
		c := hostile.NewConn(uint32(n))
		p.Open(c)
		p.Send(c, hostile.Client, hostile.Startup("user", "u", "database", "d", "application_name", application))
		p.Send(c, hostile.Server, hostile.Authenticated(n+1))
		return c
	}
	ask := func(c *hostile.Conn, sql string, status byte) {
		p.Send(c, hostile.Client, hostile.Query(sql))
		p.Now += 1_000_000
		p.Send(c, hostile.Server, slices.Concat(hostile.Complete("SELECT 1"), hostile.Message('Z', []byte{status})))
	}
	usual := func(n int) {
		c := open(n, "usual")
		ask(c, "select 1", 'I')
		p.Close(c)
	}
	for n := range many {
		usual(n)
	}
	failing := open(many, "failing")
	p.Send(failing, hostile.Client, hostile.Query("select 1/0"))
	p.Send(failing, hostile.Server, slices.Concat(hostile.Message('E', hostile.String("SERROR"), hostile.String("C22012"), hostile.String("Mdivision by zero"), []byte{0}), hostile.Ready()))
	p.Close(failing)
	busy := open(many+1, "busy")
	for n := range 60 {
		ask(busy, fmt.Sprintf("select name from users where id = %d", n), 'I')
	}
	p.Close(busy)
	pausing := open(many+2, "pausing")
	ask(pausing, "begin", 'T')
	p.Now += 3 * second
	ask(pausing, "commit", 'I')
	p.Close(pausing)
	forgotten := open(many+3, "forgotten") // its transaction is open until the capture ends
	ask(forgotten, "begin", 'T')
	p.Now += 5 * second
	for n := range many {
		usual(many + 4 + n)
	}

	dir := t.TempDir()
	capture, path := filepath.Join(dir, "many.pcap"), filepath.Join(dir, "page.html")
	if err := os.WriteFile(capture, p.File(), 0o600); err != nil {
		t.Fatal(err)
	}
	pgsniff(t, "report", "-q", capture, "-o", path)
	v := browse(t, path, "")
	if len(v.Errors) > 0 || len(v.Requests) != 1 || v.Unnamed > 0 || len(v.Wide) > 0 {
		t.Errorf("errors %q, requests %q, %d parts without a name, too wide: %q", v.Errors, v.Requests, v.Unnamed, v.Wide)
	}
	if len(v.Conns) != 600 || !strings.HasPrefix(v.ConnHint, "600 of 3,004 connections, in order of time: ") {
		t.Fatalf("%d connections: %s", len(v.Conns), v.ConnHint)
	}
	at := map[string]string{}
	order := ""
	for _, row := range v.Conns {
		for _, name := range []string{"failing", "busy", "pausing", "forgotten"} {
			if strings.Contains(row, "u@d "+name) {
				at[name] = row
				order += name + " "
			}
		}
	}
	if order != "failing busy pausing forgotten " {
		t.Errorf("there are %q", order)
	}
	if !strings.Contains(at["pausing"], "3 s") || !strings.Contains(at["forgotten"], "open") || !regexp.MustCompile(`[5-9](\.\d+)? s`).MatchString(at["forgotten"]) || v.Idle < 2 {
		t.Errorf("pauses in transactions: %q, %q; %d are marked", at["pausing"], at["forgotten"], v.Idle)
	}
	if len(v.ConnSorted) != 600 || !strings.Contains(v.ConnSorted[0], "u@d busy") && !strings.Contains(v.ConnSorted[0], "u@d forgotten") {
		t.Errorf("by findings %q comes first", v.ConnSorted[:1])
	}
}
