package stats

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// jsonReport is a line of --view stats -o json.
type jsonReport struct {
	Type        string
	TS, End     jsonTime
	First, Last jsonTime
	Packets     uint64
	Bytes       uint64
	Connections uint64
	Encrypted   uint64
	Active      int64 `json:"active_ns"`
	Messages    map[string]uint64
	Queries     uint64
	Errors      uint64
	Lost        uint64  `json:"lost_bytes"`
	Dropped     *uint64 `json:"kernel_dropped"`
	Distinct    int     `json:"distinct_queries"`
	Top         []jsonQuery
	Other       *jsonQuery
	All         jsonQuery
	Durations   []struct {
		From    int64 `json:"from_ns"`
		Queries uint64
	}
	Slowest []struct {
		TS        jsonTime
		Duration  int64 `json:"duration_ns"`
		SQL       *string
		Truncated bool
	}
	SQLStates []struct {
		SQLState string
		Errors   uint64
	}
	OtherStates uint64 `json:"other_sqlstates"`
	Failures    []struct {
		SQLState, Normalized, Fingerprint, Message string
		Count                                      uint64
		First                                      jsonTime
	} `json:"error_groups"`
	OtherFailures                           uint64 `json:"other_error_groups"`
	Users, Databases, Applications, Clients []jsonGroup
	Replication                             []json.RawMessage
	OtherStreams                            uint64 `json:"other_replication"`
}

type jsonQuery struct {
	Normalized, Fingerprint, Operation string
	Truncated                          bool
	Calls, Errors, Rows, Bytes, Timed  uint64
	Duration                           struct {
		Total, Mean, Min, P50, P95, P99, Max int64
		Histogram                            *Mergeable
	} `json:"duration_ns"`
	Worst *struct {
		TS       jsonTime
		Duration int64 `json:"duration_ns"`
		Script   string
	}
}

type jsonGroup struct {
	Name                                string
	Others                              bool
	Connections, Queries, Errors, Bytes uint64
}

// jsonTime is nanoseconds since the epoch, 0 where there is none.
type jsonTime int64

// UnmarshalText reads it.
func (t *jsonTime) UnmarshalText(b []byte) error {
	at, err := time.Parse(time.RFC3339Nano, string(b))
	*t = jsonTime(at.UnixNano())
	return err
}

// Parse reads a report that can be merged: a line of JSON of the view stats, with
// histograms and all of its queries.
func Parse(line []byte) (*Report, error) {
	var j jsonReport
	if err := json.Unmarshal(line, &j); err != nil {
		return nil, err
	}
	if j.Type != "stats" {
		return nil, fmt.Errorf("a record of type %q, not stats", j.Type)
	}
	if len(j.Top) < j.Distinct {
		return nil, fmt.Errorf("it lists %d of %d queries: made with --top 0 it lists all", len(j.Top), j.Distinct)
	}
	r := &Report{
		Traffic: Traffic{Packets: j.Packets, Bytes: j.Bytes, LostBytes: j.Lost},
		Start:   int64(j.TS), End: int64(j.End), First: int64(j.First), Last: int64(j.Last),
		Connections: j.Connections, Encrypted: j.Encrypted, Active: max(j.Active, 0), Queries: j.Queries, Errors: j.Errors,
		OtherSQLStates: j.OtherStates, OtherFailures: j.OtherFailures, OtherStreams: j.OtherStreams + uint64(len(j.Replication)),
	}
	if j.Dropped != nil {
		r.Live, r.KernelDropped = true, *j.Dropped
	}
	for name, n := range j.Messages {
		r.ByMessage = append(r.ByMessage, Count{name, n})
		r.Messages += n
	}
	sortCounts(r.ByMessage)
	if err := j.queries(r); err != nil {
		return nil, err
	}
	for _, b := range j.Durations {
		if b.From < 0 {
			return nil, errors.New("a negative duration")
		}
		r.Durations = append(r.Durations, Bucket{From: b.From, Count: b.Queries})
	}
	j.examples(r)
	for _, s := range j.SQLStates {
		r.SQLStates = append(r.SQLStates, Count{s.SQLState, s.Errors})
	}
	for i, to := range [...]*Groups{&r.Users, &r.Databases, &r.Applications, &r.Clients} {
		*to = groupsOf([...][]jsonGroup{j.Users, j.Databases, j.Applications, j.Clients}[i])
	}
	return r, nil
}

func groupsOf(list []jsonGroup) (out Groups) {
	for _, g := range list {
		group := Group{Name: g.Name, Connections: g.Connections, Queries: g.Queries, Errors: g.Errors, Bytes: g.Bytes}
		if g.Others {
			out.Other = &group
		} else {
			out.Groups = append(out.Groups, group)
		}
	}
	return out
}

func (j *jsonReport) queries(r *Report) error {
	for i := range j.Top {
		q, err := j.Top[i].query()
		if err != nil {
			return err
		}
		r.Top = append(r.Top, q)
	}
	var err error
	if r.All, err = j.All.query(); err != nil {
		return err
	}
	if j.Other != nil {
		other, err := j.Other.query()
		if err != nil {
			return err
		}
		r.Other = &other
	}
	return nil
}

func (j *jsonReport) examples(r *Report) {
	for _, c := range j.Slowest {
		call := Call{At: int64(c.TS), Duration: c.Duration}
		if c.SQL != nil {
			call.SQL, call.TextLen = uncut(*c.SQL, c.Truncated)
		}
		r.Slowest = append(r.Slowest, call)
	}
	for _, f := range j.Failures {
		fingerprint, _ := strconv.ParseUint(f.Fingerprint, 16, 64) // none: no query
		r.Failures = append(r.Failures, Failure{
			SQLState: f.SQLState, Fingerprint: fingerprint, Normalized: f.Normalized, Count: f.Count, At: int64(f.First), Message: f.Message,
		})
	}
}

// uncut returns a text that was cut as it was kept before: with the rest of a character
// that is left out when it is shown.
func uncut(text string, cut bool) (string, int) {
	if !cut {
		return text, len(text)
	}
	return text + " ", len(text) + 2
}

func (j *jsonQuery) query() (Query, error) {
	q := Query{
		Operation: j.Operation, Calls: j.Calls, Errors: j.Errors, Rows: j.Rows, Bytes: j.Bytes, Timed: j.Timed,
		Total: j.Duration.Total, Mean: j.Duration.Mean, Min: j.Duration.Min, Max: j.Duration.Max, Histogram: j.Duration.Histogram,
	}
	q.Normalized, q.TextLen = uncut(j.Normalized, j.Truncated)
	if w := j.Worst; w != nil {
		q.Worst = &Example{At: int64(w.TS), Duration: w.Duration, Script: w.Script}
	}
	if j.Fingerprint != "" {
		var err error
		if q.Fingerprint, err = strconv.ParseUint(j.Fingerprint, 16, 64); err != nil {
			return q, fmt.Errorf("the fingerprint %q: %w", j.Fingerprint, err)
		}
	}
	if q.Timed == 0 {
		q.Histogram = new(Mergeable)
		return q, nil
	}
	return q, q.Histogram.valid(q.Timed)
}

// valid checks a histogram that was read.
func (h *Mergeable) valid(count uint64) error {
	if h == nil {
		return errors.New("it has no histograms: made with --histograms it has")
	}
	var sum uint64
	for _, n := range h.Counts {
		sum += n
	}
	ordered := slices.IsSortedFunc(h.Buckets, func(a, b int) int { return a - b })
	if len(h.Buckets) != len(h.Counts) || sum != count || !ordered || len(slices.Compact(slices.Clone(h.Buckets))) != len(h.Buckets) ||
		len(h.Buckets) > 0 && (h.Buckets[0] < 0 || h.Buckets[len(h.Buckets)-1] > maxBucket) {
		return errors.New("a histogram that is not one of its calls")
	}
	return nil
}
