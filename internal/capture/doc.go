// Package capture is where packets come from: capture files, plain or
// compressed, and live interfaces. Whatever the origin, it is read through the
// interface Source, one Packet at a time.
//
// # Files
//
// OpenFiles reads pcap and pcapng files in order as if they were one. What a
// file is, and how it is compressed, is told by its content, never by its name.
// A file is read once, front to back, in constant memory, so a pipe will do; a
// file that another program is still writing is read to its present end.
//
// Everything in a file is treated as hostile: no length field is believed
// before as many bytes have been seen, and every failure is a *FileError that
// says what is wrong, where, and what can be done.
//
// # Memory
//
// The bytes of a packet are borrowed: they lie in the reader's own buffer and
// are overwritten by the next call of Next. A steady flow of packets allocates
// nothing.
//
// # What it does not do
//
// It does not look into a frame (package packet does), does not filter, does
// not sort by time, and does not search for the next packet after a corrupt
// record: the capture formats have no mark to search for.
package capture
