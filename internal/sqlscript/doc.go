// Package sqlscript writes captured queries as a script for psql that runs them again:
// prepared statements with the parameters and types that were on the wire, as PREPARE
// and EXECUTE, or under EXPLAIN in a transaction that is rolled back.
//
// SQL from a capture is anybody's text, and a script for psql can run a shell. What
// psql would take for more than a statement is not written as one, but as a comment
// that says so (sqlnorm.InScript).
package sqlscript
