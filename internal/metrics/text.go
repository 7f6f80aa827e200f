package metrics

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Metric describes one metric of the exposition.
type Metric struct{ Name, Type, Help string }

// The metrics, in the order of the exposition. Names, units and suffixes follow
// Prometheus' conventions.
var (
	queryDuration = Metric{"pgsniff_query_duration_seconds", "histogram", "Time from the first byte of a request to the last of its reply."}
	queriesTotal  = Metric{"pgsniff_queries_total", "counter", "Queries."}
	failedTotal   = Metric{"pgsniff_query_errors_total", "counter", "Queries that ended in an error."}
	rowsTotal     = Metric{"pgsniff_query_rows_total", "counter", "Rows sent."}
	bytesTotal    = Metric{"pgsniff_query_bytes_total", "counter", "Bytes of rows sent."}
	unfinished    = Metric{"pgsniff_queries_incomplete_total", "counter", "Queries of which not everything was seen."}
	skippedTotal  = Metric{"pgsniff_queries_skipped_total", "counter", "Requests that the server passed over after an error."}
	errorsTotal   = Metric{"pgsniff_errors_total", "counter", "Queries that ended in an error, by SQLSTATE."}
	connections   = Metric{"pgsniff_connections", "gauge", "Connections that are open."}
	connsTotal    = Metric{"pgsniff_connections_total", "counter", "Connections that were seen."}
	packetsTotal  = Metric{"pgsniff_packets_total", "counter", "Packets captured."}
	capturedTotal = Metric{"pgsniff_captured_bytes_total", "counter", "Bytes captured."}
	lostTotal     = Metric{"pgsniff_lost_bytes_total", "counter", "Bytes of connections that were not captured."}
	retransmitted = Metric{"pgsniff_retransmitted_bytes_total", "counter", "Bytes that were sent more than once."}
	droppedTotal  = Metric{"pgsniff_kernel_dropped_packets_total", "counter", "Packets that the kernel had no room for."}
	All           = []Metric{queryDuration, queriesTotal, failedTotal, rowsTotal, bytesTotal, unfinished, skippedTotal, errorsTotal, connections, connsTotal, packetsTotal, capturedTotal, lostTotal, retransmitted, droppedTotal}
)

// WriteText writes a snapshot in Prometheus' text format.
func (s *Snapshot) WriteText(to io.Writer) error {
	w := &text{bufio.NewWriter(to)}
	w.head(queryDuration)
	for i := range s.Series {
		w.histogram(&s.Series[i])
	}
	for _, m := range []struct {
		Metric
		value func(*Series) uint64
	}{
		{queriesTotal, func(s *Series) uint64 { return s.Calls }},
		{failedTotal, func(s *Series) uint64 { return s.Errors }},
		{rowsTotal, func(s *Series) uint64 { return s.Rows }},
		{bytesTotal, func(s *Series) uint64 { return s.Bytes }},
		{unfinished, func(s *Series) uint64 { return s.Unfinished }},
		{skippedTotal, func(s *Series) uint64 { return s.Skipped }},
	} {
		w.head(m.Metric)
		for i := range s.Series {
			w.sample(m.Name, s.Series[i].labels(), m.value(&s.Series[i]))
		}
	}
	w.head(errorsTotal)
	for _, e := range s.Errors {
		w.sample(errorsTotal.Name, labels("database", e.Database, "sqlstate", e.State), e.Count)
	}
	w.head(connections)
	for _, c := range s.Connections {
		w.sample(connections.Name, c.labels(), uint64(c.Open))
	}
	w.head(connsTotal)
	for _, c := range s.Connections {
		w.sample(connsTotal.Name, c.labels(), c.Total)
	}
	w.totals(s)
	return w.Flush()
}

func (w *text) totals(s *Snapshot) {
	for _, m := range []struct {
		Metric
		value uint64
	}{
		{packetsTotal, s.Totals.Packets},
		{capturedTotal, s.Totals.Bytes},
		{lostTotal, s.Totals.LostBytes},
		{retransmitted, s.Totals.RetransmittedBytes},
		{droppedTotal, s.Totals.KernelDropped},
	} {
		w.head(m.Metric)
		w.sample(m.Name, "", m.value)
	}
}

type text struct{ *bufio.Writer }

func (w *text) head(m Metric) {
	fmt.Fprintf(w, "# HELP %s %s\n# TYPE %s %s\n", m.Name, m.Help, m.Name, m.Type)
}

func (w *text) sample(name, labels string, v uint64) {
	if labels != "" {
		labels = "{" + labels + "}"
	}
	fmt.Fprintf(w, "%s%s %d\n", name, labels, v)
}

func (w *text) histogram(s *Series) {
	l := s.labels()
	n := uint64(0)
	for i, count := range s.Buckets {
		n += count
		le := "+Inf"
		if i < len(Bounds) {
			le = strconv.FormatFloat(Bounds[i], 'g', -1, 64)
		}
		w.sample(queryDuration.Name+"_bucket", l+`,le="`+le+`"`, n)
	}
	fmt.Fprintf(w, "%s_sum{%s} %s\n", queryDuration.Name, l, strconv.FormatFloat(float64(s.Sum)/1e9, 'g', -1, 64))
	w.sample(queryDuration.Name+"_count", l, n)
}

func (s *Series) labels() string {
	l := s.Who.labels() + "," + labels("query", s.Class)
	if s.Fingerprint != 0 {
		return l + "," + labels("fingerprint", fmt.Sprintf("%016x", s.Fingerprint))
	}
	return l + "," + labels("fingerprint", other)
}

func (w Who) labels() string {
	if w.Schema != "" { // an empty label is none
		return labels("database", w.Database, "schema", w.Schema, "user", w.User, "application", w.Application)
	}
	return labels("database", w.Database, "user", w.User, "application", w.Application)
}

// labels writes names and values. What is not UTF-8 in a value becomes U+FFFD: the
// format has no other text.
func labels(pairs ...string) string {
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(pairs[i])
		b.WriteString(`="`)
		for _, r := range pairs[i+1] { // invalid bytes range as utf8.RuneError
			switch r {
			case '"', '\\':
				b.WriteByte('\\')
				b.WriteRune(r)
			case '\n':
				b.WriteString(`\n`)
			default:
				b.WriteRune(r)
			}
		}
		b.WriteByte('"')
	}
	return b.String()
}
