package termsafe

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// TestEveryRune holds that every code point comes out as itself or as escapes.
func TestEveryRune(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		in := utf8.AppendRune(nil, r)
		out := Append(nil, in)
		same := bytes.Equal(in, out)
		steers := unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r) || r == 0x2028 || r == 0x2029
		if same == steers || !same && bytes.ContainsFunc(out, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Fatalf("%U: %q", r, out)
		}
	}
}

func TestWriter(t *testing.T) {
	var b bytes.Buffer
	n, err := NewWriter(&b).Write([]byte("a\x1b[2Jb\xff\xc2\x9bé\u202ec\n"))
	if got, want := b.String(), `a\x1b[2Jb\xff\xc2\x9bé\xe2\x80\xaec`+"\n"; got != want || n != 16 || err != nil {
		t.Errorf("%q %d %v", got, n, err)
	}
}

// TestJSON: a document means the same, and nothing in it steers.
func TestJSON(t *testing.T) {
	var all strings.Builder
	for r := rune(1); r <= unicode.MaxRune; r += 1 + r/0x10000 {
		all.WriteRune(r)
	}
	want := map[string]string{"k\u202e": strings.ToValidUTF8(all.String(), "")}
	var b bytes.Buffer
	e := json.NewEncoder(NewJSONWriter(&b))
	e.SetEscapeHTML(false)
	if err := e.Encode(want); err != nil {
		t.Fatal(err)
	}
	var got map[string]string
	if err := json.Unmarshal(b.Bytes(), &got); err != nil || got["k\u202e"] != want["k\u202e"] {
		t.Errorf("it means something else: %v", err)
	}
	if i := strings.IndexFunc(strings.TrimSuffix(b.String(), "\n"), Steers); i >= 0 {
		t.Errorf("%q steers", b.String()[i:i+10])
	}
	if got := Plain("a\x1b\u202e\xffé\u200d"); got != "a???é\u200d" {
		t.Errorf("%q", got)
	}
}
