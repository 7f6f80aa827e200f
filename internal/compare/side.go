package compare

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/pgsniff/pgsniff/internal/findings"
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sink"
)

const (
	// maxQueries bounds the statements of a side, maxDurations the durations of one
	// that are kept: evenly spread ones of more.
	maxQueries   = 10_000
	maxDurations = 2048
	// maxFindings bounds the findings of a side; a capture has some.
	maxFindings = 1000
	// maxText is how much of a text is kept, in bytes.
	maxText = 2048
	// maxLine bounds a line of JSON.
	maxLine = 64 << 20
)

// Query is what one side asked of one normalised text.
type Query struct {
	Normalized    string
	Calls, Errors uint64
	Rows, Bytes   uint64
	total         float64 // nanoseconds
	timed         uint64
	step          uint64
	durations     []float64
	sorted        bool
}

func (q *Query) add(ns float64) {
	if q.step == 0 {
		q.step = 1
	}
	q.total += ns
	if q.timed++; (q.timed-1)%q.step != 0 {
		return
	}
	if len(q.durations) == maxDurations {
		for i := range maxDurations / 2 {
			q.durations[i] = q.durations[2*i]
		}
		q.durations = q.durations[:maxDurations/2]
		if q.step *= 2; (q.timed-1)%q.step != 0 {
			return
		}
	}
	q.durations = append(q.durations, ns)
}

// Mean and Quantile are nanoseconds, 0 where no duration is known.
func (q *Query) Mean() float64 {
	if q == nil || q.timed == 0 {
		return 0
	}
	return q.total / float64(q.timed)
}

// Quantile returns the duration that a part p of them does not exceed.
func (q *Query) Quantile(p float64) float64 {
	if q == nil || len(q.durations) == 0 {
		return 0
	}
	if !q.sorted {
		slices.Sort(q.durations)
		q.sorted = true
	}
	return q.durations[min(int(p*float64(len(q.durations))), len(q.durations)-1)]
}

// Side is one of the two.
type Side struct {
	Queries  map[uint64]*Query // by fingerprint
	Errors   map[string]uint64 // by SQLSTATE
	Findings []findings.Finding
	Count    uint64
	Dropped  uint64
}

func newSide() *Side {
	return &Side{Queries: make(map[uint64]*Query), Errors: make(map[string]uint64)}
}

func (s *Side) query(print uint64, text string) *Query {
	q := s.Queries[print]
	if q == nil {
		if len(s.Queries) >= maxQueries {
			s.Dropped++
			return nil
		}
		q = &Query{Normalized: text[:min(len(text), maxText)]}
		s.Queries[print] = q
	}
	return q
}

func (s *Side) take(print uint64, text string, rows, bytes uint64, ns int64, state string) {
	s.Count++
	if state != "" && (len(s.Errors) < 1000 || s.Errors[state] > 0) {
		s.Errors[state]++
	}
	q := s.query(print, text)
	if q == nil {
		return
	}
	q.Calls++
	q.Rows += rows
	q.Bytes += bytes
	if state != "" {
		q.Errors++
	}
	if ns >= 0 {
		q.add(float64(ns))
	}
}

// finding takes a finding. One that is told again, as it was printed while its capture went
// on, stands for what was told before.
func (s *Side) finding(f *findings.Finding) {
	if f.Update {
		for i := range s.Findings {
			if o := &s.Findings[i]; o.First == f.First && kinship(o, f) > 1 {
				*o = *f
				return
			}
		}
	}
	if len(s.Findings) >= maxFindings {
		s.Dropped++
		return
	}
	s.Findings = append(s.Findings, *f)
}

// Collector is the sink that makes a Side of a capture.
type Collector struct {
	*findings.Reporter
	Side *Side
}

// NewCollector returns one.
func NewCollector(env *sink.Env) *Collector {
	c := &Collector{Side: newSide()}
	c.Reporter = findings.NewReporter(env, c.Side.finding)
	return c
}

// Record takes a record.
func (c *Collector) Record(r record.Record) {
	if q, ok := r.(*record.Query); ok && q.Normalized != nil && !q.Skipped {
		c.Side.take(q.Fingerprint, string(q.Normalized[:min(len(q.Normalized), maxText)]), q.Rows, q.Bytes+q.CopyBytes, q.Duration, string(q.SQLState()))
	}
	c.Reporter.Record(r)
}

// line is what is read of a line of JSON.
type line struct {
	Type        string `json:"type"`
	Normalized  string `json:"normalized"`
	Fingerprint string `json:"fingerprint"`
	Rows        uint64 `json:"rows"`
	Count       uint64 `json:"count"`
	Cost        struct {
		TimeNS int64 `json:"time_ns"`
	} `json:"cost"`
	Bytes    uint64 `json:"bytes"`
	Duration *int64 `json:"duration_ns"`
	Skipped  bool   `json:"skipped"`
	Error    *struct {
		SQLState string `json:"sqlstate"`
	} `json:"error"`
	Code, Severity, Title string
	First                 time.Time
	Update                bool
	Connections           []struct {
		Application string `json:"application_name"`
	}
	Queries []struct {
		Fingerprint string
	}
	Copy *struct {
		Bytes uint64
	}
}

// ReadJSON makes a Side of records that were printed as JSON: those of the views
// queries and findings.
func ReadJSON(r io.Reader) (*Side, error) {
	s := newSide()
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	records := 0
	for n := 1; lines.Scan(); n++ {
		if len(lines.Bytes()) == 0 {
			continue
		}
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		switch l.Type {
		case "query":
			records++
			s.takeLine(&l)
		case "finding":
			records++
			s.finding(l.finding())
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if records == 0 {
		return nil, errors.New("no query or finding in it: make it with --json --view queries,findings")
	}
	return s, nil
}

// finding is the finding that a line tells, as far as it is compared.
func (l *line) finding() *findings.Finding {
	severity, _ := findings.ParseSeverity(l.Severity)
	f := &findings.Finding{Code: l.Code, Severity: severity, Title: l.Title, Count: l.Count, Update: l.Update}
	f.Cost.TimeNS = l.Cost.TimeNS
	if !l.First.IsZero() {
		f.First.Time = l.First.UnixNano()
	}
	if len(l.Connections) > 0 {
		f.Connections = []findings.ConnRef{{Application: l.Connections[0].Application}}
	}
	if len(l.Queries) > 0 {
		print, _ := strconv.ParseUint(l.Queries[0].Fingerprint, 16, 64)
		f.Queries = []findings.QueryRef{{Fingerprint: print}}
	}
	return f
}

func (s *Side) takeLine(l *line) {
	if l.Skipped || l.Fingerprint == "" {
		return
	}
	print, err := strconv.ParseUint(l.Fingerprint, 16, 64)
	if err != nil {
		return
	}
	ns, state := int64(-1), ""
	if l.Duration != nil {
		ns = *l.Duration
	}
	if l.Error != nil {
		state = l.Error.SQLState
	}
	bytes := l.Bytes
	if l.Copy != nil {
		bytes += l.Copy.Bytes
	}
	s.take(print, l.Normalized, l.Rows, bytes, ns, state)
}
