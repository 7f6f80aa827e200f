package otlp

import (
	"fmt"

	"github.com/pgsniff/pgsniff/internal/metrics"
)

// cumulative is OTLP's number of the temporality: sums since the start.
const cumulative = 2

// points writes metrics.
type points struct{ *batch }

// write writes a snapshot: the conventions' histogram of durations, and counters.
func (p *points) write(s *metrics.Snapshot) {
	if s.Now == 0 {
		return // nothing was seen
	}
	p.durations(s)
	p.counter(s, "pgsniff.query.errors", "{error}", "Queries that ended in an error.", func(v *metrics.Series) uint64 { return v.Errors })
	p.counter(s, "pgsniff.query.rows", "{row}", "Rows sent.", func(v *metrics.Series) uint64 { return v.Rows })
	p.counter(s, "pgsniff.query.bytes", "By", "Bytes of rows sent.", func(v *metrics.Series) uint64 { return v.Bytes })
	p.connections(s)
	for _, m := range [...]struct {
		name, unit, about string
		value             uint64
	}{
		{"pgsniff.packets", "{packet}", "Packets captured.", s.Totals.Packets},
		{"pgsniff.captured", "By", "Bytes captured.", s.Totals.Bytes},
		{"pgsniff.lost", "By", "Bytes of connections that were not captured.", s.Totals.LostBytes},
		{"pgsniff.retransmitted", "By", "Bytes that were sent more than once.", s.Totals.RetransmittedBytes},
		{"pgsniff.kernel_dropped", "{packet}", "Packets that the kernel had no room for.", s.Totals.KernelDropped},
	} {
		p.head(m.name, m.unit, m.about, "sum", true)
		p.point(s, func(attributes) {})
		p.unsigned("asInt", m.value)
		p.close('}')
		p.foot()
	}
}

// head begins a metric and its points.
func (p *points) head(name, unit, about, kind string, monotonic bool) {
	p.item()
	p.string("name", name)
	p.string("unit", unit)
	p.string("description", about)
	p.member(kind, '{')
	if kind != "gauge" {
		p.number("aggregationTemporality", cumulative)
	}
	if kind == "sum" {
		p.bool("isMonotonic", monotonic)
	}
	p.member("dataPoints", '[')
}

func (p *points) foot() {
	p.close(']')
	p.close('}')
	p.close('}')
}

// point begins a point; its value follows.
func (p *points) point(s *metrics.Snapshot, about func(a attributes)) {
	p.element('{')
	p.member("attributes", '[')
	about(attributes{&p.object})
	p.close(']')
	p.long("startTimeUnixNano", s.Started)
	p.long("timeUnixNano", s.Now)
}

// durations writes db.client.operation.duration.
func (p *points) durations(s *metrics.Snapshot) {
	p.head("db.client.operation.duration", "s", "Duration of database client operations.", "histogram", false)
	for i := range s.Series {
		v := &s.Series[i]
		good := v.Times
		for k := range v.Failed {
			good.Subtract(&v.Failed[k].Times)
		}
		if good.Timed > 0 || len(v.Failed) == 0 {
			p.histogram(s, &good, func(a attributes) { describe(a, v) })
		}
		for k := range v.Failed {
			f := &v.Failed[k]
			p.histogram(s, &f.Times, func(a attributes) {
				describe(a, v)
				if f.State != metrics.OtherState {
					a.string("db.response.status_code", f.State)
				}
				a.string("error.type", f.State)
			})
		}
	}
	p.foot()
}

// histogram writes the point of one histogram.
func (p *points) histogram(s *metrics.Snapshot, t *metrics.Times, about func(attributes)) {
	p.point(s, about)
	p.unsigned("count", t.Timed)
	p.double("sum", float64(t.Sum)/1e9)
	p.member("bucketCounts", '[')
	for k, n := range t.Buckets {
		if k > 0 {
			p.buf = append(p.buf, ',')
		}
		p.buf = fmt.Appendf(p.buf, `"%d"`, n)
	}
	p.close(']')
	p.member("explicitBounds", '[')
	for k, bound := range metrics.Bounds {
		if k > 0 {
			p.buf = append(p.buf, ',')
		}
		p.buf = appendDouble(p.buf, bound)
	}
	p.close(']')
	p.close('}')
}

// counter writes a counter of each series.
func (p *points) counter(s *metrics.Snapshot, name, unit, about string, value func(*metrics.Series) uint64) {
	p.head(name, unit, about, "sum", true)
	for i := range s.Series {
		v := &s.Series[i]
		p.point(s, func(a attributes) { describe(a, v) })
		p.unsigned("asInt", value(v))
		p.close('}')
	}
	p.foot()
}

// connections writes how many connections are open.
func (p *points) connections(s *metrics.Snapshot) {
	p.head("pgsniff.connections", "{connection}", "Connections that are open.", "sum", false)
	for i := range s.Connections {
		c := &s.Connections[i]
		p.point(s, func(a attributes) { describeWho(a, c.Who) })
		p.long("asInt", c.Open)
		p.close('}')
	}
	p.foot()
}

// describe writes what a series is about.
func describe(a attributes, v *metrics.Series) {
	describeWho(a, v.Who)
	a.string("db.query.summary", v.Class)
	if v.Fingerprint != 0 {
		a.string("pgsniff.fingerprint", fmt.Sprintf("%016x", v.Fingerprint))
	}
}

func describeWho(a attributes, w metrics.Who) {
	a.string("db.system.name", system)
	a.string("db.namespace", namespaceOf(w.Database, w.Schema))
	a.string("pgsniff.user", w.User)
	a.string("pgsniff.application_name", w.Application)
}
