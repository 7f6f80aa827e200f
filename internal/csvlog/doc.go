// Package csvlog writes what a PostgreSQL server would have logged of the captured
// sessions with log_destination = csvlog (manual: "Using CSV-Format Log Output"), so
// that programs that read server logs take a capture for one: pgbadger for reports,
// pgreplay and pgreplay-go to run the statements again.
//
// Two ways of logging are offered, as a server has them. With durations (as with
// log_min_duration_statement = 0) a statement is a line when it has ended, with its
// time; with statements (as with log_statement = all) it is a line when it begins.
//
// The columns are those of versions 14 and later. What the wire does not tell is left
// out: process IDs of connections joined in the middle, transaction and query IDs.
// Durations are those of the wire, so they contain the network.
package csvlog
