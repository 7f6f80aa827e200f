package metrics

import "slices"

// maxStates is how many SQLSTATEs have a histogram of their own in a series; the rest is
// OtherState.
const maxStates = 8

// OtherState is what the conventions call errors of which no more is told.
const OtherState = "_OTHER"

// IsFailure reports whether an SQLSTATE is of an error: classes 00 and 01 are success and
// warnings.
func IsFailure(state []byte) bool {
	return len(state) < 2 || state[0] != '0' || state[1] != '0' && state[1] != '1'
}

func (t *Times) add(ns int64) {
	t.Timed++
	t.Sum += ns
	i := 0
	for i < len(boundsNS) && ns > boundsNS[i] {
		i++
	}
	t.Buckets[i]++
}

// Subtract takes out what is also in o.
func (t *Times) Subtract(o *Times) {
	t.Timed -= o.Timed
	t.Sum -= o.Sum
	for i := range t.Buckets {
		t.Buckets[i] -= o.Buckets[i]
	}
}

// failed returns the histogram of an SQLSTATE.
func (s *Series) failed(state []byte) *Times {
	for i := range s.Failed {
		if f := &s.Failed[i]; f.State == string(state) || f.State == OtherState {
			return &f.Times
		}
	}
	f := Failed{State: OtherState}
	if len(s.Failed) < maxStates {
		f.State = string(state)
	}
	s.Failed = append(s.Failed, f)
	return &s.Failed[len(s.Failed)-1].Times
}

// copied returns a copy that shares nothing with the series.
func (s *Series) copied() Series {
	c := *s
	c.Failed = slices.Clone(s.Failed)
	return c
}
