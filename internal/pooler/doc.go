// Package pooler pairs the two legs of a query that went through a pooler: what a client
// asked the pooler, and what the pooler therefore asked a server, where both are in the
// capture.
//
// A wrong pair is worse than none. A query of a client is paired when it is over, by
// what must then be true: the pooler had its answer from a server before, so the query
// on the server's side began and ended within it, has the same text, parameters and
// outcome, and belongs to no other. Where more than one fits, or one might that was not
// seen whole, there is no pair. Within a transaction the pooler keeps to one connection,
// so only that is looked at. That an address is a pooler's is learned from what comes
// through it (see relation).
package pooler
