package filter

import "strings"

// keywords maps each spelling to the word that the parser knows.
var keywords = spelled(
	"src", "dst", "host", "net", "mask", "port", "portrange", "proto",
	"ip", "ip6", "arp", "rarp", "tcp", "udp", "sctp", "icmp", "icmp6", "igmp", "igrp",
	"pim", "vrrp", "carp", "ah", "esp",
	"less", "greater", "broadcast", "multicast", "inbound", "outbound", "ifindex",
	"vlan", "mpls", "pppoed", "pppoes", "and", "or", "not",
	"len", "length=len", "link", "ether=link", "ppp=link", "slip=link", "fddi=link", "tr=link",
)

// foreign are the keywords of pcap-filter(7) that are not compiled here: other
// link layers, protocols without a place near PostgreSQL, and protochain,
// whose programs jump backwards and which no kernel accepts.
var foreign = func() map[string]bool {
	set := map[string]bool{}
	for _, word := range strings.Fields(`protochain gateway byte
		atalk aarp decnet lat sca moprc mopdl iso esis es-is isis is-is l1 l2 iih lsp
		snp csnp psnp clnp stp ipx netbeui radio llc lane metac bcc oam oamf4 oamf4ec
		oamf4sc sc ilmic vpi vci connectmsg metaconnect on ifname rset ruleset rnr
		rulenum srnr subrulenum reason action fisu lssu lsu msu hfisu hlssu hmsu sio
		opc dpc sls hsio hopc hdpc hsls type subtype direction dir address1 addr1
		address2 addr2 address3 addr3 address4 addr4 ra ta geneve
		wlan`) {
		set[word] = true
	}
	return set
}()

func spelled(words ...string) map[string]string {
	m := make(map[string]string, len(words))
	for _, w := range words {
		spelling, word, aliased := strings.Cut(w, "=")
		if !aliased {
			word = spelling
		}
		m[spelling] = word
	}
	return m
}

// namedNumbers are the offsets and values of header fields that have names:
// ICMP (RFC 792), ICMPv6 (RFC 4443 and others) and the TCP flags (RFC 9293,
// section 3.1).
var namedNumbers = map[string]uint32{
	"icmptype": 0, "icmpcode": 1,
	"icmp-echoreply": 0, "icmp-unreach": 3, "icmp-sourcequench": 4, "icmp-redirect": 5,
	"icmp-echo": 8, "icmp-routeradvert": 9, "icmp-routersolicit": 10, "icmp-timxceed": 11,
	"icmp-paramprob": 12, "icmp-tstamp": 13, "icmp-tstampreply": 14, "icmp-ireq": 15,
	"icmp-ireqreply": 16, "icmp-maskreq": 17, "icmp-maskreply": 18,

	"icmp6type": 0, "icmp6code": 1,
	"icmp6-destinationunreach": 1, "icmp6-packettoobig": 2, "icmp6-timeexceeded": 3,
	"icmp6-parameterproblem": 4, "icmp6-echo": 128, "icmp6-echoreply": 129,
	"icmp6-multicastlistenerquery": 130, "icmp6-multicastlistenerreportv1": 131,
	"icmp6-multicastlistenerdone": 132, "icmp6-routersolicit": 133, "icmp6-routeradvert": 134,
	"icmp6-neighborsolicit": 135, "icmp6-neighboradvert": 136, "icmp6-redirect": 137,
	"icmp6-routerrenum": 138, "icmp6-nodeinformationquery": 139,
	"icmp6-nodeinformationresponse": 140, "icmp6-ineighbordiscoverysolicit": 141,
	"icmp6-ineighbordiscoveryadvert": 142, "icmp6-multicastlistenerreportv2": 143,
	"icmp6-homeagentdiscoveryrequest": 144, "icmp6-homeagentdiscoveryreply": 145,
	"icmp6-mobileprefixsolicit": 146, "icmp6-mobileprefixadvert": 147,
	"icmp6-certpathsolicit": 148, "icmp6-certpathadvert": 149,
	"icmp6-multicastrouteradvert": 151, "icmp6-multicastroutersolicit": 152,
	"icmp6-multicastrouterterm": 153,

	"tcpflags": 13,
	"tcp-fin":  0x01, "tcp-syn": 0x02, "tcp-rst": 0x04, "tcp-push": 0x08,
	"tcp-ack": 0x10, "tcp-urg": 0x20, "tcp-ece": 0x40, "tcp-cwr": 0x80,
}
