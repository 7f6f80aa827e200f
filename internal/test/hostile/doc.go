// Package hostile makes captures to test with: conversations composed packet by
// packet, streams of packets without end, and damaged copies of real captures.
// It is for tests; no package of the program may import it.
//
// Everything is deterministic: the same calls, or the same seed, make the same
// bytes. Messages are composed by hand rather than with pkg/messages, so that a
// fault there cannot hide itself.
package hostile
