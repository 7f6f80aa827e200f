// Package pcapngw writes captured packets to pcapng files
// (draft-ietf-opsawg-pcapng), one section each, with several interfaces and
// times in nanoseconds.
//
// A [Writer] collects blocks in memory and hands them to the operating system
// in whole, so that after a crash or on a full disk the file is whole but for
// what was not yet flushed. It writes when its buffer is full and when told to:
// whoever captures calls Flush when no packet is waiting.
//
// With a limit on size or time it goes on to a new file at the limit, and with
// a limit on the number of files it removes the oldest of its own. The files
// are then named as dumpcap names them: for the path trace.pcapng these are
// trace_00001_20261121093000.pcapng, trace_00002_…, with the local time at
// which the file was begun. Without those limits the path is the file. Each file
// stands for itself: interfaces and the decryption secrets so far are in all of
// them. New files are readable by their owner alone; an existing one is
// overwritten and keeps its permissions.
//
// The package does not read pcapng, and a Writer is not safe for use by several
// goroutines at once.
package pcapngw
