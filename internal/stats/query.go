package stats

// query adds up the calls of one normalised query.
type query struct {
	text      string
	textLen   int // of the whole text
	operation string
	calls     uint64
	errors    uint64
	rows      uint64
	bytes     uint64
	durations durations
	buckets   bucketCounts // nil without mergeable histograms
	worst     *worstCall   // nil where nobody asked for it
}

// add adds a call. It tells whether the query got a histogram by it, which is to
// be of full precision if fine is set.
func (q *query) add(s *QuerySample, fine bool) bool {
	q.calls++
	q.rows += s.Rows
	q.bytes += s.Bytes
	if len(s.SQLState) > 0 {
		q.errors++
	}
	if s.Duration >= 0 && q.buckets != nil {
		q.durations.sum(s.Duration)
		q.buckets[mergeableBucket(s.Duration)]++
		return false
	}
	return s.Duration >= 0 && q.durations.add(s.Duration, fine)
}

func (q *query) report(fingerprint uint64) Query {
	d := &q.durations
	if q.buckets != nil {
		r := q.sums(fingerprint)
		r.Histogram = q.buckets.report()
		r.setPercentiles()
		return r
	}
	p := d.percentiles(50, 95, 99)
	r := q.sums(fingerprint)
	r.P50, r.P95, r.P99 = p[0], p[1], p[2]
	return r
}

// sums are what needs no histogram.
func (q *query) sums(fingerprint uint64) Query {
	d := &q.durations
	return Query{
		Worst: q.worst.report(), Normalized: q.text, TextLen: q.textLen, Fingerprint: fingerprint, Operation: q.operation,
		Calls: q.calls, Errors: q.errors, Rows: q.rows, Bytes: q.bytes, Timed: d.count,
		Total: d.total, Mean: d.mean(), Min: d.min, Max: d.max,
	}
}
