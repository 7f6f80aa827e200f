// Package overview keeps what a full-screen view shows of a capture that goes on:
// connections and what they do, normalised queries with their latest and slowest
// executions, errors, findings, replication.
//
// A [Collector] is a sink: the goroutine of the sessions tells it what happens, and it
// adds that up under a lock. Whoever draws asks for what is on the screen, a few times
// a second, and gets copies; nothing is drawn, sorted or formatted for each record.
//
// All of it is bounded, see the constants: what is not kept any more is counted, so
// that the view can say so.
package overview
