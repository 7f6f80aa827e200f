// Package otlp sends queries as spans, and totals as metrics, to OpenTelemetry
// collectors: OTLP over HTTP with JSON bodies, which every collector's otlp receiver
// takes, and the same bodies as lines for its file receiver.
//
// The bodies are written by hand. The protocol's own Go packages add 3 to 11 MB to the
// binary, most of them for what is not needed here; net/http adds 1.8 MB.
//
// Capturing never waits for a collector. What cannot be sent is kept within bounds and
// tried again; what does not fit is dropped and counted (see Dropped).
package otlp
