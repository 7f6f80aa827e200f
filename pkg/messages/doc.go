// Package messages is the vocabulary of PostgreSQL's protocol 3.0 and 3.2: the
// two directions, the phases of a connection, one table of all kinds of message,
// and a type for each with its fields (manual: "Message Formats"). Of version 2
// it recognises the startup packet and the error that refuses it.
//
// A message type has three methods besides Kind. Decode reads a body, what
// follows type byte and length; Append writes the complete message; Visit names
// each field once, with the names of the JSON output. What Decode accepts,
// Append writes again byte for byte, unknown error fields and parameters sent
// twice included.
//
// # Memory
//
// Decode copies nothing: the byte slices of a message are borrowed from the body
// and valid as long as that is. A struct can be decoded into again and again; it
// keeps the capacity of its lists, and in steady state nothing is allocated. A
// list grows with the bytes that are there, never with the count that a message
// claims. nil stands for NULL, or for what was not sent; a slice that is empty
// and not nil was sent empty.
//
// # Damaged input
//
// Decode never panics. It returns a *DecodeError for a body that does not have
// its message's format, with the fields up to the fault set; VisitDecoded visits
// those. WellFormed is the stricter question whether bytes of unknown meaning
// are such a message.
//
// # What it does not do
//
// It does not find messages in a stream (package codec does) nor judge their
// order (package tracker). It does not convert: text stays in the encoding of
// the session and binary values stay as sent. Append does not check what a
// program filled in; Encodable does.
package messages
