package filter

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// randomExpression makes an expression of the language, from words that are
// likely to meet in one program. Not all of them compile.
func randomExpression(r *rand.Rand, depth int) string {
	if depth == 0 || r.IntN(4) == 0 {
		return randomPrimitive(r)
	}
	a := randomExpression(r, depth-1)
	switch r.IntN(8) {
	case 0:
		return "not (" + a + ")"
	case 1:
		return "(" + a + ")"
	case 2:
		return "not " + randomPrimitive(r)
	}
	op := pick(r, []string{" and ", " or ", " && ", " || "})
	b := randomExpression(r, depth-1)
	if r.IntN(2) == 0 {
		b = "(" + b + ")"
	}
	return a + op + b
}

func randomPrimitive(r *rand.Rand) string {
	dir := pick(r, []string{"", "", "src ", "dst ", "src or dst ", "src and dst "})
	port := fmt.Sprint(pick(r, portsSeen))
	switch r.IntN(12) {
	case 0, 1:
		return pick(r, []string{"", "", "tcp ", "udp ", "sctp "}) + dir + "port " + port
	case 2:
		return dir + "port " + port + " or " + fmt.Sprint(pick(r, portsSeen))
	case 3:
		return pick(r, []string{"", "tcp "}) + dir + "portrange " + fmt.Sprintf("%d-%d", pick(r, portsSeen), pick(r, portsSeen))
	case 4:
		return pick(r, []string{"", "", "ip "}) + dir + "host " + pick(r, []string{"1.2.3.4", "5.6.7.8", "10.0.0.1", "127.0.0.1"})
	case 5:
		return dir + "host " + pick(r, []string{"::1", "fe80::1", "2001:db8::5"})
	case 6:
		return dir + "net " + pick(r, []string{"10.0.0.0/8", "192.168.0.0/16", "1.2", "fe80::/10", "2001:db8::/33"})
	case 7:
		return pick(r, []string{"ip", "ip6", "tcp", "udp", "icmp", "icmp6", "ip proto 17", "ip6 proto 6", "proto 50"})
	case 8:
		return pick(r, []string{"less 80", "greater 60", "ip multicast", "ip6 multicast", "ip broadcast", "1 = 1", "2 > 3"})
	case 9:
		return pick(r, []string{"vlan", "vlan 5", "arp", "mpls", "pppoes", "ether multicast", "ether src 6:7:8:9:a:b"})
	default:
		rel := pick(r, []string{" = ", " != ", " < ", " <= ", " > ", " >= "})
		return randomArithmetic(r, 2) + rel + randomArithmetic(r, 1)
	}
}

func randomArithmetic(r *rand.Rand, depth int) string {
	if depth > 0 && r.IntN(2) == 0 {
		op := pick(r, []string{"+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>"})
		a, b := randomArithmetic(r, depth-1), randomArithmetic(r, depth-1)
		if strings.ContainsAny(op, "/%<>") {
			b = fmt.Sprint(1 + r.IntN(9))
		}
		if r.IntN(3) == 0 {
			return "(" + a + " " + op + " " + b + ")"
		}
		return a + " " + op + " " + b
	}
	switch r.IntN(4) {
	case 0:
		return fmt.Sprint(pick(r, []int{0, 1, 2, 6, 17, 0x45, 0x0f, 0x1fff, 5432, 80}))
	case 1:
		return pick(r, []string{"len", "ip[0]", "ip[9]", "ip[6:2]", "ip[12:4]", "ip6[6]", "tcp[13]", "tcp[0:2]", "udp[2:2]"})
	}
	proto := pick(r, []string{"ip", "ip", "ip6", "tcp", "udp", "icmp", "icmp6", "ether"})
	size := pick(r, []string{"", ":1", ":2", ":4"})
	return fmt.Sprintf("%s[%s%s]", proto, pick(r, []string{"0", "2", "12", "16", "ip[0] & 0xf", "4 + 4"}), size)
}
