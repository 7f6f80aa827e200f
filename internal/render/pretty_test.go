package render

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"

	"github.com/pgsniff/pgsniff/internal/test/conversation"
)

// hostileScript is a conversation that tries to get at the terminal: escape
// sequences, direction marks, wide and broken characters, in all places.
const hostileScript = `
	F: Startup user "ev\x1b[31mil" database "d\u202e" application_name "\u200b\x07 two words"
	B: AuthOk ; Param "na\x1bme" "va\nlue" ; Key 77 0x01020304 ; Ready I
	F: Query "SELECT '\x1b]0;title\x07', '漢字かな交じり文漢字かな交じり文漢字かな交じり文漢字かな交じり文', '\xff\xfe' -- \r\n\t a rather long comment, much longer than a line\n FROM \"t\x9b31m\""
	B: RowDescription "c\x1b[2J:25:0" 漢字:25:0 ; Row "\x1b[2J" "漢字かな交じり文漢字かな交じり文" ; Notice WARNING 01000 "n\x1b[1m" D=d\x7f ; Complete "SELECT\x1b 1" ; Ready I
	F: Parse "s\x1b" "SELECT $1" ; Bind "p\x1b" "s\x1b" "\u2066x\u00ad\u061c\U000e0041" NULL "" "two words" ; Describe portal "p\x1b" ; Execute "p\x1b" ; Sync
	B: ParseComplete ; BindComplete ; NoData ; Error ERROR 22012 "\x1b]8;;http://x\x07 a message of some length that goes on and on until the line is full" "H=hint\x1b" ; Ready I
	B: Notification "ch\x1b" "payload \u202e"
	F: CopyData "\x1b[2J" ; CopyFail "\x1b"
	F: raw "\x1b\x00\x00\x00\x06\x1b["
	B: gap 20
`

// checkLines demands that no line controls the terminal, and that rows, which are cut,
// are not wider than it.
func checkLines(t *testing.T, name, text string, width int) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Errorf("%s: not UTF-8", name)
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		for _, r := range line {
			if unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
				t.Errorf("%s: %U in %q", name, r, line)
				break
			}
		}
		row := strings.Contains(line, " DataRow ") || strings.Contains(line, " CopyData ")
		before, _, _ := strings.Cut(line, " {") // the state follows what is cut
		if n := runewidth.StringWidth(before); row && width > 0 && n > width {
			t.Errorf("%s: %d columns: %q", name, n, line)
		}
		if strings.TrimRight(line, " ") != line {
			t.Errorf("%s: blanks at the end of %q", name, line)
		}
	}
}

func pretty(opt PrettyOptions, scripts ...string) string {
	var out strings.Builder
	opt.Local = time.UTC
	play(NewPretty(&out, opt), scripts...)
	return out.String()
}

func TestTerminalIsSafe(t *testing.T) {
	for _, width := range []int{40, 80, 200, 0} {
		for _, flow := range []bool{true, false} {
			for _, max := range []int{200, 7, 0} {
				for _, mode := range []TimeMode{TimeAbs, TimeRel, TimeEpoch} {
					name := fmt.Sprintf("width %d, flow %v, values %d, time %d", width, flow, max, mode)
					opt := PrettyOptions{Width: width, Flow: flow, Time: mode, Options: Options{MaxValueBytes: max, States: flow}}
					cut := width
					if max == 0 {
						cut = 0 // all is to be shown
					}
					checkLines(t, name, pretty(opt, hostileScript), cut)
				}
			}
		}
	}
}

const longSQL = "SELECT alpha, beta, gamma, delta, epsilon FROM a_table_with_a_long_name WHERE zeta = 1 AND eta = 2 AND theta = 3"

// The terminal breaks long lines, so that what is copied from it is whole.
func TestSQLIsWhole(t *testing.T) {
	script := conversation.Opening + `
		F: Query "` + longSQL + `"
		B: Complete "SELECT 0" ; Ready I
	`
	for _, width := range []int{40, 80, 200, 0} {
		out := pretty(PrettyOptions{Width: width, Flow: true}, script)
		if got := strings.Count(out, longSQL); got != 2 { // the message and the query
			t.Errorf("width %d: the SQL is there %d times:\n%s", width, got, out)
		}
	}
}

// TestSQLLines writes SQL as it was, but for what may steer a terminal.
func TestSQLLines(t *testing.T) {
	script := conversation.Opening + `
		F: Query "SELECT 1, -- one\r\n\t'a\\b\x1b[2J'\n  FROM t"
		B: Complete "SELECT 0" ; Ready I
	`
	out := pretty(PrettyOptions{SQLLines: true}, script)
	want := "\nSELECT 1, -- one\n\t'a\\b\\x1b[2J'\n  FROM t\n"
	if strings.Contains(out, "\n\n") {
		t.Errorf("a line is empty:\n%s", out)
	}
	if got := strings.Count(out, want); got != 2 {
		t.Errorf("the SQL is there %d times:\n%s", got, out)
	}
	one := pretty(PrettyOptions{SQLLines: true}, strings.ReplaceAll(strings.ReplaceAll(script, `\r\n`, ""), `\n`, ""))
	if strings.Contains(one, "\nSELECT") || !strings.Contains(one, " SELECT 1, -- one\t'a") {
		t.Errorf("one line of SQL has a line of its own:\n%s", one)
	}
}

// TestParametersAreFolded writes what a server tells at the beginning in one line, and
// what it tells later by itself.
func TestParametersAreFolded(t *testing.T) {
	script := `
		F: Startup user ada
		B: AuthOk ; Param DateStyle "ISO, MDY" ; Param TimeZone UTC ; Param a "\x1b[2J" ; Key 77 0x01020304 ; Ready I
		F: Query "set timezone to x"
		B: Complete SET ; Param TimeZone x ; Ready I
	`
	out := pretty(PrettyOptions{Fold: true}, script)
	if n := strings.Count(out, "ParameterStatus"); n != 2 || !strings.Contains(out, `ParameterStatus       3: DateStyle="ISO, MDY" TimeZone=UTC a=\x1b[2J`) {
		t.Errorf("%d lines:\n%s", n, out)
	}
	if !(strings.Index(out, "AuthenticationOk") < strings.Index(out, "3: DateStyle") && strings.Index(out, "3: DateStyle") < strings.Index(out, "BackendKeyData")) {
		t.Errorf("not in its place:\n%s", out)
	}
	if out := pretty(PrettyOptions{}, script); strings.Count(out, "ParameterStatus") != 4 {
		t.Errorf("folded without being asked:\n%s", out)
	}
}

// TestDays says when another day begins.
func TestDays(t *testing.T) {
	script := conversation.Opening + `
		F: Query "SELECT 1"
		B: Complete "SELECT 1" ; Ready I
		+86400000ms
		F: Query "SELECT 2"
		B: Complete "SELECT 2" ; Ready I
	`
	out := pretty(PrettyOptions{}, script)
	if n := strings.Count(out, "\n── 2024-05-02\n"); n != 1 || strings.Count(out, "── 20") != 2 {
		t.Errorf("the new day is said %d times:\n%s", n, out)
	}
	if out := pretty(PrettyOptions{Time: TimeRel}, script); strings.Contains(out, "── 20") {
		t.Errorf("a date among relative times:\n%s", out)
	}
}

func TestRowsAreCounted(t *testing.T) {
	script := conversation.Opening + `
		F: Query "SELECT a"
		B: RowDescription a:23:0
		B: ` + strings.Repeat("Row 1 ; ", 7) + `Notice NOTICE 00000 x ; ` + strings.Repeat("Row 2 ; ", 5) + `Complete "SELECT 12" ; Ready I
		F: Query "SELECT b"
		B: RowDescription b:23:0 ; Row 3 ; Row 4 ; Row 5 ; Complete "SELECT 3" ; Ready I
	`
	for _, c := range []struct {
		rows, shown int
		counted     string
	}{
		{3, 6, "9 more DataRow, 108 bytes"},
		{1, 2, "11 more DataRow, 132 bytes"},
		{0, 15, ""},
		{100, 15, ""},
	} {
		out := pretty(PrettyOptions{Rows: c.rows, Flow: true}, script)
		if n := strings.Count(out, " DataRow  "); n != c.shown {
			t.Errorf("--rows %d: %d shown, want %d\n%s", c.rows, n, c.shown, out)
		}
		if n := strings.Count(out, "more DataRow"); (n > 0) != (c.counted != "") || !strings.Contains(out, c.counted) {
			t.Errorf("--rows %d: not %q\n%s", c.rows, c.counted, out)
		}
	}
	if out := pretty(PrettyOptions{Rows: 1, Flow: true}, script); !strings.Contains(out, "2 more DataRow, 24 bytes") {
		t.Errorf("the second query's rows are not counted by themselves\n%s", out)
	}
}

// Colours are there when asked for, and nothing else differs.
func TestColours(t *testing.T) {
	script := hostileScript
	plain := pretty(PrettyOptions{Flow: true}, script)
	colored := pretty(PrettyOptions{Flow: true, Theme: NewTheme(true)}, script)
	if strings.Contains(plain, "\x1b") || !strings.Contains(colored, "\x1b[") {
		t.Error("colours do not follow the theme")
	}
	var stripped strings.Builder
	for rest := colored; rest != ""; {
		before, after, found := strings.Cut(rest, "\x1b[")
		stripped.WriteString(before)
		if !found {
			break
		}
		end := strings.IndexByte(after, 'm')
		if end < 0 || strings.Trim(after[:end], "0123456789;") != "" {
			t.Fatalf("not a colour: %q", after[:min(len(after), 20)])
		}
		rest = after[end+1:]
	}
	trim := func(s string) string { // blanks at a line's end stay before the end of a colour
		var b strings.Builder
		for line := range strings.Lines(s) {
			b.WriteString(strings.TrimRight(line, " \n") + "\n")
		}
		return b.String()
	}
	if got := trim(stripped.String()); got != plain {
		t.Errorf("with colours:\n%s\nwithout:\n%s", got, plain)
	}
}

func TestPrettyQueries(t *testing.T) {
	out := pretty(PrettyOptions{Options: Options{MaxValueBytes: 10}}, `
		F: Startup user ada database d
		B: AuthOk ; Ready I
		F: Parse s "SELECT  *\n\tFROM t WHERE id = $1" 23 ; Bind "" s 7 ; Execute "" ; Sync
		B: ParseComplete ; BindComplete ; Row 1 ; Row 2 ; Complete "SELECT 2" ; Ready I
		+1500ms
		F: Query "SELECT 1; SELEC"
		B: Complete "SELECT 1" ; Error ERROR 42601 "syntax error" ; Ready I
		F: Bind "" nosuch ; Execute "" ; Sync
		B: BindComplete ; Row 1
		B: gap 8
		F: Terminate
	`)
	for _, want := range []string{
		`12:00:00.002000 #1 ada@d   1.00 ms SELECT 2     SELECT * …(31 bytes) $1=7`,
		`12:00:01.504000 #1 ada@d   1.00 ms SELECT 1 error 42601 SELECT 1; …(15 bytes)`,
		`ERROR 42601 syntax err…(12 bytes)`,
		`12:00:01.506000 #1 ada@d   1.00 ms 1 row incomplete statement "nosuch"`, `! lost: 8 bytes of it were not captured`, `[parse, reply not captured]`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
