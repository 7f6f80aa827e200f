package report

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/pgsniff/pgsniff/internal/record"
)

// Bounds of what is kept of queries.
const (
	maxClasses = 400
	maxSlowest = 5    // executions of a class
	maxSQL     = 2000 // bytes of a text
	maxCallSQL = 1000 // of an execution's
	maxParams  = 600
	maxSteps   = 40 // messages of an execution
	// The first classes have their executions on the page, the others a short text alone.
	maxDetailed = 80
	// Of an error's example less is shown.
	maxExampleSQL = 500
	maxShortSQL   = 300
)

// class is the queries with one normalised text.
type class struct {
	Fingerprint string  `json:"fingerprint"`
	SQL         string  `json:"sql"`
	Unknown     bool    `json:"unknown,omitempty"` // the text is not in the capture
	Operation   string  `json:"operation,omitempty"`
	Calls       uint64  `json:"calls"`
	Errors      uint64  `json:"errors"`
	Rows        uint64  `json:"rows"`
	Bytes       uint64  `json:"bytes"`
	Total       int64   `json:"total"` // nanoseconds, as all below
	Max         int64   `json:"max"`
	P50         int64   `json:"p50"`
	P95         int64   `json:"p95"`
	P99         int64   `json:"p99"`
	Spark       spark   `json:"spark"`
	Slowest     []*call `json:"slowest"`

	durations histogram
}

// call is one execution.
type call struct {
	Time     int64  `json:"ts"` // nanoseconds since the start of the page's time
	Conn     uint64 `json:"conn"`
	ID       uint64 `json:"id"`
	Frame    uint64 `json:"frame"`
	Duration int64  `json:"duration"`
	Rows     uint64 `json:"rows"`
	SQL      string `json:"sql,omitempty"`
	Params   string `json:"params,omitempty"`
	Error    string `json:"error,omitempty"`
	Steps    []step `json:"steps,omitempty"`
	More     int    `json:"more,omitempty"` // steps that were left out
}

// step is one message of an execution, or a run of rows.
type step struct {
	At    int64  `json:"at"` // since the call's start
	Back  bool   `json:"back,omitempty"`
	Name  string `json:"name"`
	Len   int    `json:"len"`
	Count int    `json:"count,omitempty"` // of equal ones in a row, if more than one
}

// classOf returns the class of a query, that of all others where there are too many.
// Queries whose text is not in the capture are one.
func (o *output) classOf(q *record.Query) *class {
	if c := o.classes[q.Fingerprint]; c != nil {
		return c
	}
	if len(o.classes) >= maxClasses && q.Normalized != nil {
		return o.other
	}
	c := &class{
		Fingerprint: strconv.FormatUint(q.Fingerprint, 16), SQL: o.sqlText(q.Normalized), Operation: q.Operation,
		Unknown: q.Normalized == nil,
	}
	o.classes[q.Fingerprint] = c
	o.load.halved = append(o.load.halved, c.Spark.halve)
	return c
}

// sqlText returns a text as it may stand on the page.
func (o *output) sqlText(sql []byte) string {
	if o.noSQL {
		return ""
	}
	return cut(sql, maxSQL)
}

// cut returns the first bytes of a text, whole characters.
func cut(b []byte, most int) string {
	if len(b) <= most {
		return string(bytes.ToValidUTF8(b, []byte("\ufffd")))
	}
	b = b[:most]
	for len(b) > 0 && !utf8.RuneStart(b[len(b)-1]) {
		b = b[:len(b)-1]
	}
	if len(b) > 0 && b[len(b)-1] >= utf8.RuneSelf {
		b = b[:len(b)-1]
	}
	return string(bytes.ToValidUTF8(b, []byte("\ufffd"))) + "…"
}

// add adds a query to its class.
func (c *class) add(q *record.Query, slot int) {
	c.Calls++
	c.Rows += q.Rows
	c.Bytes += q.Bytes
	if q.Error != nil {
		c.Errors++
	}
	c.Spark.add(slot)
	if q.Duration < 0 {
		return
	}
	c.Total += q.Duration
	c.Max = max(c.Max, q.Duration)
	c.durations.add(q.Duration)
}

// slow reports whether an execution is among the slowest of its class.
func (c *class) slow(q *record.Query) bool {
	return q.Duration >= 0 && (len(c.Slowest) < maxSlowest || q.Duration > c.Slowest[len(c.Slowest)-1].Duration)
}

// keep puts an execution among the slowest.
func (c *class) keep(k *call) {
	i, _ := slices.BinarySearchFunc(c.Slowest, k.Duration, func(a *call, d int64) int { return cmp.Compare(d, a.Duration) })
	c.Slowest = slices.Insert(c.Slowest, i, k)
	if len(c.Slowest) > maxSlowest {
		c.Slowest = c.Slowest[:maxSlowest]
	}
}

// finish works out what is shown of a class.
func (c *class) finish() {
	c.P50, c.P95, c.P99 = c.durations.quantile(0.5), c.durations.quantile(0.95), c.durations.quantile(0.99)
	// A bucket's bound may lie above the greatest duration.
	c.P50, c.P95, c.P99 = min(c.P50, c.Max), min(c.P95, c.Max), min(c.P99, c.Max)
}

// trim leaves out what the page has no room for: the executions of all but the classes
// with most time, and the messages of all but their slowest ones.
func (c *class) trim(rank, detailed int) {
	if rank >= detailed {
		c.SQL, c.Slowest = cut([]byte(c.SQL), maxShortSQL), nil
		return
	}
	for i, k := range c.Slowest {
		k.SQL = cut([]byte(k.SQL), maxCallSQL)
		if i > 0 {
			k.Steps, k.More = nil, 0
		}
	}
}
