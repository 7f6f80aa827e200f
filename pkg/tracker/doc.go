// Package tracker follows a PostgreSQL connection through its phases, by the
// messages of both directions (manual: "Message Flow").
//
// Tracker observes: it takes every message that passed, keeps the outstanding
// requests in a queue, and says for each message in which phase it was sent,
// which exchange it belongs to, and what, if anything, was out of order. It
// never refuses a message; after a loss it concludes what it can and finds its
// feet again at the next ReadyForQuery.
//
// FrontendMachine and BackendMachine are the same rules for programs that speak
// the protocol themselves: Send and Receive return an error (strict) or go on
// (lenient).
//
// What it does not check: the contents of messages beyond the transaction
// status, the severity of errors and the answers to encryption requests; names
// of statements and portals; the number of columns. The memory of a Tracker is
// bounded by the number of outstanding requests, itself bounded.
package tracker
