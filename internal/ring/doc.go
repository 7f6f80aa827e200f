// Package ring receives packets from Linux's packet sockets through a ring of
// blocks that the kernel shares with the program (PACKET_RX_RING with
// TPACKET_V3, packet(7)), without cgo and without a copy.
//
// Open makes the socket for no protocol, sets its filter and its ring, and
// binds it last, so that no packet comes in that the filter would refuse. The
// kernel fills block after block; a block is handed over when it is full or some
// tens of milliseconds after its first packet. Next walks through the packets of
// the blocks that were handed over, and Wait sleeps until there is one.
//
// # Lifetime
//
// A packet's bytes lie in the ring. They are borrowed until the next call of
// Next or Close, when the kernel may write on.
//
// # What it does not do
//
// It knows nothing of protocols, does not merge several rings, and does not
// follow an interface that goes away: State and Rebind are for those who do. It
// needs CAP_NET_RAW to open, nothing afterwards. On other systems than Linux the
// package is empty.
package ring
