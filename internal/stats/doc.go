// Package stats adds up what a capture holds: queries by their normalised text,
// connections by user, database, application and client, errors by SQLSTATE,
// messages by name, and how long queries took.
//
// A [Stats] is fed while a capture is read and asked for a [Report] at its end,
// or at any time in between. Everything in it is bounded by [Limits]: what came
// after a limit was reached is still in the totals, is added up under Other, and
// is so said in the report. A query that is known costs no allocation.
//
// Durations are exact up to 64 calls of a query; after that they are kept in an
// HDR histogram (github.com/HdrHistogram/hdrhistogram-go), so that percentiles
// are right to 1 % for the queries that reached 64 calls first and to 6 % (or half
// a microsecond) for the others; minimum, maximum, sum and mean always are exact.
// The range of a histogram follows the query's durations. 10,000 queries of many
// calls each take about 22 MB; at worst, if each took everything from a
// microsecond to an hour and has the longest text that is kept, 70 MB.
//
// WriteTables is for terminals; other forms of a Report are up to the caller. A
// Stats is not safe for concurrent use and keeps no reference to what it is given.
// Queries are told apart by their fingerprints: two texts with the same 64 bits
// would be one.
package stats
