package parquet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

var columns = []Column{
	{"ts", Timestamp},
	{"n", Int64},
	{"x", Double},
	{"ok", Bool},
	{"name", String},
	{"text", String},
	{"list", Strings},
	{"doc", JSON},
}

// row is what a row holds; nil is null.
type row struct {
	ts, n *int64
	x     *float64
	ok    *bool
	name  []byte
	text  []byte
	list  [][]byte
	doc   []byte
}

func randomRow(r *rand.Rand, i int) (v row) {
	if r.IntN(4) > 0 {
		n := 1763683200000000 + int64(i)*1001
		v.ts = &n
	}
	if r.IntN(3) > 0 {
		n := r.Int64() - r.Int64()
		v.n = &n
	}
	if r.IntN(3) > 0 {
		x := r.NormFloat64()
		v.x = &x
	}
	if r.IntN(3) > 0 {
		b := r.IntN(2) == 0
		v.ok = &b
	}
	if i%1000 < 500 { // runs and alternations
		v.name = []byte("name " + strconv.Itoa(r.IntN(1+i%7)))
	}
	if r.IntN(5) > 0 {
		v.text = []byte(strings.Repeat("é\"\n", r.IntN(4)) + strconv.Itoa(i))
	}
	switch r.IntN(4) {
	case 0:
	case 1:
		v.list = [][]byte{}
	default:
		for range r.IntN(5) + 1 {
			if e := []byte(strconv.Itoa(r.IntN(100))); r.IntN(4) > 0 {
				v.list = append(v.list, e)
			} else {
				v.list = append(v.list, nil)
			}
		}
	}
	if r.IntN(2) == 0 {
		v.doc = fmt.Appendf(nil, `{"a":%d}`, i)
	}
	return v
}

func (v *row) write(w *Writer) {
	if v.ts != nil {
		w.Int(0, *v.ts)
	}
	if v.n != nil {
		w.Int(1, *v.n)
	}
	if v.x != nil {
		w.Double(2, *v.x)
	}
	if v.ok != nil {
		w.Bool(3, *v.ok)
	}
	if v.name != nil {
		w.String(4, v.name)
	}
	if v.text != nil {
		w.String(5, v.text)
	}
	if v.list != nil {
		w.Strings(6, v.list)
	}
	if v.doc != nil {
		w.String(7, v.doc)
	}
	w.EndRow()
}

// json is the row as testdata/rows.mjs prints it with the query below.
func (v *row) json() string {
	var b strings.Builder
	text := func(v any) string {
		b, _ := json.Marshal(v)
		return string(b)
	}
	str := func(v []byte) string {
		if v == nil {
			return "null"
		}
		return text(string(v))
	}
	number := func(v *int64) string {
		if v == nil {
			return "null"
		}
		return text(strconv.FormatInt(*v, 10))
	}
	fmt.Fprintf(&b, `{"ts":%s,"n":%s,"x":`, number(v.ts), number(v.n))
	if v.x == nil {
		b.WriteString("null")
	} else {
		b.WriteString(text(*v.x))
	}
	fmt.Fprintf(&b, `,"ok":%s,"name":%s,"text":%s,"list":`, text(v.ok), str(v.name), str(v.text))
	if v.list == nil {
		b.WriteString("null")
	} else {
		var list []string
		for _, e := range v.list {
			list = append(list, str(e))
		}
		b.WriteString("[" + strings.Join(list, ",") + "]")
	}
	return b.String() + `,"doc":` + str(v.doc) + "}"
}

const allRows = `select epoch_us(ts)::varchar as ts, n::varchar as n, x, ok, name, "text", list, doc::varchar as doc from read_parquet('%s')`

// duckdb runs a query and returns its rows as lines.
func duckdb(t *testing.T, query string) []string {
	t.Helper()
	modules, node := os.Getenv("PGSNIFF_NODE_MODULES"), ""
	if modules != "" {
		node, _ = exec.LookPath("node")
	}
	if node == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("no node, or PGSNIFF_NODE_MODULES is not set: .ci/run installs DuckDB")
		}
		t.Skip("needs Node.js and DuckDB: npm install @duckdb/node-api, and PGSNIFF_NODE_MODULES=its node_modules")
	}
	cmd := exec.Command(node, filepath.Join("testdata", "rows.mjs"), query)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
}

// TestDuckDB reads back what was written, over several row groups, with a dictionary
// that is kept and one that grows too large.
func TestDuckDB(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rows.parquet")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := New(f, columns, map[string]string{"b": "2", "a": "1"})
	r := rand.New(rand.NewPCG(1, 2))
	var want []string
	for i := range 150_000 {
		v := randomRow(r, i)
		v.write(w)
		want = append(want, v.json())
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if len(w.groups) < 3 {
		t.Fatalf("%d row groups", len(w.groups))
	}
	got := duckdb(t, fmt.Sprintf(allRows, path))
	if len(got) != len(want) {
		t.Fatalf("%d rows, want %d", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("row %d:\ngot  %s\nwant %s", i, got[i], want[i])
		}
	}
	stats := duckdb(t, fmt.Sprintf("select sum(num_values)::varchar as n, min(stats_min_value) as least from parquet_metadata('%s') where path_in_schema = 'ts'", path))
	if want := `{"n":"150000","least":`; !strings.HasPrefix(stats[0], want) {
		t.Errorf("statistics %s", stats[0])
	}
	types := duckdb(t, fmt.Sprintf("select string_agg(column_type, ' ') as types from (describe select * from read_parquet('%s'))", path))
	if want := `{"types":"TIMESTAMP WITH TIME ZONE BIGINT DOUBLE BOOLEAN VARCHAR VARCHAR VARCHAR[] JSON"}`; types[0] != want {
		t.Errorf("types %s, want %s", types[0], want)
	}
}

func TestEmpty(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none.parquet")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := New(f, columns, nil).Close(); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if got := duckdb(t, fmt.Sprintf("select count(*)::varchar as n from read_parquet('%s')", path)); got[0] != `{"n":"0"}` {
		t.Errorf("%s", got)
	}
}

// TestHybrid reads back what appendHybrid writes, by the format's description.
func TestHybrid(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		width := 1 + r.IntN(20)
		var values []uint32
		for range r.IntN(12) {
			v := r.Uint32N(1 << width)
			for range 1 + r.IntN(1+r.IntN(30)) {
				values = append(values, v)
			}
		}
		got := readHybrid(t, appendHybrid(nil, values, width), width)
		if len(got) < len(values) || len(got) > len(values)+7*len(values) {
			t.Fatalf("%d values, want %d", len(got), len(values))
		}
		for i := range values {
			if got[i] != values[i] {
				t.Fatalf("value %d of %v with %d bits: %d", i, values, width, got[i])
			}
		}
	}
}

func readHybrid(t *testing.T, b []byte, width int) (values []uint32) {
	in := bytes.NewReader(b)
	number := func(bytes int) (v uint32) {
		for i := range bytes {
			c, err := in.ReadByte()
			if err != nil {
				t.Fatal(err)
			}
			v |= uint32(c) << (8 * i)
		}
		return v
	}
	for in.Len() > 0 {
		head, shift := uint64(0), 0
		for {
			c := number(1)
			head |= uint64(c&127) << shift
			if shift += 7; c < 128 {
				break
			}
		}
		if head&1 == 0 {
			v := number((width + 7) / 8)
			for range head >> 1 {
				values = append(values, v)
			}
			continue
		}
		var bits uint64
		have := 0
		for range head >> 1 * 8 {
			for have < width {
				bits |= uint64(number(1)) << have
				have += 8
			}
			values = append(values, uint32(bits&(1<<width-1)))
			bits >>= width
			have -= width
		}
	}
	return values
}

type failing struct{ left int }

func (f *failing) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, io.ErrShortWrite
	}
	return len(b), nil
}

// TestError holds that the first error is returned, whenever it comes.
func TestError(t *testing.T) {
	for _, left := range []int{0, 4, 200} {
		w := New(&failing{left}, columns, nil)
		for range 100 {
			w.Int(0, 1)
			w.String(4, []byte("x"))
			w.EndRow()
		}
		if err := w.Close(); err != io.ErrShortWrite {
			t.Errorf("after %d bytes: %v", left, err)
		}
	}
}
