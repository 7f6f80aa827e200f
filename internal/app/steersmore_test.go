package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestNothingSteersReports: what merge makes of reports, whether pgsniff wrote them or
// somebody who put into them what steers, steers no terminal.
func TestNothingSteersReports(t *testing.T) {
	dir := t.TempDir()
	file := steering(t, steeringTexts())
	own, _, code := command("read", file, "--view", "stats", "--histograms", "--json", "--top", "0")
	if code != ExitOK && code != ExitFailure || own == "" {
		t.Fatalf("exit %d", code)
	}
	reports := map[string]string{"own": own}
	var decoded map[string]any
	if err := json.Unmarshal([]byte(strings.SplitN(own, "\n", 2)[0]), &decoded); err != nil {
		t.Fatal(err)
	}
	for i, v := range append(steeringOnly(), []byte("x\xff\x9b2J")) {
		reports[fmt.Sprint("made ", i)] = withTexts(decoded, string(v))
		reports[fmt.Sprint("broken ", i)] = `{"type":"stats","` + string(v) + `":` + string(v)
	}
	for name, text := range reports {
		path := filepath.Join(dir, name+".json")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, format := range []string{"pretty", "json"} {
			out, errs, _ := commandOnTerminal("merge", "-o", format, path)
			for _, s := range []string{out, errs} {
				if err := steersTerminal(s); err != nil {
					t.Errorf("%s as %s: %v", name, format, err)
				}
			}
		}
	}
}

// withTexts is a report in which every text is v, unescaped where JSON allows it.
func withTexts(report any, v string) string {
	var put func(any) any
	put = func(x any) any {
		switch x := x.(type) {
		case map[string]any:
			m := map[string]any{}
			for k, y := range x {
				if m[k] = put(y); k == "type" {
					m[k] = y
				}
			}
			return m
		case []any:
			list := make([]any, len(x))
			for i := range x {
				list[i] = put(x[i])
			}
			return list
		case string:
			return v
		}
		return x
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(put(report))
	text := strings.NewReplacer(`\u2028`, "\u2028", `\u2029`, "\u2029").Replace(b.String())
	return text
}

// steeringOnly are those of the texts that would steer.
func steeringOnly() (list [][]byte) {
	for _, v := range steeringTexts() {
		if steersTerminal(string(v)) != nil || bytes.IndexByte(v, '\n') >= 0 {
			list = append(list, v)
		}
	}
	return list
}

// TestNothingSteersConfig: nor do values of the environment, of a configuration file, and
// its name.
func TestNothingSteersConfig(t *testing.T) {
	dir := t.TempDir()
	for i, v := range steeringOnly() {
		name := filepath.Join(dir, fmt.Sprintf("%d\x1b]0;owned\x07\u202e\x9b.toml", i))
		text := strings.NewReplacer("\\", "\\\\", "\"", "\\\"", "\n", "\\n").Replace(string(v))
		for _, content := range []string{
			"user = \"" + text + "\"\n", "[read]\ngrep = \"" + text + "\"\n", "\"" + text + "\" = 1\n", "view = \"" + text + "\"\n", string(v) + "\n", "port = '" + string(v) + "'\n",
		} {
			if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, args := range [][]string{{"config", "--config", name}, {"config", "read", "--config", name}, {"read", psqlSimple, "--config", name, "-c", "1"}} {
				steersNothing(t, nil, args...)
			}
		}
		for _, variable := range []string{"PGSNIFF_USER", "PGSNIFF_VIEW", "PGSNIFF_PORT", "PGSNIFF_GREP", "PGSNIFF_CONFIG", "PGSNIFF_MIN_DURATION"} {
			env := map[string]string{"NO_COLOR": "1", variable: string(v)}
			steersNothing(t, env, "config", "read")
			steersNothing(t, env, "read", psqlSimple, "-c", "1")
		}
	}
}

// steersNothing runs the program on a terminal and looks at what it prints.
func steersNothing(t *testing.T, environment map[string]string, args ...string) {
	t.Helper()
	if environment == nil {
		environment = map[string]string{"NO_COLOR": "1"}
	}
	var out, errs bytes.Buffer
	env := &Env{
		In: strings.NewReader(""), Out: &out, Err: &errs, Now: time.Now, ErrTerminal: true,
		Getenv: func(name string) string { return environment[name] }, Width: func() int { return 100 },
	}
	Run(env, args)
	for name, text := range map[string]string{"output": out.String(), "error": errs.String()} {
		if err := steersTerminal(text); err != nil {
			t.Errorf("%.200q, %.100q: standard %s has %v", args, environment, name, err)
		}
	}
}

// TestNothingSteersFiles: nor do names of files that are written, and what a page about a
// capture has in it.
func TestNothingSteersFiles(t *testing.T) {
	file := steering(t, steeringTexts())
	dir := t.TempDir()
	page := filepath.Join(dir, "page.html")
	for _, args := range [][]string{
		{"report", file, "-o", page},
		{"read", file, "-o", "parquet", "--view", "queries,connections", "--to", filepath.Join(dir, "rows")},
		{"read", file, "-o", "json", "--to", filepath.Join(dir, "out.jsonl")},
	} {
		steersNothing(t, nil, args...)
	}
	html, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if err := steersTerminal(string(html)); err != nil {
		t.Errorf("the page has %v", err)
	}
	files := 0
	err = filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		files++
		if e := steersTerminal(path); e != nil {
			t.Errorf("a file is called %v", e)
		}
		return err
	})
	if err != nil || files < 4 {
		t.Errorf("%d files, %v", files, err)
	}
}
