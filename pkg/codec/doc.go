// Package codec cuts byte streams of the PostgreSQL protocol into messages.
//
// It has two users, and a decoder for each. Both decode one direction, copy
// nothing of a message that lies within one chunk, allocate nothing per message
// in steady state, and give the same messages whatever the chunks.
//
// Decoder is for programs that speak the protocol: drivers, proxies, poolers,
// test tools. It is strict: what cannot be framed is an error. To write
// messages, use the Append methods of package messages.
//
// Stream is for bytes that were captured from somebody else's connection. It is
// lenient: messages of undefined types pass, a message with missing bytes is
// reported as truncated, and where the boundaries are lost it searches the next
// one and tells how many bytes it passed over.
//
// # Framing
//
// The phase of the connection decides how a message begins: with a type byte and
// a length, with a length alone (startup packets), or as a single byte (answers
// to SSLRequest and GSSENCRequest). The phase is an argument or a property; this
// package does not follow the connection and does not know what is in order.
//
// # Searching a boundary
//
// After lost bytes, in a stream that was joined in the middle, and after a header
// that is none, a Stream looks for a chain of messages: well-formed ones of kinds
// that can follow one another, up to the end of what is there. How much is asked
// of the chain depends on its place. One that covers whole segments of a sender
// that had no more to say is believed at once; one in the middle of data must
// hold for 2 KiB and several messages, since values may contain what looks like
// messages. Then the messages are reported from the chain's first on, those
// included that came while it was examined, so that as a rule nothing is lost
// but the message that was cut.
//
// A wrong message is taken to be worse than a missed one. What cannot be told
// from a message, and is reported as such, is a value that consists of whole
// messages up to the very end of its own message, whose beginning is lost. What
// is missed, as a rule at most, are a few messages up to where the sender paused
// next, in data without a pause nothing, or 3 messages if they are larger than
// 64 KiB.
//
// The search holds at most 64 KiB, of which only what a chain may still need,
// and takes time linear in the bytes, for endless garbage too.
package codec
