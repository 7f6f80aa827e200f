// Package samples holds messages of every kind, each as the bytes on the wire
// and as the struct that they decode to. The tests of several packages range
// over them: round trips, truncated prefixes, chunkings, transitions, seeds of
// fuzz targets. The bytes are put together from the manual's "Message Formats"
// and not by the code under test.
//
// A new kind gets its samples in its chapter's file; a test of pkg/messages
// fails for a kind that has none. The package is for tests alone.
package samples
