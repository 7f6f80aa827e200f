// Package timeline writes connections, transactions and queries as trace events, the
// JSON that Perfetto (ui.perfetto.dev), speedscope and Chrome's tracing draw as a
// timeline: a track for each connection, grouped by server, on it transactions with
// their queries within, and what was lost on the way and what the network did as marks.
//
// Times are microseconds since the first record, whose time is in the file's
// otherData: viewers reckon in floating point, which is not exact for times of day.
package timeline
