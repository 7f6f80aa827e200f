// Package live tests pgsniff live as a user runs it: the program in a process
// of its own, on loopback and on virtual Ethernet in network namespaces, with a
// real PostgreSQL server, psql and pgbench. It holds tests only.
//
// The tests need the right to capture, some also to make namespaces: root, in
// short. Without it they are skipped; with CI=true they fail.
package live
