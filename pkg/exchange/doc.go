// Package exchange joins the messages of a connection to query cycles: what was
// asked, with which parameters, what was answered, how fast and how much.
//
// A Log takes the messages of one connection in causal order, each with the
// Step that the tracker made of it, and hands every finished Exchange to a
// Handler. It remembers prepared statements, portals and the types of
// parameters and columns, so that an Execute carries the SQL of its Parse.
//
// An Exchange and all it reaches are borrowed until the handler returns.
// Statements live as long as PostgreSQL keeps them: they are never forgotten by
// a timer. What was not seen is told apart from what was concluded (Missing).
package exchange
