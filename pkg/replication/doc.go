// Package replication decodes what PostgreSQL's replication connections carry:
// the commands of a walsender, the messages inside CopyData (manual: "Streaming
// Replication Protocol") and those of the output plugin pgoutput inside WALData
// (manual: "Logical Replication Message Formats", protocol versions 1 to 4).
//
// It does no I/O and knows nothing of captures. A Stream follows one connection:
// Observe takes each CopyData in the order of the wire and returns its Meaning, a
// small value that may be kept and handed to another goroutine. A Decoder makes a
// Message of the same bytes and that Meaning; it has no memory of its own, so
// that messages can be decoded where and when somebody asks for them.
//
// # State
//
// What a logical message means depends on what came before it: relations are
// described once, and between StreamStart and StreamStop each message carries a
// transaction number that others have not. Where bytes were lost, or the
// connection was joined in its middle, both forms are tried; a message that fits
// both, or none, is said to be ambiguous or malformed, never guessed. Relations
// that were described on another connection to the same database are used where
// they fit and marked as inferred; see Catalog.
//
// # Memory
//
// Messages borrow from the bytes they were decoded from. Relations are owned,
// never changed once made, and shared by all connections that described the same.
// In steady state nothing is allocated for a message. Every list has a cap, and
// what was dropped for it is counted.
//
// # What it does not do
//
// Records inside physical WAL are not looked at. Values are handed out as they
// were sent, with their type, and not converted to text.
package replication
