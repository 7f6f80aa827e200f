package app

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/pgsniff/pgsniff/internal/capture"
)

// machine runs a program as kernels do.
func machine(t *testing.T, code []bpf.RawInstruction) func([]byte) int {
	t.Helper()
	list, ok := bpf.Disassemble(code)
	if !ok {
		t.Fatalf("not all of it can be disassembled: %v", list)
	}
	vm, err := bpf.NewVM(list)
	if err != nil {
		t.Fatal(err)
	}
	return func(b []byte) int {
		n, err := vm.Run(b)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
}

// TestBoth compares programs one after the other with the joined one.
func TestBoth(t *testing.T) {
	first := []bpf.Instruction{
		bpf.LoadAbsolute{Off: 0, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 1, SkipTrue: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 2, SkipTrue: 2},
		bpf.RetConstant{Val: 0},
		bpf.RetConstant{Val: 7},
		bpf.LoadAbsolute{Off: 1, Size: 1},
		bpf.RetA{},
	}
	second := []bpf.Instruction{
		bpf.LoadAbsolute{Off: 2, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 5, SkipFalse: 1},
		bpf.RetConstant{Val: 99},
		bpf.RetConstant{Val: 0},
	}
	assemble := func(list []bpf.Instruction) []bpf.RawInstruction {
		code, err := bpf.Assemble(list)
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
	a, b := assemble(first), assemble(second)
	runA, runB, run := machine(t, a), machine(t, b), machine(t, both(a, b))
	accepted := 0
	for x := range byte(4) {
		for y := range byte(3) {
			for z := byte(4); z < 7; z++ {
				packet := []byte{x, y, z}
				want := 0
				if runA(packet) != 0 {
					want = runB(packet)
				}
				if got := run(packet); got != want {
					t.Errorf("% x: %d, want %d", packet, got, want)
				}
				if want != 0 {
					accepted++
				}
			}
		}
	}
	if accepted != 3+2 {
		t.Errorf("%d accepted: the test is wrong", accepted)
	}
	if got := both(nil, b); len(got) != len(b) {
		t.Errorf("without a first program: %d instructions, want %d", len(got), len(b))
	}
}

func TestPortExpression(t *testing.T) {
	cases := []struct {
		ports []string
		want  string
	}{
		{[]string{"5432"}, "port 5432"},
		{[]string{"5432", "6432-6435", "1"}, "port 5432 or portrange 6432-6435 or port 1"},
		{[]string{"65534-65535"}, "portrange 65534-65535"},
		{[]string{"5432", "5433"}, "portrange 5432-5433"},
	}
	for _, c := range cases {
		list, err := (&portFlags{Ports: c.ports}).ports()
		if err != nil {
			t.Fatal(err)
		}
		if got := portExpression(list); got != c.want {
			t.Errorf("%q: %q, want %q", c.ports, got, c.want)
		}
	}
}

// ethernet builds a frame: tags and type, then an IP packet.
func ethernet(header string, ip []byte) []byte {
	return append(append(make([]byte, 12), header...), ip...)
}

// ip4 is an IPv4 packet with ports; offset is its place among fragments.
func ip4(protocol byte, offset uint16, src, dst uint16) []byte {
	b := make([]byte, 40)
	b[0], b[9] = 0x45, protocol
	binary.BigEndian.PutUint16(b[2:], 40)
	binary.BigEndian.PutUint16(b[6:], offset)
	binary.BigEndian.PutUint16(b[20:], src)
	binary.BigEndian.PutUint16(b[22:], dst)
	return b
}

// ip6 is an IPv6 packet with ports, behind a fragment header if offset is not 0.
func ip6(protocol byte, fragment bool, src, dst uint16) []byte {
	b := make([]byte, 40, 68)
	b[0], b[6] = 0x60, protocol
	if fragment {
		b[6] = 44
		b = append(b, protocol, 0, 0x10, 0, 0, 0, 0, 1)
	}
	b = binary.BigEndian.AppendUint16(b, src)
	b = binary.BigEndian.AppendUint16(b, dst)
	return append(b, make([]byte, 16)...)
}

const tcp, udp = 6, 17

// filterPackets are packets with tags and fragments, and the options that take
// them: "kernel" is -f where the kernel keeps the outer tag beside the packet.
var filterPackets = func() []filterPacket {
	const (
		v4   = "\x08\x00"
		v6   = "\x86\xdd"
		vlan = "\x81\x00\x00\x07"
		qinq = "\x88\xa8\x00\x01"
	)
	return []filterPacket{
		{"to the server", ethernet(v4, ip4(tcp, 0, 40000, 5432)), "default any -f kernel"},
		{"from the server", ethernet(v4, ip4(tcp, 0, 5432, 40000)), "default any -f kernel"},
		{"another port", ethernet(v4, ip4(tcp, 0, 40000, 80)), "any"},
		{"UDP", ethernet(v4, ip4(udp, 0, 40000, 5432)), ""},
		{"ARP", ethernet("\x08\x06", make([]byte, 40)), ""},
		{"IPv6", ethernet(v6, ip6(tcp, false, 40000, 5432)), "default any"},
		{"IPv6, another port", ethernet(v6, ip6(tcp, false, 40000, 80)), "any"},
		{"first fragment", ethernet(v4, ip4(tcp, 0x2000, 40000, 5432)), "default any -f kernel"},
		{"first fragment, another port", ethernet(v4, ip4(tcp, 0x2000, 40000, 80)), "any"},
		{"later fragment", ethernet(v4, ip4(tcp, 185, 0, 0)), "default any -f kernel"},
		{"later fragment of UDP", ethernet(v4, ip4(udp, 185, 5432, 5432)), ""},
		{"IPv6 fragment", ethernet(v6, ip6(tcp, true, 0, 0)), "default any"},
		{"IPv6 fragment of UDP", ethernet(v6, ip6(udp, true, 5432, 5432)), ""},
		{"VLAN", ethernet(vlan+v4, ip4(tcp, 0, 40000, 5432)), "default any kernel"},
		{"VLAN, another port", ethernet(vlan+v4, ip4(tcp, 0, 40000, 80)), "any"},
		{"VLAN, IPv6", ethernet(vlan+v6, ip6(tcp, false, 5432, 40000)), "default any"},
		{"VLAN, later fragment", ethernet(vlan+v4, ip4(tcp, 185, 0, 0)), "default any kernel"},
		{"VLAN, UDP", ethernet(vlan+v4, ip4(udp, 0, 40000, 5432)), ""},
		{"VLAN in VLAN", ethernet(qinq+vlan+v4, ip4(tcp, 0, 40001, 5432)), "default any"},
		{"VLAN in VLAN, another port", ethernet(qinq+vlan+v4, ip4(tcp, 0, 40001, 80)), "any"},
	}
}()

type filterPacket struct {
	name string
	data []byte
	want string
}

func (p *filterPacket) takenBy(option string) bool {
	return slices.Contains(strings.Fields(p.want), option)
}

// filterOptions are the options that filterPackets speak of.
var filterOptions = map[string]Options{
	"default": {portFlags: portFlags{Ports: []string{"5432"}}},
	"any":     {portFlags: portFlags{AnyPort: true}},
	"-f":      {portFlags: portFlags{Ports: []string{"5432"}}, kept: keptFlags{filter: "ip"}},
}

// TestKernelFilter runs the programs for an ordinary link.
func TestKernelFilter(t *testing.T) {
	for name, o := range filterOptions {
		k, err := newKernelFilter(&o.portFlags, &o.kept, 0)
		if err != nil {
			t.Fatal(err)
		}
		code, err := k.program(capture.FilterTarget{LinkType: linkEthernet})
		if err != nil {
			t.Fatal(err)
		}
		run := machine(t, code)
		for _, p := range filterPackets {
			want := 0
			if p.takenBy(name) {
				want = wholePacket
			}
			if got := run(p.data); got != want {
				t.Errorf("%s: %s: %d, want %d", name, p.name, got, want)
			}
		}
	}
}

// TestKernelFilterAlone takes exactly what a filter matches, if no port is asked
// for: tunnels have none on the outside.
func TestKernelFilterAlone(t *testing.T) {
	k, err := newKernelFilter(&portFlags{AnyPort: true}, &keptFlags{filter: "udp port 4789"}, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, linkType := range []uint16{linkEthernet, linkRaw} {
		code, err := k.program(capture.FilterTarget{LinkType: linkType})
		if err != nil {
			t.Fatal(err)
		}
		run := machine(t, code)
		vxlan, other := ip4(udp, 0, 1, 4789), ip4(tcp, 0, 1, 5432)
		if linkType == linkEthernet {
			vxlan, other = ethernet("\x08\x00", vxlan), ethernet("\x08\x00", other)
		}
		if got := run(vxlan); got != 100 {
			t.Errorf("link type %d: VXLAN: %d, want the snap length", linkType, got)
		}
		if got := run(other); got != 0 {
			t.Errorf("link type %d: TCP: %d", linkType, got)
		}
	}
}
