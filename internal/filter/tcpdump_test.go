package filter

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/net/bpf"
)

// reference compiles with tcpdump for a link type.
type reference struct {
	path string
	file string // tcpdump takes the link type and byte order from its header
}

func tcpdump(t *testing.T, order binary.AppendByteOrder, linkType uint16) reference {
	t.Helper()
	path, err := exec.LookPath("tcpdump")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("tcpdump is required in CI")
		}
		t.Skip("no tcpdump to compare with: ", err)
	}
	header := order.AppendUint32(nil, 0xa1b2c3d4)
	header = order.AppendUint16(header, 2)
	header = order.AppendUint16(header, 4)
	header = append(header, 0, 0, 0, 0, 0, 0, 0, 0)
	header = order.AppendUint32(header, DefaultSnaplen)
	header = order.AppendUint32(header, uint32(linkType))
	file := filepath.Join(t.TempDir(), "empty.pcap")
	if err := os.WriteFile(file, header, 0o600); err != nil {
		t.Fatal(err)
	}
	return reference{path, file}
}

func (r reference) compile(expr string, args ...string) (*Program, error) {
	return r.run(append(args, "-r", r.file, "-ddd", "--", expr)...)
}

func (r reference) run(args ...string) (*Program, error) {
	out, err := exec.Command(r.path, args...).Output()
	if err != nil {
		var failed *exec.ExitError
		if errors.As(err, &failed) {
			return nil, fmt.Errorf("tcpdump: %s", bytes.TrimSpace(failed.Stderr))
		}
		return nil, err
	}
	return ParseDDD(bytes.NewReader(out))
}

// TestSameAsTcpdump runs what tcpdump makes of an expression and what we make
// of it on the same packets.
func TestSameAsTcpdump(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	all := append(append([]string(nil), expressionsIP...), expressionsEthernet...)
	pairs := combinations(expressionsIP, 300)
	for _, c := range []struct {
		linkType    uint16
		expressions []string
	}{
		{linkEthernet, all},
		{linkEthernet, pairs},
		{linkEthernet, combinations(all, 100)},
		{linkSLL, append(append([]string(nil), expressionsIP...), expressionsCooked...)},
		{linkSLL2, append(append([]string(nil), expressionsIP...), expressionsCooked...)},
		{linkRaw, expressionsIP},
		{linkNull, expressionsIP},
		{linkLoop, expressionsIP[:100]},
		{linkIPv4, expressionsIP[:100]},
		{linkIPv6, expressionsIP[:100]},
	} {
		compareAll(t, c.linkType, c.expressions)
	}
}

func compareAll(t *testing.T, linkType uint16, expressions []string) {
	reference := tcpdump(t, binary.LittleEndian, linkType)
	packets := corpus(linkType, 1500)
	for _, expr := range expressions {
		want, wantErr := reference.compile(expr)
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
	reference := tcpdump(t, binary.LittleEndian, linkEthernet)
	for _, expr := range expressionsRefused {
		if _, err := reference.compile(expr); err == nil {
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

// TestBigEndianFile holds that NULL's address family has the file's byte order.
func TestBigEndianFile(t *testing.T) {
	reference := tcpdump(t, binary.BigEndian, linkNull)
	packets := append(corpus(linkNull, 300), corpus(linkLoop, 300)...)
	for _, expr := range []string{"ip", "ip6", "port 5432", "not ip6"} {
		want, err := reference.compile(expr)
		if err != nil {
			t.Fatal(err)
		}
		got, err := CompileWith(expr, linkNull, 0, CompileOptions{BigEndian: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range packets {
			if got.Match(p, len(p)) != want.Match(p, len(p)) {
				t.Errorf("%q: match is %v, tcpdump's is not, for % x", expr, got.Match(p, len(p)), p)
				break
			}
		}
	}
}

// TestRandomExpressions compares what nobody thought of. libpcap 1.10's
// optimiser is known to lose packets, as of (src net 2001:db8::/33 and ip6
// multicast) or net 2001:db8::/33: where the two programs differ, the one that
// tcpdump -O makes decides.
func TestRandomExpressions(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	compiled := 0
	for _, c := range []struct {
		linkType uint16
		n        int
	}{{linkEthernet, 400}, {linkRaw, 100}, {linkSLL, 100}, {linkNull, 100}} {
		reference := tcpdump(t, binary.LittleEndian, c.linkType)
		packets := corpus(c.linkType, 500)
		r := rand.New(rand.NewPCG(uint64(c.linkType), 3))
		for range c.n {
			expr := randomExpression(r, 3)
			got, err := Compile(expr, c.linkType, 0)
			if err != nil {
				continue
			}
			want, err := reference.compile(expr)
			if err != nil {
				want, err = reference.compile(expr, "-O")
			}
			if err != nil {
				t.Errorf("link type %d, %q: %v", c.linkType, expr, err)
				continue
			}
			compiled++
			compareRandom(t, reference, expr, got, want, packets)
		}
	}
	if compiled < 500 {
		t.Errorf("only %d of the expressions were compiled", compiled)
	}
}

func compareRandom(t *testing.T, reference reference, expr string, got, want *Program, packets [][]byte) {
	t.Helper()
	var plain *Program
	for _, p := range packets {
		g := got.Match(p, len(p))
		if g == want.Match(p, len(p)) {
			continue
		}
		if plain == nil {
			var err error
			if plain, err = reference.compile(expr, "-O"); err != nil {
				t.Fatal(err)
			}
		}
		if g != plain.Match(p, len(p)) {
			t.Errorf("%q: match is %v, both of tcpdump's are not, for % x\nours:\n%s\ntcpdump's:\n%s", expr, g, p, got, want)
			return
		}
	}
}

// TestLiveVLAN compares with the program that tcpdump gives to a kernel, whose
// loads of what the kernel knows are replaced by what it would say.
func TestLiveVLAN(t *testing.T) {
	reference := tcpdump(t, binary.LittleEndian, linkEthernet)
	if _, err := reference.run("-i", "lo", "-ddd", "vlan"); err != nil {
		t.Skip("tcpdump may not capture here: ", err)
	}
	packets := corpus(linkEthernet, 1000)
	for _, expr := range append(lines(liveExpressions), "inbound and vlan", "outbound", "ifindex 3 or vlan 6") {
		want, err := reference.run("-i", "lo", "-ddd", "--", expr)
		if err != nil {
			t.Errorf("%q: %v", expr, err)
			continue
		}
		got, err := CompileWith(expr, linkEthernet, 0, CompileOptions{VLANAux: true})
		if err != nil {
			t.Error(err)
			continue
		}
		for i, p := range packets {
			k := kernel{tagged: i%3 != 0, tag: uint32(i % 8), packetType: uint32(i % 5), iface: uint32(i % 4)}
			g, w := k.answer(t, got).Match(p, len(p)), k.answer(t, want).Match(p, len(p))
			if g != w {
				t.Errorf("%q: match is %v, tcpdump's %v, for %+v % x\nours:\n%s\ntcpdump's:\n%s", expr, g, w, k, p, got, want)
				break
			}
		}
	}
}

// TestStrippedVLAN holds that a live program finds on packets whose outermost
// tag the kernel took off what a file's program finds on the whole ones.
func TestStrippedVLAN(t *testing.T) {
	tagged := 0
	for _, expr := range lines(liveExpressions) {
		if !strings.HasPrefix(expr, "vlan") {
			continue
		}
		file, err := Compile(expr, linkEthernet, 0)
		if err != nil {
			t.Fatal(err)
		}
		live, err := CompileWith(expr, linkEthernet, 0, CompileOptions{VLANAux: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range corpus(linkEthernet, 1000) {
			if len(p) < 60 || binary.BigEndian.Uint16(p[12:]) != etherVLAN {
				continue
			}
			tagged++
			k := kernel{tagged: true, tag: uint32(binary.BigEndian.Uint16(p[14:]))}
			stripped := append(append([]byte(nil), p[:12]...), p[16:]...)
			got, want := k.answer(t, live).Match(stripped, len(stripped)), file.Match(p, len(p))
			if got != want {
				t.Errorf("%q: match is %v, of the whole packet %v: % x", expr, got, want, p)
				break
			}
		}
	}
	if tagged == 0 {
		t.Error("no packet had a tag")
	}
}

const liveExpressions = `
vlan
vlan 5
vlan and tcp port 5432
vlan 5 and tcp port 5432
vlan 5 and ip6
vlan and vlan
vlan 3 and vlan 5
vlan 1 and vlan and host 1.2.3.4
vlan and not port 80
vlan and arp
tcp port 5432
tcp port 5432 or (vlan and tcp port 5432)
not vlan and ip
vlan or tcp port 80
ip or vlan 5
`

// kernel is what a kernel knows about a packet.
type kernel struct {
	tagged                 bool
	tag, packetType, iface uint32
}

// answer replaces the loads of what the kernel knows by the answers.
func (k kernel) answer(t *testing.T, p *Program) *Program {
	t.Helper()
	code := p.Raw()
	for i := range code {
		if code[i].Op&^(sizeHalf|sizeByte) != codeLoad|modeAbsolute {
			continue
		}
		constant := uint32(0)
		switch code[i].K {
		case kernelVLANTagged:
			if k.tagged {
				constant = 1
			}
		case kernelVLANTag:
			if k.tagged {
				constant = k.tag
			}
		case kernelPacketType:
			constant = k.packetType
		case kernelInterface:
			constant = k.iface
		default:
			continue
		}
		code[i] = bpf.RawInstruction{Op: codeLoad | modeImmediate, K: constant}
	}
	q, err := newProgram(code)
	if err != nil {
		t.Fatal(err)
	}
	return q
}
