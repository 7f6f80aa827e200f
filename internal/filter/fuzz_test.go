package filter

import (
	"errors"
	"net/netip"
	"os"
	"strings"
	"testing"
)

// offline answers nothing: a fuzzer must not ask name servers.
var offline = system{
	addresses: func(string) ([]netip.Addr, error) { return nil, errors.New("offline") },
	open:      func(string) (*os.File, error) { return nil, os.ErrNotExist },
}

// FuzzCompile holds that what compiles is valid, runs, and reads back, and
// that all else is refused at a place in the expression.
func FuzzCompile(f *testing.F) {
	for _, list := range [][]string{expressionsIP, expressionsEthernet, expressionsCooked, expressionsRefused} {
		for i, expr := range list {
			f.Add(expr, uint8(i), i%2 == 0)
		}
	}
	links := []uint16{linkEthernet, linkRaw, linkNull, linkLoop, linkSLL, linkSLL2, linkIPv4, linkIPv6}
	packets := map[uint16][][]byte{}
	for _, l := range links {
		packets[l] = corpus(l, 10)
	}
	f.Fuzz(func(t *testing.T, expr string, link uint8, live bool) {
		if len(expr) > 300 { // long lists cost time and find nothing
			return
		}
		linkType := links[int(link)%len(links)]
		p, err := compile(expr, linkType, 0, CompileOptions{VLANAux: live}, &offline)
		if err != nil {
			var refused *SyntaxError
			if !errors.As(err, &refused) {
				t.Fatalf("%q: %v is no *SyntaxError", expr, err)
			}
			if refused.Pos < 0 || refused.Pos > len(expr) || !strings.HasPrefix(expr[refused.Pos:], refused.Token) {
				t.Fatalf("%q: %q is not at %d", expr, refused.Token, refused.Pos)
			}
			_ = refused.Error()
			return
		}
		again, err := newProgram(p.Raw())
		if err != nil {
			t.Fatalf("%q: %v", expr, err)
		}
		for _, packet := range packets[linkType] {
			if p.Match(packet, len(packet)) != again.Match(packet, len(packet)) {
				t.Fatalf("%q: two runs differ", expr)
			}
		}
	})
}

// FuzzParseDDD holds that any program that is read runs to its end.
func FuzzParseDDD(f *testing.F) {
	f.Add("1\n6 0 0 0\n", []byte("packet"))
	f.Add("4\n40 0 0 12\n21 0 1 2048\n6 0 0 262144\n6 0 0 0\n", make([]byte, 20))
	f.Add("6\n48 0 0 0\n2 0 0 3\n97 0 0 3\n60 0 0 0\n29 0 0 0\n22 0 0 0\n", []byte{1, 2, 3})
	f.Fuzz(func(_ *testing.T, text string, packet []byte) {
		if p, err := ParseDDD(strings.NewReader(text)); err == nil {
			p.Match(packet, len(packet))
			_ = p.String()
		}
	})
}
