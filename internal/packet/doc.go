// Package packet turns captured frames into TCP segments: link layers, tunnels,
// IPv4 and IPv6 with fragments, down to the TCP header.
//
// All of it is decoded by hand and allocates nothing.
//
// # Whom to believe
//
// The length in the IP header tells padding and frame check sequence from
// payload, and what the snap length cut off. Where it is 0, as hosts with
// segmentation offload write it for their largest segments, the frame's rest is
// the payload. Checksums are never looked at: on the sending host they are not
// yet computed when the capture sees the packet.
//
// # Lifetime
//
// A segment's payload is borrowed from the packet, or from the Decoder where it
// was put together from fragments, until the next Decode.
//
// # What it does not do
//
// It does not decrypt (802.11, MACsec, ESP), does not read IPv4 source routes,
// and takes fragments with the same addresses and identification for one
// datagram whatever tunnel or VLAN they came through.
package packet
