// Package scram has the SASL mechanisms of PostgreSQL without any I/O: SCRAM-SHA-256
// and SCRAM-SHA-256-PLUS, both sides (RFC 5802, RFC 7677; manual: "SCRAM-SHA-256
// Authentication"), and the messages of OAUTHBEARER (RFC 7628; manual: "OAuth
// Authentication"). What it takes and returns is the data of SASLInitialResponse,
// AuthenticationSASLContinue, SASLResponse and AuthenticationSASLFinal.
//
// Client and Server are the two sides of one SCRAM exchange. Login answers whatever
// a server asks a frontend for, and is all that most programs need.
//
// Passwords are prepared as PostgreSQL does it, which differs from RFC 4013: what
// SASLprep refuses is used as it is, and some checks come in another order. For that
// reason the tables are here and not those of another module.
//
// # What it does not do
//
// It does not wipe secrets from memory, fetch tokens, or check certificates. None
// of its types is safe for concurrent use; each is for one exchange.
package scram
