package jsontext

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/record"
)

func FuzzAppend(f *testing.F) {
	for _, s := range []string{"", "a\"b\\c\n\x00\x7f", "é\u2028\U0001f418", "\xff\xc3(\xed\xa0\x80", strings.Repeat("x", 5)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		b := Append([]byte("x"), s)
		if err := json.Unmarshal(b[1:], &got); err != nil {
			t.Fatalf("%q: %v", b, err)
		}
		// The standard library makes the same of it, but for what it escapes.
		want := strings.ToValidUTF8(s, "")
		if strings.ReplaceAll(got, "\ufffd", "") != strings.ReplaceAll(want, "\ufffd", "") {
			t.Fatalf("%q, want %q", got, want)
		}
		if string(Append(nil, []byte(s))) != string(b[1:]) {
			t.Fatal("bytes and strings differ")
		}
		room := append(make([]byte, 0, 6*len(s)+32), 'x')
		if string(Append(room, s)) != string(b) {
			t.Fatal("with room it differs")
		}
		for _, r := range string(b[1:]) {
			if r < ' ' || Unseen(r) {
				t.Fatalf("%q has %U", b, r)
			}
		}
	})
}

// TestAppendShort holds that texts of each length, with each byte in each place, are written
// the same whether or not there is room for many bytes at once.
func TestAppendShort(t *testing.T) {
	for length := range 20 {
		for at := range max(length, 1) {
			for c := range 256 {
				text := []byte("abcdefghijklmnopqrstuvwxyz"[:length])
				if length > 0 {
					text[at] = byte(c)
				}
				want := string(Append([]byte("x")[:1:1], text))
				if got := string(Append(append(make([]byte, 0, 64), 'x'), text)); got != want {
					t.Fatalf("%q with room: %s, want %s", text, got, want)
				}
				plain := want == `x"`+string(text)+`"`
				if got, ok := AppendPlain([]byte("x"), text); ok != plain || ok && string(got) != want || !ok && string(got) != "x" {
					t.Fatalf("%q as it is: %s, %v", text, got, ok)
				}
				if c >= ' ' && c < 0x7f && c != '"' && c != '\\' && !plain {
					t.Fatalf("%q: %s", text, want)
				}
			}
		}
	}
}

// TestAppendAllocates holds that no text is copied on the way, be it long or escaped.
func TestAppendAllocates(t *testing.T) {
	dst := make([]byte, 0, 1<<12)
	text := strings.Repeat("x\t\u202e", 100)
	if n := testing.AllocsPerRun(100, func() { dst = Append(dst[:0], text) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestNames holds that no two names of an object are the same once they are UTF-8.
func TestNames(t *testing.T) {
	var n Names
	for range 2 { // the same once they were reset
		var b []byte
		for _, name := range []string{"a", "a", "a#2", "a", "\xff", "\xfe", ""} {
			b = append(n.Append(b, []byte(name)), ' ')
		}
		if got, want := string(b), `"a" "a#2" "a#2#2" "a#3" "�" "�#2" "" `; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		n.Reset()
	}
}

// TestVisitor holds how objects, lists and maps nest, and that what comes is valid JSON
// whatever the texts are.
func TestVisitor(t *testing.T) {
	number := record.NewField("n", record.TypeInt, "", "")
	list := record.NewField("list", record.TypeList, "", "")
	pairs := record.NewField("map", record.TypeMap, "", "")
	var v Visitor
	for range 2 { // the same once it was reset
		v.Reset()
		v.Open(nil)
		v.Int(number, -1)
		v.Open(list)
		v.String(nil, "\x1b")
		v.Data(nil, []byte{0xff})
		v.Value(nil, nil, 0, 0)
		v.Value(nil, []byte{0, 0, 0, 7}, 23, 1)
		v.Value(nil, []byte{}, 17, 1)
		v.Open(nil)
		v.Close()
		v.Close()
		v.Open(pairs)
		for range 2 {
			v.Key([]byte("k"))
			v.Time(nil, 1)
		}
		v.Close()
		v.Ints([]*record.Field{number, number}, []int64{record.Unknown, 2})
		v.Close()
		const want = `{"n":-1,"list":["\u001b","\\xff",null,"7","\\x",{}],` +
			`"map":{"k":"1970-01-01T00:00:00.000000001Z","k#2":"1970-01-01T00:00:00.000000001Z"},"n":2}`
		if string(v.Buf) != want || v.Depth() != 0 {
			t.Errorf("%s\nwant %s", v.Buf, want)
		}
		if !json.Valid(v.Buf) {
			t.Error("no JSON")
		}
	}
}

func TestAppendUint(t *testing.T) {
	room := make([]byte, 1, 32)
	check := func(n uint64) {
		t.Helper()
		want := strconv.FormatUint(n, 10)
		room[0] = 'x'
		for _, dst := range [][]byte{[]byte("x")[:1:1], room, room[:1:9]} {
			if got := string(AppendUint(dst, n)); got != "x"+want {
				t.Fatalf("%d with room for %d: %s", n, cap(dst), got)
			}
		}
	}
	for n := range uint64(1e4) { // all that each half of a word may hold
		check(n)
		check(1e4*n + 9999 - n)
	}
	for n := uint64(1); ; n *= 10 {
		for _, d := range []uint64{0, 1, 9, 10, 99} {
			check(n + d)
			check(n - d)
			check(3 * (n + d))
		}
		if n == 1e19 {
			break
		}
	}
	for shift := range 64 {
		check(1<<shift - 1)
		check(1 << shift)
	}
	check(math.MaxUint64)
}
