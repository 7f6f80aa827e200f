// Package reassembly turns the TCP segments of a capture into the byte streams
// that the two ends of each connection saw (RFC 9293), for a passive observer
// who cannot ask for anything twice.
//
// An Assembler takes segments in the order of the capture, from any source (see
// pkg/fromgopacket for gopacket's), and tells a Handler of connections, of
// their bytes in order, of holes, and of the end. What it promises:
//
//   - Each byte is delivered once, in sequence; where copies differ, the first
//     one delivered stands and an AnomalyHandler is told. Of two segments that
//     wait, the one that begins earlier is delivered first, as Linux does.
//   - Order across the directions: a segment acknowledges what its sender had
//     received, and is not delivered before that is. A reply so never comes
//     before its request, even where the capture has the request later.
//   - A hole is reported as a Gap once it is certain enough that nothing will
//     fill it. Bytes that the peer acknowledged are not sent again; those are
//     given up when Config.LossSegments segments wait behind them or after
//     Config.GapTimeout. Bytes that the peer has not acknowledged are waited
//     for longer, as they will be retransmitted. Bytes that come after their
//     Gap was told are dropped and counted as Stats.Late.
//   - A connection begins with a SYN, or in the middle with the first segment
//     other than a RST or a bare FIN. A SYN of a new number on the same
//     endpoints is a new connection. Closed connections are remembered for a
//     while, so that their last acknowledgments open no new ones.
//   - A direction that is not in the capture is never waited for, nor are gaps
//     told in it. With one direction only, its FIN ends the connection; holes
//     in it are given up by the bounds of the queue and the timeout.
//
// # Lifetime
//
// Bytes handed to Handler.Data are borrowed for the call: where segments come
// in order they are the caller's own Payload, not copied. A Conn is valid until
// Handler.Close has returned. The path of segments in order allocates nothing;
// queues and connections are recycled.
//
// # Bounds
//
// Everything is bounded, see Config: what waits in a direction (256 segments,
// 1 MiB; eightfold while the peer is seen to wait too), in all of them together (64 MiB, counted by capacity and with the
// bookkeeping), and the open connections (100,000, some 300 bytes each before
// anything waits). 16,384 closed connections are remembered. At a bound the
// oldest gives way: a hole is reported as a gap, the least recently used
// connection is closed. The work for a segment is bounded by the length of one
// queue, so the time is linear whatever comes.
//
// Sequence numbers are compared as RFC 1982 says. A segment more than 1 GiB
// ahead of its stream, or 64 MiB behind, is ignored unless two more follow it:
// then the stream goes on there, after a Gap of unknown size. A RST counts
// only near the place it should be in. Time is the capture's own: steps back,
// and single packets from the future, expire nothing.
//
// # What it does not do
//
// It decodes no packets, verifies no checksums (captures made on the sending
// host have wrong ones), ignores windows, timestamps and selective
// acknowledgments, and does not check that a SYN or RST is genuine beyond its
// numbers: a forged SYN ends a connection here.
package reassembly
