// Package findings concludes from what a capture shows what is wrong: with the
// client, the server, the network, the security of connections.
//
// An [Engine] takes query cycles, messages, the ends of connections and what the
// network did, in the order of the capture, and keeps a little for each
// connection, application and statement. Each detector is a file of its own: it
// collects what may become a finding under a key, so that one illness is one
// finding however often it occurs, and has the last word on whether it is one, how
// grave, and what to say of it. What one cause explains is not told twice.
//
// Nothing of a value, a parameter or a password gets into a finding: statements
// are shown normalised.
package findings
