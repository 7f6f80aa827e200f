package filter

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/bpf"
)

func mustCompile(t testing.TB, expr string, linkType uint16) *Program {
	t.Helper()
	p, err := Compile(expr, linkType, 0)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// testSystem knows a few names and no others.
func testSystem(t *testing.T, etc map[string]string) *system {
	dir := t.TempDir()
	for name, text := range etc {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	hosts := map[string][]netip.Addr{
		"db":    {netip.MustParseAddr("1.2.3.4"), netip.MustParseAddr("2001:db8::5")},
		"four":  {netip.MustParseAddr("::ffff:5.6.7.8")},
		"local": {netip.MustParseAddr("fe80::1%eth0")},
	}
	return &system{
		addresses: func(host string) ([]netip.Addr, error) {
			if a, ok := hosts[host]; ok {
				return a, nil
			}
			return nil, errors.New("no such host")
		},
		open: func(name string) (*os.File, error) { return os.Open(filepath.Join(dir, filepath.Base(name))) },
	}
}

func TestNames(t *testing.T) {
	sys := testSystem(t, map[string]string{
		"services":  "# comment\npostgresql 6000/tcp postgres # moved\nhttp 80/tcp\nodd 1/udp\nsplit 7/tcp\nsplit 8/udp\nbad x/tcp\n",
		"protocols": "tcp 6 TCP\n",
		"networks":  "lab 10.20\nwhole 192.168.7.0 alias\n",
	})
	for _, c := range []struct{ name, number string }{
		{"port postgresql", "tcp port 6000"},
		{"tcp port postgres", "tcp port 6000"},
		{"port pgbouncer", "tcp port 6432"}, // built in
		{"port domain", "port 53"},          // built in, for both protocols
		{"port odd", "udp port 1"},
		{"port split", "tcp port 7"},
		{"portrange http-postgres", "tcp portrange 80-6000"},
		{"portrange http-90", "portrange 80-90"},
		{"portrange http", "tcp portrange 80"},
		{"proto \\tcp", "proto 6"},
		{"ip proto TCP", "ip proto 6"},
		{"ip proto \\sctp", "ip proto 132"}, // built in
		{"net lab", "net 10.20"},
		{"src net alias", "src host 192.168.7.0"},
		{"host db", "host 1.2.3.4 or host 2001:db8::5"},
		{"ip host db", "ip host 1.2.3.4"},
		{"ip6 host db", "ip6 host 2001:db8::5"},
		{"arp host db", "arp host 1.2.3.4"},
		{"src four", "src 5.6.7.8"},
		{"dst local", "dst fe80::1"},
		{"host db and port postgresql", "(host 1.2.3.4 or host 2001:db8::5) and tcp port 6000"},
	} {
		got, err := compile(c.name, linkEthernet, 0, CompileOptions{}, sys)
		if err != nil {
			t.Errorf("%q: %v", c.name, err)
			continue
		}
		if want := mustCompile(t, c.number, linkEthernet); got.String() != want.String() {
			t.Errorf("%q is\n%snot what %q is\n%s", c.name, got, c.number, want)
		}
	}
	for _, expr := range []string{
		"port nosuch", "port bad", "udp port http", "portrange http-nosuch", "portrange a-b-c", "proto nosuch",
		"net nosuch", "host nosuch", "ip6 host four", "tcp host db", "ether host db", "ether proto nosuch",
	} {
		var refused *SyntaxError
		if _, err := compile(expr, linkEthernet, 0, CompileOptions{}, sys); !errors.As(err, &refused) {
			t.Errorf("%q: %v", expr, err)
		} else if !strings.HasPrefix(expr[refused.Pos:], refused.Token) || refused.Token == "" {
			t.Errorf("%q: %q is not at %d", expr, refused.Token, refused.Pos)
		}
	}
}

func TestErrorShowsThePlace(t *testing.T) {
	for _, c := range []struct{ expr, want string }{
		{"tcp prot 5432", `filter: 'prot' stands where 'and' or 'or' should
  tcp prot 5432
      ^`},
		{"tcp port", `filter: the expression ends where a name, number or address should follow
  tcp port
          ^`},
		{"tcp\tport 5432 and ip protochain 6", `filter: 'protochain' is not supported here
  tcp port 5432 and ip protochain 6
                       ^
let tcpdump compile it and use --bpf-file with the output of tcpdump -ddd`},
		{"host ä", `filter: this character means nothing here
  host ä
       ^`},
		{
			strings.Repeat("ip or ", 40) + "iq" + strings.Repeat(" or ip", 40),
			"filter: 'iq' stands where 'host', 'port' or another keyword should\n" +
				"  ..." + strings.Repeat("ip or ", 10) + "iq" + strings.Repeat(" or ip", 10)[:58] + "...\n" +
				"  " + strings.Repeat(" ", 63) + "^",
		},
	} {
		_, err := Compile(c.expr, linkEthernet, 0)
		if err == nil || err.Error() != c.want {
			t.Errorf("%q: the error is\n%v\nand should be\n%s", c.expr, err, c.want)
		}
	}
}

func TestUnsupported(t *testing.T) {
	for _, expr := range []string{
		"llc", "wlan type mgt", "ip protochain 6", "gateway gw", "iso", "type data", "isis", "byte 5 & 3",
		"ip or stp", "tcp and direction 5", "geneve 5",
	} {
		var refused *SyntaxError
		if _, err := Compile(expr, linkEthernet, 0); !errors.As(err, &refused) {
			t.Errorf("%q: %v", expr, err)
		} else if !strings.Contains(refused.Error(), "tcpdump -ddd") {
			t.Errorf("%q: no way out: %v", expr, err)
		}
	}
	for _, linkType := range []uint16{9, 105, 127, 65535} {
		if _, err := Compile("tcp", linkType, 0); err == nil || !strings.Contains(err.Error(), "tcpdump -ddd") {
			t.Errorf("link type %d: %v", linkType, err)
		}
	}
}

func TestSnaplen(t *testing.T) {
	for snaplen, want := range map[int]uint32{0: DefaultSnaplen, -1: DefaultSnaplen, 96: 96} {
		p, err := Compile("", linkEthernet, snaplen)
		if err != nil {
			t.Fatal(err)
		}
		if raw := p.Raw(); len(raw) != 1 || raw[0] != (bpf.RawInstruction{Op: codeReturn, K: want}) {
			t.Errorf("snaplen %d: %v", snaplen, raw)
		}
	}
}

// TestShort holds the lengths of programs that people use.
func TestShort(t *testing.T) {
	for expr, most := range map[string]int{
		"tcp port 5432":                          20,
		"port 5432":                              24,
		"tcp":                                    12,
		"host 1.2.3.4":                           14,
		"tcp port 5432 and host 1.2.3.4":         19,
		"tcp port (5432 or 5433 or 6432)":        28,
		"tcp portrange 5432-5440":                24,
		"net 10.0.0.0/8 and not port 22":         36,
		"tcp[tcpflags] & (tcp-syn|tcp-fin) != 0": 11,
	} {
		if n := mustCompile(t, expr, linkEthernet).Len(); n > most {
			t.Errorf("%q takes %d instructions, more than %d", expr, n, most)
		}
	}
}

// TestManyPorts goes beyond what a conditional jump reaches.
func TestManyPorts(t *testing.T) {
	packets := corpus(linkEthernet, 400)
	for _, n := range []int{50, 150, 300} {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprint(60000+7*i%5000))
		}
		list = append(list, "53", "80")
		many := mustCompile(t, "port "+strings.Join(list, " or "), linkEthernet)
		few := mustCompile(t, "port 53 or 80", linkEthernet)
		matched := 0
		for _, p := range packets {
			got, want := many.Match(p, len(p)), few.Match(p, len(p))
			if want {
				matched++
			}
			if got != want {
				t.Fatalf("with %d ports the match is %v for % x", n, got, p)
			}
		}
		if matched == 0 {
			t.Error("no packet matched")
		}
		if many.Len() > 6*n+60 {
			t.Errorf("%d ports take %d instructions", n, many.Len())
		}
	}
}

var hostile = map[string]string{
	"brackets":     strings.Repeat("(", 100000) + "tcp",
	"nots":         strings.Repeat("!", 60000) + "tcp",
	"indexes":      strings.Repeat("ip[", 20000) + "0",
	"vlan":         "vlan " + strings.Repeat("(", 60000),
	"minus":        strings.Repeat("-", 60000) + "1 = 1",
	"deep but ok":  strings.Repeat("(", 400) + "tcp" + strings.Repeat(")", 400),
	"long or":      "tcp" + strings.Repeat(" or ip", 9000),
	"many vlans":   "vlan" + strings.Repeat(" and vlan", 6000),
	"long sum":     "ip[0]" + strings.Repeat("+ip[1]", 9000) + " = 1",
	"right sum":    "ip[0]" + strings.Repeat("^ip[1]", 9000) + " = 1",
	"many ports":   "port 1" + strings.Repeat(" or 1", 10000),
	"nested index": strings.Repeat("ip[", 400) + "0" + strings.Repeat("]", 400) + " = 1",
	"nested tcp":   strings.Repeat("tcp[", 400) + "0" + strings.Repeat("]", 400) + " = 1",
	"too long":     strings.Repeat(" ", maxExpression+1),
}

// TestHostileExpressions holds that size and nesting are bounded.
func TestHostileExpressions(t *testing.T) {
	for name, expr := range hostile {
		p, err := CompileWith(expr, linkEthernet, 0, CompileOptions{VLANAux: true})
		var refused *SyntaxError
		if err != nil && !errors.As(err, &refused) {
			t.Errorf("%s: %v", name, err)
		}
		if err == nil {
			p.Match(make([]byte, 100), 100)
		} else if len(err.Error()) > 500 {
			t.Errorf("%s: the error has %d bytes", name, len(err.Error()))
		}
	}
}

// TestMatchIsStandard compares the interpreter with the one of x/net/bpf.
func TestMatchIsStandard(t *testing.T) {
	packets := corpus(linkEthernet, 300)
	run := 0
	for _, expr := range append(append([]string(nil), expressionsIP...), expressionsEthernet...) {
		p := mustCompile(t, expr, linkEthernet)
		instructions, ok := bpf.Disassemble(p.Raw())
		if !ok {
			continue // what is not in that package: ldx len, mod, xor by x
		}
		if slices.Contains(instructions, bpf.Instruction(bpf.NegateA{})) {
			continue // its interpreter cannot
		}
		vm, err := bpf.NewVM(instructions)
		if err != nil {
			continue
		}
		run++
		for _, packet := range packets {
			n, err := vm.Run(packet)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Match(packet, len(packet)); got != (n > 0) {
				t.Errorf("%q: match is %v, x/net/bpf's %d for % x\n%s", expr, got, n, packet, p)
				break
			}
		}
	}
	if run < 200 {
		t.Errorf("only %d programs were compared", run)
	}
}

func TestMatchLengthOnTheWire(t *testing.T) {
	p := mustCompile(t, "len > 1000", linkEthernet)
	if p.Match(make([]byte, 60), 60) || !p.Match(make([]byte, 60), 1500) {
		t.Error("len is not the length on the wire")
	}
}

func TestMatchAllocatesNothing(t *testing.T) {
	packets := corpus(linkEthernet, 50)
	for _, expr := range []string{"tcp port 5432", "ip[0] + ip[1] = tcp[0]"} {
		p := mustCompile(t, expr, linkEthernet)
		if n := testing.AllocsPerRun(100, func() {
			for _, packet := range packets {
				p.Match(packet, len(packet))
			}
		}); n != 0 {
			t.Errorf("%q: %v allocations", expr, n)
		}
	}
}

func TestParseDDD(t *testing.T) {
	good := mustCompile(t, "tcp port 5432", linkEthernet)
	text := fmt.Sprintln(good.Len())
	for _, in := range good.Raw() {
		text += fmt.Sprintln(in.Op, in.Jt, in.Jf, in.K)
	}
	for _, s := range []string{text, "\n" + strings.ReplaceAll(text, "\n", "\r\n\n")} {
		p, err := ParseDDD(strings.NewReader(s))
		if err != nil {
			t.Fatal(err)
		}
		if p.String() != good.String() {
			t.Errorf("read as\n%s", p)
		}
	}
	for name, s := range map[string]string{
		"empty":            "",
		"no count":         "6 0 0 0\n",
		"count zero":       "0\n",
		"count too large":  "70000\n",
		"too few":          "2\n6 0 0 0\n",
		"too many":         "1\n6 0 0 0\n6 0 0 0\n",
		"three numbers":    "1\n6 0 0\n",
		"not numbers":      "1\nret #0\n",
		"negative":         "1\n6 0 0 -1\n",
		"jump too large":   "1\n21 256 0 0\n",
		"no return":        "1\n0 0 0 5\n",
		"unknown":          "2\n255 0 0 0\n6 0 0 0\n",
		"jump out":         "2\n21 1 0 0\n6 0 0 0\n",
		"false out":        "2\n21 0 1 0\n6 0 0 0\n",
		"backwards":        "3\n0 0 0 1\n5 0 0 4294967294\n6 0 0 0\n",
		"memory":           "2\n96 0 0 16\n6 0 0 0\n",
		"divide by zero":   "2\n52 0 0 0\n6 0 0 0\n",
		"tcpdump -dd":      "{ 0x28, 0, 0, 0x0000000c },\n",
		"a very long line": strings.Repeat("1", 1<<20),
	} {
		if p, err := ParseDDD(strings.NewReader(s)); err == nil {
			t.Errorf("%s: read as\n%s", name, p)
		}
	}
	if _, err := ParseDDD(strings.NewReader("1\n6 0 0\n")); err == nil || !strings.Contains(err.Error(), "line 2") {
		t.Errorf("the error does not tell the line: %v", err)
	}
}

func BenchmarkMatch(b *testing.B) {
	request := fields{src4: 0x0a000001, dst4: 0x0a000002, proto: 6, sport: 40000, dport: 5432, body: make([]byte, 100)}
	reply := request
	reply.sport, reply.dport = request.dport, request.sport
	r := rand.New(rand.NewPCG(1, 1))
	conversation := [][]byte{
		append(linkHeader(r, linkEthernet, etherIPv4), request.ipv4()...),
		append(linkHeader(r, linkEthernet, etherIPv4), reply.ipv4()...),
	}
	for name, packets := range map[string][][]byte{"conversation": conversation, "anything": corpus(linkEthernet, 200)} {
		for _, expr := range []string{"tcp port 5432", "host 10.0.0.2 and tcp port (5432 or 6432)"} {
			p := mustCompile(b, expr, linkEthernet)
			instructions, _ := bpf.Disassemble(p.Raw())
			vm, err := bpf.NewVM(instructions)
			if err != nil {
				b.Fatal(err)
			}
			b.Run(name+"/"+expr, func(b *testing.B) {
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					packet := packets[i%len(packets)]
					p.Match(packet, len(packet))
				}
			})
			b.Run(name+"/xnet/"+expr, func(b *testing.B) {
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					if _, err := vm.Run(packets[i%len(packets)]); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		mustCompile(b, "tcp port 5432 and not host 10.0.0.1", linkEthernet)
	}
}
