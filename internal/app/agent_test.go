package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/capture"
)

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// withEnvironment runs a command with variables.
func withEnvironment(vars map[string]string, args ...string) (stdout, stderr string, code int) {
	var out, errs bytes.Buffer
	env := &Env{
		In: strings.NewReader(""), Out: &out, Err: &errs, Now: time.Now,
		Getenv: func(name string) string { return vars[name] }, Width: func() int { return 0 },
	}
	code = Run(env, args)
	return out.String(), errs.String(), code
}

// TestSettings: the command line comes before the environment, that before the file, and
// a command's table in it before its top; pgsniff config says so of each flag.
func TestSettings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pgsniff.toml")
	writeFile(t, file, `port = [5432, "6432-6435"]
user = ["a,b", "c"]
min-duration = "1ms"
top = 3

[[output]]
view = ["queries", "stats"]
format = "json"

[read]
top = 7
errors = true

[live]
interface = "lo"
`)
	vars := map[string]string{"PGSNIFF_MIN_DURATION": "2ms", "PGSNIFF_USER": "d", "PGSNIFF_SORT": "calls", "PGSNIFF_ROWS": "9"}
	out, stderr, code := withEnvironment(vars, "config", "read", "--config", file, "--sort", "mean", "x.pcap")
	if code != ExitOK {
		t.Fatal(stderr)
	}
	got := map[string]string{}
	for line := range strings.Lines(out) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		got[name] = strings.Join(strings.Fields(rest), " ")
	}
	for name, want := range map[string]string{
		"port": "[5432,6432-6435] file " + file + ":1", "user": "[d] environment PGSNIFF_USER",
		"min-duration": "2ms environment PGSNIFF_MIN_DURATION", "top": "7 file " + file + ":11",
		"errors": "true file " + file + ":12", "sort": "mean command line", "rows": "9 environment PGSNIFF_ROWS",
		"view": "queries,stats file " + file + ":7", "output": "json file " + file + ":8", "grep": "default",
	} {
		if got[name] != want {
			t.Errorf("%s: %q, not %q", name, got[name], want)
		}
	}
	if _, there := got["interface"]; there {
		t.Error("read has a flag of live")
	}
	out, _, _ = withEnvironment(nil, "config", "read", "--config", file, "--view", "connections")
	if strings.Contains(out, "queries") {
		t.Errorf("the command line describes outputs, and those of the file are there:\n%s", out)
	}
	writeFile(t, file, "user = \"a,b\"\n")
	if out, _, _ = withEnvironment(nil, "config", "--config", file); !strings.Contains(out, "[a,b] ") {
		t.Errorf("a list in a text:\n%s", out)
	}
}

// TestSettingsRun: what a file says is done.
func TestSettingsRun(t *testing.T) {
	dir := t.TempDir()
	file, to := filepath.Join(dir, "pgsniff.toml"), filepath.Join(dir, "out.jsonl")
	writeFile(t, file, fmt.Sprintf("[[output]]\nview = \"queries\"\nformat = \"json\"\nto = %q\n[[output]]\nview = \"connections\"\n", to))
	out, stderr, code := withEnvironment(nil, "read", "--config", file, psqlSimple)
	if code != ExitOK {
		t.Fatal(stderr)
	}
	want, _, _ := command("read", psqlSimple, "--view", "queries", "-o", "json")
	if got := readPage(t, to); got != want {
		t.Errorf("%s\nis not\n%s", got, want)
	}
	if want, _, _ = command("read", psqlSimple, "--view", "connections"); out != want {
		t.Errorf("%s\nis not\n%s", out, want)
	}
	out, _, _ = withEnvironment(map[string]string{"PGSNIFF_CONFIG": file, "PGSNIFF_VIEW": "stats", "PGSNIFF_OUTPUT": "json"}, psqlSimple)
	if want, _, _ = command("read", psqlSimple, "--view", "stats", "-o", "json"); out != want {
		t.Errorf("%s\nis not\n%s", out, want)
	}
}

// TestSettingsRefused: what a file says wrongly is told with its place.
func TestSettingsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pgsniff.toml")
	for text, want := range map[string]string{
		"\nprot = 3\n":                       `:2: unknown key "prot"; did you mean port?`,
		"[live]\n\nsince = \"1s\"\n":         `:3: unknown key "since"`,
		"[nothing]\nport = 3\n":              `:1: unknown key "nothing"`,
		"[[output]]\nviews = \"queries\"\n":  `:2: unknown key "views"`,
		"view = \"queries\"\n":               `:1: unknown key "view"; outputs are tables`,
		"config = \"x\"\n":                   `:1: unknown key "config"`,
		"top = 5\nmin-duration = \"soon\"\n": `:2: `,
		"min-duration = [\"1s\"]\n":          `:1: min-duration: is no list`,
		"port = 1\n\nport = 2\n":             `:3: `,
		"port = 2026-01-01\n":                `:1: port: must be`,
		"x = [\n":                            `:1: `,
		"[live]\nbuffer-size = \"much\"\n":   `:2: `,
	} {
		writeFile(t, file, text)
		_, stderr, code := command("config", "--config", file)
		if code != ExitUsage || !strings.Contains(stderr, file+want) {
			t.Errorf("%q: exit %d, %s", text, code, stderr)
		}
	}
	if _, stderr, code := command("read", "--config", file+"x", psqlSimple); code != ExitFailure || !strings.Contains(stderr, "no such file") {
		t.Errorf("exit %d, %s", code, stderr)
	}
}

type sampledQuery struct {
	Type string
	Rate uint64          `json:"sample_rate"`
	Err  json.RawMessage `json:"error"`

	Conn, ID    uint64
	Fingerprint string
}

func (q *sampledQuery) key() [2]uint64 { return [2]uint64{q.Conn, q.ID} }

// TestSample: of the queries that are told all errors are there, the rates add up, and
// sums are as without, with any number of workers and in every output.
func TestSample(t *testing.T) {
	files := []string{"../../testdata/pcaps/pgbench_simple.pcap", "../../testdata/pcaps/errors.pcap", psqlSimple}
	var there []string
	for _, f := range files {
		if _, err := os.Stat(f); err == nil {
			there = append(there, f)
		}
	}
	count := func(args ...string) (n, sum, errors uint64, text string) {
		text, stderr, code := command(append(append([]string{"read"}, there...), args...)...)
		if code != ExitOK {
			t.Fatal(stderr)
		}
		for line := range strings.Lines(text) {
			var q sampledQuery
			if err := json.Unmarshal([]byte(line), &q); err != nil {
				t.Fatal(err)
			}
			if q.Type != "query" {
				continue
			}
			n++
			sum += q.Rate
			if q.Err != nil {
				errors++
			}
		}
		return n, sum, errors, text
	}
	all, none, failed, _ := count("--view", "queries", "--json")
	if none != 0 || all < 20 {
		t.Fatalf("%d queries, of rates %d", all, none)
	}
	first := ""
	for _, workers := range []string{"1", "3"} {
		n, sum, errors, text := count("--view", "queries", "--json", "--sample", "3", "--workers", workers)
		if n >= all || errors != failed || sum+all/3 < all || sum > all+all/3 {
			t.Errorf("%d of %d told, %d of %d errors, the rates add up to %d", n, all, errors, failed, sum)
		}
		if first == "" {
			first = text
		}
		if text != first {
			t.Error("another choice with other workers")
		}
	}
	_, _, _, sums := count("--view", "stats", "--json")
	if _, _, _, got := count("--view", "stats", "--json", "--sample", "3"); got != sums {
		t.Error("the sums are others with --sample")
	}
	for _, args := range [][]string{{"--sample", "3"}, {"-o", "pqtrace", "--sample", "3"}} {
		if _, stderr, code := command(append([]string{"read", psqlSimple}, args...)...); code != ExitUsage || !strings.Contains(stderr, "choose among queries") {
			t.Errorf("%v: exit %d, %s", args, code, stderr)
		}
	}
}

// TestReload: filters and outputs change between two packets, nothing is lost of what
// goes on, and a bad file changes nothing.
func TestReload(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "pgsniff.toml")
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	output := func(view, to string) string {
		return fmt.Sprintf("[[output]]\nview = %q\nformat = \"json\"\nto = %q\n", view, to)
	}
	writeFile(t, file, output("queries", a))
	var errs bytes.Buffer
	env := &Env{
		In: strings.NewReader(""), Out: io.Discard, Err: &errs, Now: time.Now,
		Getenv: func(string) string { return "" }, Width: func() int { return 0 },
	}
	args := []string{"live", "-i", "lo", "--any-port", "--config", file}
	env.again = func() (*parsed, error) { return parse(env, args) }
	p, err := env.again()
	if err != nil {
		t.Fatal(err)
	}
	o := optionsOf(p.command)
	o.live = true
	r, err := newRun(env, o)
	if err != nil {
		t.Fatal(err)
	}
	r.agent.running = p
	src, err := capture.OpenFiles([]string{psqlSimple}, capture.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	hup := func(text, want string) {
		t.Helper()
		writeFile(t, file, text)
		errs.Reset()
		r.agent.hup.Store(true)
		r.reload()
		if !strings.Contains(errs.String(), want) || strings.Count(errs.String(), "\n") != 1 {
			t.Errorf("%s is told, not %s", errs.String(), want)
		}
	}
	var packet capture.Packet
	n := 0
	for ; src.Next(&packet) == nil; n++ {
		switch n {
		case 12:
			hup("nothing = 1\n", "all stays as it is: "+file+":1: unknown key")
			hup(output("queries", a)+output("queries", filepath.Join(dir, "no", "place")), "all stays as it is")
			hup(output("queries", a), "again: nothing has changed")
			hup("errors = true\n"+output("queries", a)+output("stats", b), "again: errors, output, to, view")
			hup("port = 77\n"+output("queries", a)+output("stats", b), "again: errors; from the next start on: port")
		case 24:
			hup(output("stats", b), "again: output, to, view")
		}
		if _, err := r.take(&packet); err != nil {
			t.Fatal(err)
		}
	}
	if n < 30 {
		t.Fatalf("%d packets", n)
	}
	if err := r.finish(nil); err != nil {
		t.Fatal(err)
	}
	all, _, _ := command("read", psqlSimple, "--view", "queries", "-o", "json")
	got := readPage(t, a)
	if got == "" || got == all || !strings.HasPrefix(all, got) {
		t.Errorf("until it was over, the first output was told\n%s\nof\n%s", got, all)
	}
	var s struct{ Queries uint64 }
	if err := json.Unmarshal([]byte(readPage(t, b)), &s); err != nil {
		t.Fatal(err)
	}
	if total := uint64(strings.Count(all, `"type":"query"`)); s.Queries == 0 || s.Queries >= total {
		t.Errorf("the second output counts %d of %d queries", s.Queries, total)
	}
}

// TestCaps: where a cap is exceeded, detail goes step by step, and comes back when there
// has been room for a while; each step is told.
func TestCaps(t *testing.T) {
	var errs bytes.Buffer
	f := choiceFlags{sample: 2, maxCPU: 50, maxMemory: 100}
	r := &run{env: &Env{Err: &errs}, agent: &agent{sampler: newSampler(&f)}}
	g := &governor{r: r, caps: f}
	step := func(cpu int, memory uint64, want int32, text string) {
		t.Helper()
		errs.Reset()
		g.look(cpu, memory)
		if got := r.agent.sampler.step.Load(); got != want || !strings.Contains(errs.String(), text) || text == "" && errs.Len() > 0 {
			t.Errorf("step %d, not %d: %s", got, want, errs.String())
		}
	}
	step(40, 0, 0, "")
	step(51, 0, 1, "51 % of a processor, --max-cpu 50: of queries that neither failed nor were slow, a tenth is told")
	step(40, 81<<20, 2, "81 MiB of memory, --max-memory 100")
	step(99, 0, 3, "only queries that failed or were slow")
	step(99, 0, 4, "no query is told")
	step(99, 0, 4, "")
	for range calm - 1 {
		step(10, 0, 4, "")
	}
	step(45, 0, 4, "") // no room
	for range calm - 1 {
		step(10, 0, 4, "")
	}
	step(10, 0, 3, "there is room")
}

// shedRun reads a capture with the caps' steps set as given before its packets, and returns
// the queries and findings that it told, and what it counted.
func shedRun(t *testing.T, files []string, before func(packet int, g *governor)) (queries []sampledQuery, findings []string, sums string) {
	t.Helper()
	var out, errs bytes.Buffer
	env := &Env{
		In: strings.NewReader(""), Out: &out, Err: &errs, Now: time.Now,
		Getenv: func(string) string { return "" }, Width: func() int { return 0 },
	}
	to := filepath.Join(t.TempDir(), "stats")
	p, err := parse(env, []string{"live", "-i", "lo", "--any-port", "--workers", "1", "--max-cpu", "50", "--json", "--view", "stats", "--to", to, "--json", "--view", "queries,findings"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := newRun(env, optionsOf(p.command))
	if err != nil {
		t.Fatal(err)
	}
	g := &governor{r: r, caps: r.opt.choice}
	src, err := capture.OpenFiles(files, capture.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var packet capture.Packet
	for n := 0; src.Next(&packet) == nil; n++ {
		before(n, g)
		if _, err := r.take(&packet); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.finish(nil); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		var q sampledQuery
		if err := json.Unmarshal([]byte(line), &q); err != nil {
			t.Fatal(err)
		}
		if q.Type == "query" {
			queries = append(queries, q)
		} else {
			findings = append(findings, line)
		}
	}
	return queries, findings, readPage(t, to)
}

// TestShedding: each step of the caps lets through what docs/cli.md says of it, in that
// order; findings and sums stay whole in all of them, and when there is room again, all
// queries are told again.
func TestShedding(t *testing.T) {
	files := []string{"../../testdata/pcaps/base_mix.pcap"}
	to := func(step int) func(int, *governor) {
		return func(n int, g *governor) {
			for range step {
				if n == 0 {
					g.look(99, 0)
				}
			}
		}
	}
	all, findings, sums := shedRun(t, files, to(0))
	calls, failed := map[string]int{}, 0
	for i := range all {
		if all[i].Err != nil {
			failed++
			continue
		}
		calls[all[i].Fingerprint]++
	}
	if len(all) < 50 || failed == 0 || len(findings) == 0 {
		t.Fatalf("%d queries, %d failed, %d findings: too few to tell", len(all), failed, len(findings))
	}
	for step, rate := range map[int]int{1: 10, 2: 100, 3: 0, 4: 0} {
		got, found, counted := shedRun(t, files, to(step))
		if strings.Join(found, "") != strings.Join(findings, "") || counted != sums {
			t.Errorf("step %d changes findings or sums", step)
		}
		told, others := 0, map[string]int{}
		for i := range got {
			if got[i].Err != nil {
				told++
			} else {
				others[got[i].Fingerprint]++
			}
		}
		if want := failed; step == 4 && len(got) > 0 || step < 4 && told != want {
			t.Errorf("step %d tells %d of %d failures, %d in all", step, told, want, len(got))
		}
		if step >= 3 && len(others) > 0 {
			t.Errorf("step %d tells %v", step, others)
		}
		for class, n := range calls {
			if step < 3 && (others[class] < 1 || others[class] > 2+n/rate) { // the first, and one more where the count began late
				t.Errorf("step %d tells %d of %d calls of %s", step, others[class], n, class)
			}
		}
	}
	// Everything is given up, and comes back while the capture goes on.
	const gone, back = 40, 80
	var steps []int32
	got, _, counted := shedRun(t, files, func(n int, g *governor) {
		switch {
		case n == gone:
			for range shedSteps {
				g.look(99, 0)
			}
		case n == back:
			for range calm * len(shedSteps) {
				g.look(0, 0)
			}
		default:
			return
		}
		steps = append(steps, g.r.agent.sampler.step.Load())
	})
	if len(steps) != 2 || steps[0] != int32(len(shedSteps))-1 || steps[1] != 0 || counted != sums {
		t.Errorf("steps %v", steps)
	}
	missing := 0
	for i := range got {
		for missing+i < len(all) && all[missing+i].key() != got[i].key() {
			missing++
		}
	}
	if missing == 0 || len(got)+missing != len(all) || got[0].key() != all[0].key() || got[len(got)-1].key() != all[len(all)-1].key() {
		t.Errorf("%d of %d queries are told, %d missing in one stretch", len(got), len(all), missing)
	}
}
