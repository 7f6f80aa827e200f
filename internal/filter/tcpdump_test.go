package filter

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tcpdump returns a function that compiles with tcpdump for a link type.
func tcpdump(t *testing.T, linkType uint16) func(expr string) (*Program, error) {
	t.Helper()
	path, err := exec.LookPath("tcpdump")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("tcpdump is required in CI")
		}
		t.Skip("no tcpdump to compare with: ", err)
	}
	// tcpdump takes the link type and byte order from a file's header.
	header := binary.LittleEndian.AppendUint32(nil, 0xa1b2c3d4)
	header = append(header, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	header = binary.LittleEndian.AppendUint32(header, DefaultSnaplen)
	header = binary.LittleEndian.AppendUint32(header, uint32(linkType))
	file := filepath.Join(t.TempDir(), "empty.pcap")
	if err := os.WriteFile(file, header, 0o600); err != nil {
		t.Fatal(err)
	}
	return func(expr string) (*Program, error) {
		out, err := exec.Command(path, "-r", file, "-ddd", "--", expr).Output()
		if err != nil {
			var failed *exec.ExitError
			if errors.As(err, &failed) {
				return nil, fmt.Errorf("tcpdump: %s", bytes.TrimSpace(failed.Stderr))
			}
			return nil, err
		}
		return ParseDDD(bytes.NewReader(out))
	}
}

// TestSameAsTcpdump runs what tcpdump makes of an expression and what we make
// of it on the same packets.
func TestSameAsTcpdump(t *testing.T) {
	all := append(append([]string(nil), expressionsIP...), expressionsEthernet...)
	noVLAN := combinations(expressionsIP, 400)
	for _, c := range []struct {
		linkType    uint16
		expressions []string
	}{
		{linkEthernet, all},
		{linkEthernet, noVLAN},
		{linkEthernet, combinations(all, 150)},
		{linkSLL, append(append([]string(nil), expressionsIP...), expressionsCooked...)},
		{linkSLL2, append(append([]string(nil), expressionsIP...), expressionsCooked...)},
		{linkRaw, expressionsIP},
		{linkNull, expressionsIP},
		{linkLoop, expressionsIP},
		{linkIPv4, expressionsIP},
		{linkIPv6, expressionsIP},
	} {
		compareAll(t, c.linkType, c.expressions)
	}
}

func compareAll(t *testing.T, linkType uint16, expressions []string) {
	reference := tcpdump(t, linkType)
	packets := corpus(linkType, 1500)
	for _, expr := range expressions {
		want, wantErr := reference(expr)
		got, err := Compile(expr, linkType, 0)
		if (err != nil) != (wantErr != nil) {
			t.Errorf("link type %d, %q: error %v, tcpdump's %v", linkType, expr, err, wantErr)
			continue
		}
		if err != nil {
			continue
		}
		accepted, reported := 0, 0
		for _, p := range packets {
			g, w := got.Match(p, len(p)), want.Match(p, len(p))
			if w {
				accepted++
			}
			if g != w && reported < 2 {
				reported++
				t.Errorf("link type %d, %q: match is %v, tcpdump's %v, for % x\nours:\n%s\ntcpdump's:\n%s",
					linkType, expr, g, w, p, got, want)
			}
		}
		if testing.Verbose() {
			t.Logf("%3d instructions, tcpdump %3d; %5d of %d packets: %s", got.Len(), want.Len(), accepted, len(packets), expr)
		}
		if got.Len() > want.Len()+want.Len()/10+3 {
			t.Errorf("link type %d, %q: %d instructions, tcpdump needs %d", linkType, expr, got.Len(), want.Len())
		}
	}
}

// TestRefusedLikeTcpdump holds what both refuse.
func TestRefusedLikeTcpdump(t *testing.T) {
	reference := tcpdump(t, linkEthernet)
	for _, expr := range expressionsRefused {
		if _, err := reference(expr); err == nil {
			t.Errorf("%q: tcpdump compiles it", expr)
		}
		var refused *SyntaxError
		_, err := Compile(expr, linkEthernet, 0)
		if !errors.As(err, &refused) {
			t.Errorf("%q: %v, want a *SyntaxError", expr, err)
			continue
		}
		if refused.Pos < 0 || refused.Pos > len(expr) || !strings.HasPrefix(expr[refused.Pos:], refused.Token) {
			t.Errorf("%q: token %q is not at %d", expr, refused.Token, refused.Pos)
		}
	}
}
