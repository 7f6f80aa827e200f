// Package filter compiles tcpdump's filter language, as pcap-filter(7)
// describes it, to programs of the classic BPF machine, in Go alone.
//
// A [Program] runs in two places: Raw gives it to a kernel (SO_ATTACH_FILTER),
// and Match runs it on packets of a file. Match follows libpcap where the two
// differ: a load past the captured bytes refuses the packet.
//
// Programs accept the packets that tcpdump's accept, those cut short within
// their headers included: the tests compare the two on thousands of packets for
// some hundred expressions, given and random. That means to keep what is odd in
// the language:
//
//   - "and" and "or" bind equally and to the left;
//   - vlan, mpls and pppoes move the headers for all that follows them in the
//     text, also behind "or" and "not";
//   - tcp, udp and their ports are looked for behind IPv6's fixed header only,
//     a protocol's name alone behind one fragment header, too;
//   - ports match the first fragment of an IPv4 packet only;
//   - tcp[...] and its kin mean IPv4;
//   - in arithmetic only the leftmost operand brings the test for its protocol.
//
// Known differences, all on purpose: "& 0xffffffff = 0" tests what it says,
// len / ip[0] compiles, brackets around identifiers nest freely, and packets that
// libpcap's optimiser loses are not lost, such as those of
//
//	(src net 2001:db8::/33 and ip6 multicast) or net 2001:db8::/33
//
// from that network: there tcpdump -O agrees with this package.
//
// Not supported, and refused with a *[SyntaxError] that says so: link layers
// other than Ethernet, raw IP, BSD loopback and Linux cooked captures; the
// keywords for other link layers and for protocols long gone; protochain and
// gateway. [ParseDDD] reads what tcpdump -ddd made of such an expression.
package filter
