// Package attach reads what PostgreSQL servers of this host read from and write to
// their clients, where the servers themselves do: in clear, whatever the
// connection's encryption, and on Unix sockets, too.
//
// eBPF programs on the functions secure_read and secure_write of the server's
// program copy the bytes that these functions returned or took. The functions are in
// the dynamic symbol table of every build, stripped ones included, and have had the
// same parameters since PostgreSQL 9.5. The programs only read. They belong to the
// file of the server's program: every process that runs it, started before or
// after, is covered. They go with the process that attached them, however it ends.
//
// Of processes that are no servers, poolers and clients, programs on SSL_read and
// SSL_write of OpenSSL do the same, for the connections that speak PostgreSQL's protocol.
//
// A Source gives Events in order: of each connection in the order in which its
// backend made them, both directions in one. What could not be passed on, because
// its reader was too slow, is counted and becomes a gap in its place.
//
// Linux from 5.8 on, on amd64 and arm64, as root or with CAP_BPF and CAP_PERFMON.
// On other systems Open says so.
package attach
