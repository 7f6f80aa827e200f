// Package session coordinates what is known of one captured connection: a
// decoder for each direction, one tracker and one exchange log, and inside TLS,
// with keys, a decrypter before them. Bytes and gaps go in, in causal order;
// events come out through a Handler.
//
// A Session has no I/O, no clock and no goroutine. What an Event or an Exchange
// reaches is borrowed until the handler returns. Sessions of one capture share a
// Shared, which links CancelRequests to their targets and bounds memory; a
// Shared and its sessions belong to one goroutine.
//
// A session never rejects: what is not PostgreSQL is said once and ignored from
// then on, what was lost is said where it is missing.
package session
