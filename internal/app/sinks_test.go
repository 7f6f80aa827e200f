package app

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sink"
)

// counter is an output that counts what it is told.
type counter struct {
	w     io.WriteCloser
	label string
	wants sink.Wants
	kinds map[string]int
	ticks []int64
}

func (c *counter) Wants() sink.Wants { return c.wants }
func (c *counter) Record(r record.Record) {
	c.kinds[r.Schema().Name]++
	if q, ok := r.(*record.Query); ok && q.SQL != nil && q.Normalized == nil {
		c.kinds["not normalized"]++
	}
}
func (c *counter) Tick(now int64) { c.ticks = append(c.ticks, now) }
func (c *counter) End(t *record.Totals) error {
	fmt.Fprintln(c.w, c.label, c.kinds, len(c.ticks) > 0, t.Packets, t.Queries)
	return c.w.Close()
}

var longSchema = record.NewSchema("long", "Of a test: a query and its length.")

var (
	longBytes = longSchema.Int("sql_bytes", "bytes", "Bytes of its text.")
	longMap   = longSchema.Map("words", "Its words.")
)

// long is a view: the length of each query.
type long struct{ out sink.Sink }

type longRecord struct{ *record.Query }

func (r longRecord) Schema() *record.Schema { return longSchema }
func (r longRecord) Clone() record.Record   { return longRecord{r.Query.Clone().(*record.Query)} }
func (r longRecord) Visit(v record.Visitor) {
	v.Int(longBytes, int64(r.SQLLen))
	v.Open(longMap)
	for range 2 {
		v.Key([]byte("sql"))
		v.Text(nil, r.SQL)
	}
	v.Close()
}

func (l *long) Wants() sink.Wants        { return sink.Wants{Queries: true} }
func (l *long) Record(r record.Record)   { l.out.Record(longRecord{r.(*record.Query)}) }
func (l *long) Tick(int64)               {}
func (l *long) End(*record.Totals) error { return nil }

// register adds the test's view and output to the registry.
func register(t *testing.T) {
	views, outputs := registeredViews, registeredOutputs
	t.Cleanup(func() { registeredViews, registeredOutputs = views, outputs })
	registeredViews = append(views[:len(views):len(views)], sink.View{
		Name: "long", Help: "the length of each query",
		Setup: func(*pflag.FlagSet) sink.OpenView {
			return func(_ *sink.Env, out sink.Sink) (sink.Sink, error) { return &long{out}, nil }
		},
	})
	registeredOutputs = append(outputs[:len(outputs):len(outputs)], sink.Output{
		Name: "count", Help: "how many records there are",
		Setup: func(f *pflag.FlagSet) sink.OpenOutput {
			label := f.String("count-label", "counted", "count: what to call them, `TEXT`")
			return func(env *sink.Env) (sink.Sink, error) {
				w, err := env.Create()
				c := &counter{w: w, label: *label, kinds: map[string]int{}, wants: sink.Everything()}
				c.wants.Tick = int64(time.Millisecond)
				return c, err
			}
		},
	})
}

// command runs the program and returns what it wrote and its exit code.
func command(args ...string) (stdout, stderr string, code int) {
	var out, errs bytes.Buffer
	env := &Env{
		In: strings.NewReader(""), Out: &out, Err: &errs, Now: time.Now,
		Getenv: func(string) string { return "" }, Width: func() int { return 0 },
	}
	code = Run(env, args)
	return out.String(), errs.String(), code
}

const psqlSimple = "../../testdata/pcaps/psql_simple.pcap"

// A view and an output that only the registry knows work as the others do, several
// at once, with any number of workers.
func TestRegistry(t *testing.T) {
	register(t)
	dir := t.TempDir()
	var first string
	for _, workers := range []string{"1", "2", "3"} {
		to := func(name string) string { return filepath.Join(dir, name+workers) }
		stdout, stderr, code := command(
			"read", psqlSimple, "--workers", workers, "--count-label", "all",
			"-o", "count", "--to", to("count"),
			"--view", "queries,long", "-o", "json", "--to", to("json"),
			"--view", "queries", "-o", "count", "--to", to("queries"),
			"--view", "long", "--time", "utc",
		)
		if code != ExitOK {
			t.Fatalf("exit %d: %s", code, stderr)
		}
		text := stdout
		for _, name := range []string{"count", "json", "queries"} {
			b, err := os.ReadFile(to(name))
			if err != nil {
				t.Fatal(err)
			}
			text += "\n" + name + "\n" + string(b)
		}
		if first == "" {
			first = text
		}
		if text != first {
			t.Errorf("another output with %s workers", workers)
		}
	}
	whole, _, _ := command("read", psqlSimple, "-o", "json", "--view", "messages,queries,connections")
	count := func(kind string) int { return strings.Count(whole, `{"type":"`+kind+`"`) }
	for _, want := range []string{
		fmt.Sprintf("all map[connection:%d message:%d query:%d] true", count("connection"), count("message"), count("query")),
		fmt.Sprintf("all map[query:%d] true", count("query")),
		`"words":{"sql":"`, `"sql#2":"`,
	} {
		if !strings.Contains(first, want) {
			t.Errorf("no %q", want)
		}
	}
	if n := strings.Count(first, `{"type":"long"`); n != count("query") {
		t.Errorf("%d records of the view, of %d queries", n, count("query"))
	}
}

// Each output has what it has alone.
func TestOutputs(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "q.jsonl")
	stdout, stderr, code := command("read", psqlSimple, "--view", "queries", "-o", "json", "--to", path, "--view", "stats")
	if code != ExitOK {
		t.Fatalf("exit %d: %s", code, stderr)
	}
	alone, _, _ := command("read", psqlSimple, "--view", "stats")
	if stdout != alone {
		t.Errorf("got\n%s\nalone\n%s", stdout, alone)
	}
	alone, _, _ = command("read", psqlSimple, "--view", "queries", "--json")
	if b, _ := os.ReadFile(path); string(b) != alone {
		t.Errorf("got\n%s\nalone\n%s", b, alone)
	}
}

// What cannot be is refused before anything is written.
func TestOutputsRefused(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in.pcap")
	b, err := os.ReadFile(psqlSimple)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(in, b, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(in, link); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"--to", in},
		{"--to", link},
		{"--to", ""},
		{"--to", filepath.Join(dir, "a"), "--to", filepath.Join(dir, "b")},
		{"--view", "queries", "--to", "-", "--view", "stats"},
		{"--view", "nothing"},
		{"-o", "nothing"},
	} {
		_, stderr, code := command(append([]string{"read", in}, args...)...)
		if code != ExitUsage {
			t.Errorf("%v: exit %d, %s", args, code, stderr)
		}
	}
	if now, _ := os.ReadFile(in); !bytes.Equal(now, b) {
		t.Error("the capture was written over")
	}
}

// With --min-duration, outputs of the registry are told the messages of the queries that
// took so long, as the built-in ones are.
func TestMinDurationMessages(t *testing.T) {
	register(t)
	const capture = "../../testdata/pcaps/copy.pcap"
	for _, d := range []string{"0s", "300us", "2ms", "1h"} {
		lines, _, _ := command("read", capture, "--json", "--view", "messages", "--min-duration", d)
		want := strings.Count(lines, `"type":"message"`)
		counted, stderr, code := command("read", capture, "-o", "count", "--view", "messages", "--min-duration", d)
		if code != ExitOK {
			t.Fatalf("exit %d: %s", code, stderr)
		}
		if has := strings.Contains(counted, fmt.Sprintf("message:%d]", want)); has != (want > 0) || !has && strings.Contains(counted, "message") {
			t.Errorf("--min-duration %s: %q, and %d messages in JSON", d, counted, want)
		}
	}
}

// What several views of an output hand on, it is told once.
func TestViewsHandOnOnce(t *testing.T) {
	register(t)
	const capture = pcaps + "/malformed.pcap"
	count := func(views string) int {
		out, stderr, code := command("read", capture, "-o", "count", "--view", views)
		_, n, ok := strings.Cut(out, "notice:")
		var notices int
		if _, err := fmt.Sscan(strings.FieldsFunc(n, func(r rune) bool { return r < '0' || r > '9' })[0], &notices); err != nil || !ok || code != ExitOK {
			t.Fatalf("%v: %s: exit %d, %s", err, out, code, stderr)
		}
		return notices
	}
	lines, _, _ := command("read", capture, "--json", "--view", "messages")
	want := strings.Count(lines, `"type":"notice"`)
	for _, views := range []string{"messages", "queries", "messages,queries,connections"} {
		if n := count(views); n != want || n == 0 {
			t.Errorf("--view %s: %d notices, %d in JSON", views, n, want)
		}
	}
}
