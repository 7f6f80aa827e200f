package jsontext

import (
	"encoding/json"
	"strings"
	"testing"
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
	})
}
