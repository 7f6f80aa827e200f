// Package auth authenticates for the examples: as a frontend by password in
// clear, MD5 and SCRAM-SHA-256, as a backend by SCRAM-SHA-256 (RFC 5802, RFC
// 7677; manual: "SASL Authentication"). It needs nothing beyond the standard
// library.
//
// It knows neither channel binding nor SASLprep, so passwords beyond ASCII are
// sent as they are. Secrets are not wiped from memory.
package auth
