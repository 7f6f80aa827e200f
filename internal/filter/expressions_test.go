package filter

import (
	"fmt"
	"strings"
)

// The expressions of the differential tests, by what they can be compiled for.

// expressionsIP work on every link type that carries IP.
var expressionsIP = lines(`
ip
ip6
tcp
udp
sctp
icmp
icmp6
igmp
pim
vrrp
ah
esp
not ip
not tcp
tcp or udp
tcp or icmp or icmp6
not (tcp or udp)
proto 6
ip proto 17
ip6 proto 58
ip6 proto 6
proto \tcp
ip proto \icmp
tcp port 5432
port 5432
tcp port postgresql
port postgresql
tcp port 5432 and 5433
tcp port (5432 or 6432)
port 80 or 443
port 80 and 443
port not 80
port 80 and (not 443)
port 5432 and (80 or 443 or not 22)
src port 5432
dst port 5432
src or dst port 5432
dst or src port 5432
src and dst port 80
tcp src port 80
udp dst port 53
sctp port 22
ip and tcp port 5432
ip6 and tcp port 5432
not port 22
tcp and not port 22
not tcp port 5432 and not udp port 53
tcp port 5432 or udp port 53 or icmp
portrange 20-100
tcp portrange 5432-5440
udp src portrange 1-1024
dst portrange 100-50
portrange 80
portrange 0-65535
tcp portrange 5432-5432 or portrange 1-10
port 1 or 2 or 3 or 4 or 5 or 53
host 1.2.3.4
src host 1.2.3.4
dst host 1.2.3.4
src 1.2.3.4
dst 5.6.7.8
src and dst 1.2.3.4
src or dst host 5.6.7.8
host 1.2.3.4 or 5.6.7.8
host 1.2.3.4 and 5.6.7.8
host 1.2.3.4 and not 5.6.7.8
host (1.2.3.4 or 5.6.7.8) and port 80
host 1.2.3.4 and port 5432
host 1.2.3.4 and (port 5432 or port 80)
host 1.2.3.4 and tcp port (5432 or 6432) and not src port 80
src host 1.2.3.4 and dst port 5432 or src host 5.6.7.8 and src port 5432
ip host 1.2.3.4
ip src 1.2.3.4
host ::1
ip6 host ::1
src host fe80::1
dst 2001:db8::5
host ::1 or fe80::1
host ::1 or 1.2.3.4
host 1.2.3.4 or ::1 or 10.0.0.1
not host ::1
net 10.0.0.0/8
net 10
net 10.0
net 1.2.3
src net 10.0.0.0/8
dst net 192.168.0.0/16
net 192.168.1.0 mask 255.255.255.0
net 10.0.0.0/8 or 192.168.0.0/16
src net 10.0.0.0/8 and dst net 10.0.0.0/8
net 0.0.0.0/0
net 0.0.0.0/1
net 1.2.3.4/32
not net 10.0.0.0/8
net fe80::/10
ip6 net 2001:db8::/32
net 2001:db8::/33
net 2001:db8::/48
net ::/0
net ff00::/8
net ::1/128
src net 2001:db8::/64 and dst net ff02::/16
host 127.0.0.1 and port 5432
ip broadcast
ip multicast
ip6 multicast
less 60
greater 60
len > 60
len <= 60
len = 60
len != 60
len >= 64 and len < 100
length > 40
1 = 1
tcp or not tcp
tcp and 1 = 1
ip[0] = 0x45
ip[0] & 0xf != 5
ip[0] & 0x0f > 5
ip[6:2] & 0x1fff = 0
ip[6:2] & 0x1fff != 0
ip[6] & 0x20 != 0
ip[8] < 100
ip[9] = 6
ip[9] = 6 or ip[9] = 17
ip[12:4] = 0x01020304
ip[12:4] & 0xffffff00 = 0x01020300
ip[16:2] = ip[12:2]
ip[12] > ip[16]
ip[12:4] > ip[16:4]
ip[12:4] <= ip[16:4]
ip[2:2] > 60
ip[2:2] - (ip[0] & 0xf) * 4 > 20
ip[len] = 1
ip[ip[0] & 0xf] = 0
ip[(ip[0] & 0xf) << 2] = 0x15
ip[0] + ip[1] = 0x45
ip[0] - 5 = 0x40
ip[0] * 2 = 0x8a
ip[0] / 16 = 4
ip[8] / ip[1] = 1
ip[0] % 16 = 5
ip[0] % 3 + 1 = 1
ip[0] ^ 0x45 = 0
ip[0] ^ 5 + 0x40 = 0
ip[0] | 0xf = 0x4f
ip[0] >> 4 = 4
ip[0] << 4 = 0x450
ip[1] << ip[8] = 0
ip[0] & 0 = 0
ip[0:4] * 0 = 0
0 * ip[0] = 0
0 - ip[0] = 0xffffffbb
-ip[0] = 0xffffffbb
1 + 2 * 3 - 4 / 2 = 5
5 + 3 > 2 * ip[8]
ip[-4:4] != 0
ip6[6] = 6
ip6[6] = 58 or ip6[6] = 17
ip6[40:2] = 5432
ip6[0] & 0xf0 = 0x60
tcp[0:2] = 5432
tcp[0:2] = 5432 or tcp[2:2] = 5432
tcp[13] & 2 != 0
tcp[tcpflags] & (tcp-syn|tcp-fin) != 0
tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn
tcp[tcpflags] = tcp-ack
tcp[12] >> 4 = 5
tcp[12] & 0xf0 = 0x50
tcp[tcp[12] >> 4] = 2
tcp[((tcp[12] & 0xf0) >> 2):4] = 0x12345678
tcp[2 + 2] = 0
tcp[-1] = 1
tcp[0] = tcp[1]
udp[0:2] = 53
udp[4:2] > 10
icmp[icmptype] = icmp-echo
icmp[icmptype] != icmp-echo and icmp[icmptype] != icmp-echoreply
icmp[0] = 8
icmp6[icmp6type] = icmp6-echo
icmp6[0] = 0x15
sctp[0:2] = 22
ether[0] = 0
link[4:4] > 100
ether[len - 1] & 1 = 1
tcp port 80 and (((ip[2:2] - ((ip[0]&0xf)<<2)) - ((tcp[12]&0xf0)>>2)) != 0)
tcp port 5432 and tcp[tcpflags] & tcp-push != 0 and not host 10.0.0.1
(ip and tcp) or (ip6 and udp)
(tcp or udp) and (port 53 or port 5432) and not (host 1.2.3.4 or host ::1)
ip and (tcp or udp) and ip[8] > 10 or ip6
not not tcp
not (not (tcp and not (port 80)))
!(tcp || udp) && ip
((((tcp))))
tcp and port 80 or udp and port 53
ip or ip6 and tcp
host 1.2.3.4 and 10.0.0.1 or 5.6.7.8
ip6 or host 1.2.3.4 or port 80
tcp port 0x1538
port 012470
len > 0x20 and len < 0100
ip[0] & 1 = 1 and ip[1] & 1 = 0 and ip[2] & 1 = 0
ip[0] = 0x45 or ip[1] = 0 or ip[0] = 0x46 or ip[1] = 1
ip[0] = 0x45 or tcp[0] = 5 or ip[0] = 0x46 or tcp[0] = 6 or ip[0] = 0x47
tcp[0] != 5 and ip[0] != 5 and tcp[0] != 6 and ip[0] != 6
port 80 or host 1.2.3.4 or port 443 or host 5.6.7.8
(port 80 or host 1.2.3.4) and (port 443 or host 5.6.7.8) and not port 22
src net 10.0.0.0/8 and dst port 5432 or dst net 10.0.0.0/8 and src port 5432
ip proto 6 and ip[6:2] & 0x1fff = 0 and tcp[0:2] = 5432
`)

// expressionsEthernet need Ethernet.
var expressionsEthernet = lines(`
arp
rarp
arp or rarp
not arp
arp host 1.2.3.4
arp src host 1.2.3.4
arp dst 5.6.7.8
rarp host 1.2.3.4
arp[6:2] = 1
arp net 1.2.3.0/24
arp and host 1.2.3.4
ether host 0:1:2:3:4:5
ether src 6:7:8:9:a:b
ether dst 00-01-02-03-04-05
ether src or dst 0001.0203.0405
ether src and dst 0:1:2:3:4:5
ether host 000102030405 and tcp
ether broadcast
broadcast
ether multicast
multicast
not broadcast and not multicast
ether proto 0x800
ether proto \ip
ether proto \arp
ether proto 5
ether proto 6
ether proto 0xfe
ether[0] & 1 = 0 and ip[16] >= 224
ether[12:2] = 0x8100
ether[12:2] > 1500
vlan
vlan 5
vlan (5)
not vlan
vlan and ip
vlan and tcp port 5432
vlan 5 and tcp port 5432
vlan 5 or vlan 6
vlan and vlan
vlan 3 and vlan 5
vlan and vlan and vlan and ip
vlan 1 and vlan and host 1.2.3.4
vlan or tcp port 80
tcp port 80 or vlan
tcp port 5432 or (vlan and tcp port 5432)
(vlan and ip) or ip6
vlan and not port 80
vlan and ip[9] = 6
vlan and tcp[tcpflags] & tcp-syn != 0
vlan and arp
vlan and ether host 0:1:2:3:4:5
vlan and ether[12:2] = 0x8100
vlan and ether[14:2] & 0xfff = 5
vlan and net fe80::/10
vlan and len > 60
mpls
mpls 5
mpls and ip
mpls and ip6
mpls and mpls
mpls 5 and mpls 6
mpls 1 and mpls 2 and host 1.2.3.4
mpls and tcp port 5432
mpls and host ::1
mpls and ip[9] = 6
vlan and mpls and tcp
pppoed
pppoes
pppoes 5
pppoes and ip
pppoes and ip6
pppoes 5 and tcp port 5432
pppoes and host 1.2.3.4
pppoes and tcp[0:2] = 5432
vlan and pppoes 3 and ip6 and port 80
vlan and pppoes 7 and mpls and ip
pppoes and mpls 5
`)

// expressionsCooked need a Linux cooked capture.
var expressionsCooked = lines(`
inbound
outbound
inbound and tcp port 5432
not outbound
arp
arp host 1.2.3.4
host 1.2.3.4 and inbound
ether proto 0x800
ether proto 6
ether proto 5
pppoes and ip
ether[0:2] = 4
`)

// expressionsRefused are refused by tcpdump, too.
var expressionsRefused = lines(`
1.2.3.4
5432
tcp 5432
ip 1.2.3.4
tcp host 1.2.3.4
tcp net 10
tcp src 80
icmp port 5
host
port
port 70000
port nosuchservice
portrange 5-
portrange
net 1.2.3.4/24
net 1.2.3.4/33
net fe80::1/10
net 1.2.3.4 mask 255.255.0.0
host 1.2.3.0/24
host 1.2.3.256
host fe80::/10
ip host ::1
ip6 host 1.2.3.4
port 1.2.3.4
proto 1.2.3.4
and tcp
tcp and
tcp or or udp
(tcp
tcp)
()
not
src or port 5
src and src 1.2.3.4
len
len >
len > tcp
len = = 5
ip[0
ip[0]
ip[]
ip[0:3] = 4
ip[0:] = 4
ip[0] = 
tcp & 5 = 0
1 / 0 = 1
1 % 0 = 1
1 << 32 = 1
ether host 1.2.3.4
ether host 5
host 1:2:3:4:5:6
tcp and (80 or 443)
tcp and 80
tcp or 1.2.3.4
vlan 4096
mpls 1048576
pppoes 65536
mpls and vlan
mpls and arp
pppoes and vlan
ah[0] = 1
ip and ip6
tcp and udp and ip6 and ip
port 80 and tcp and 1 = 2
less
less tcp
greater
len > 4294967296
len > 09
len > 0x
tcp port 5432 @
#
ip proto \nosuchproto
udp port postgresql and tcp and ip6 and ip
ip6 broadcast
arp multicast
`)

func lines(s string) []string { return strings.Split(strings.TrimSpace(s), "\n") }

// combinations joins expressions in pairs, so that the optimiser meets tests
// of one value in many orders.
func combinations(from []string, n int) []string {
	ops := []string{"%s and %s", "%s or %s", "not (%s) and (%s)", "(%s) or not (%s)", "(%s or %s) and not port 22"}
	all := make([]string, 0, n)
	for i := range n {
		a, b := from[(i*7+3)%len(from)], from[(i*13+1)%len(from)]
		all = append(all, fmt.Sprintf(ops[i%len(ops)], "("+a+")", "("+b+")"))
	}
	return all
}
