package termsafe

import (
	"bytes"
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
