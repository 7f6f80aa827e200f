// Package client is an in-memory PostgreSQL client without I/O of its own: it
// turns calls into bytes to send and received bytes into typed events. It is for
// programs that bring their own transport, event loop or scheduler, for tools and
// for tests. The program owns the socket, TLS and the timeouts.
//
// # The ready loop
//
// Each Do method returns the bytes of a request, and leaves the client busy until
// its Ready event. In between the program runs one and the same loop, for startup
// as for queries:
//
//  1. call NextEvent and handle the event, until it returns ErrNeedData;
//  2. send what Outgoing returns: the answer to an authentication request, or
//     the Sync that ends an extended query;
//  3. read from the transport and give what came to Receive.
//
// Every message of the server is one event, so that State can be followed step by
// step. The loop must take events before it reads: after a Ready event there may
// be nothing to read for hours.
//
// # Errors
//
// A *ServerError is an event. If it is recoverable, Ready follows; if not, the
// connection is over. Errors that NextEvent returns are final: *AuthError,
// *ProtocolError, *LostError, or the *ServerError that ended the connection. Do
// methods return an error, no bytes, and leave the client as it was: a *StateError
// where the state does not allow the request, or what is wrong with an argument.
//
// # Extended queries
//
// DoPrepare sends Parse, Describe and Sync; its PreparedStatement event is what
// DoBindExecute takes, which sends Bind, Execute and Sync. With a limit of rows it
// sends Flush in place of Sync, which would destroy the portal outside of a
// transaction block: after a Suspended event DoContinue fetches more and DoSync
// gives up. The same is done for COPY, during which the server would ignore a
// Sync. The Sync then comes from Outgoing, when the command is complete.
//
// # Pipelines
//
// With Config.Pipeline a request may be sent while others are being answered. Each has
// its own events, and a Ready at its end, in the order in which they were sent; the
// client is busy until the last one's.
//
// Hold has extended queries share one Sync, which the program places with DoSync: they
// are sent together or one by one, succeed or fail together, and DoFlush asks for
// answers in between. A statement that is executed before its description has come
// needs ExecuteOptions.Describe, and a PreparedStatement made by hand that has its SQL.
//
// # Text and values
//
// Strings are UTF-8 on the program's side, and in the session's client_encoding,
// as the server reports it, on the wire; the tables are those of
// golang.org/x/text, which in the East Asian encodings differ from PostgreSQL's in
// a few symbols. A client_encoding that a query changes counts for messages after
// the server's report, which comes at the query's end. COPY data and the arguments
// of function calls are passed on as they are.
//
// Row gives each value as the bytes of the wire, as the text that PostgreSQL
// prints, or as a Go value, converted by type with pgtype's Map. Startup asks for
// the formats of dates and intervals that pgtype reads.
//
// # Memory
//
// Events belong to the program, but for Row and CopyData: these are borrowed until
// the next call of NextEvent or Receive. Bytes given to Receive are copied, bytes
// that methods return belong to the caller. A Client holds one incomplete message,
// which Config.MaxMessageSize bounds, and what it was given and has not yet made
// events of.
//
// # What it does not do
//
// It does not connect, retry, time out or pool, knows no GSSAPI, SSPI or Kerberos, and
// fetches no OAuth tokens: it sends the one that it is given. It is not safe for concurrent use, but for DoCancel.
package client
