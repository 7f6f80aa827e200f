// Package tlsdecrypt removes TLS record protection from captured connections,
// given the secrets that an endpoint wrote to an NSS key log.
//
// A KeyLog holds secrets, for any number of connections and goroutines; files
// are followed as they grow. A Conn is one TLS connection: it is fed the bytes
// of both directions in the order of the capture and gives a Sink the
// application data, with gaps where some is missing. What is known about the
// connection, decrypted or not, is in its Info.
//
// # Scope
//
// TLS 1.3 with AES-GCM and ChaCha20-Poly1305; TLS 1.2 with these and with
// AES-CBC and 3DES-CBC, MAC-then-encrypt and encrypt-then-MAC; TLS 1.0 and 1.1
// with the CBC suites. Resumption by id, ticket and PSK, HelloRetryRequest,
// KeyUpdate, client certificates and renegotiation are followed. CCM, RC4 and
// other suites, compression and SSL 3.0 are reported as unsupported. 0-RTT data
// is counted, not decrypted. The RSA lines of old key logs, which hold premaster
// secrets, are ignored.
//
// # Authenticity
//
// Nothing is handed out that is not authentic under its key: a damaged record,
// and a record of which a byte was not captured, is a gap as a whole. Where no
// secret fits, there is no output at all.
//
// # Loss
//
// After a loss, the next record is found by the form of its header, and its
// sequence number by trying those that are possible, and the first ones under
// the following key. A direction in which 16 records in a row fit nothing is
// given up; the other goes on. All trials of a connection together decrypt at
// most 32 MiB and 32 bytes for each byte that was fed.
//
// # Keys that come late
//
// From the first record whose key is missing on, the records of both directions
// are held in their order, up to Options.HoldBytes for a connection and 32 MiB
// for all of a KeyLog, and decrypted when the key has come. What is beyond that
// is dropped, counted, and later a gap.
//
// # Memory
//
// A Conn buffers at most one incomplete record for each direction, one
// incomplete handshake message of up to 128 KiB, and what it holds. Plaintext is
// written to a reused buffer, and nothing is allocated for a record. Plaintext
// and secrets are never written anywhere.
package tlsdecrypt
