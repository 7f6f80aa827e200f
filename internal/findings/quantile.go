package findings

import "slices"

// sampleSize is enough for a median that is right to some percent.
const sampleSize = 64

// sample keeps evenly spread values of a series of any length.
type sample struct {
	n    uint64
	sum  int64
	step uint64 // every step-th value is kept; a power of two, 0 for 1
	kept []int64
}

func (s *sample) add(v int64) {
	if s.step == 0 {
		s.step = 1
	}
	s.n++
	s.sum += v
	if (s.n-1)%s.step != 0 {
		return
	}
	if len(s.kept) == sampleSize {
		for i := range sampleSize / 2 {
			s.kept[i] = s.kept[2*i]
		}
		s.kept = s.kept[:sampleSize/2]
		if s.step *= 2; (s.n-1)%s.step != 0 {
			return
		}
	}
	s.kept = append(s.kept, v)
}

// quantile returns a value that a part q of the series is not above; 0 if there is
// none.
//
//go:noinline
func (s *sample) quantile(q float64) int64 { return quantileOf(s.kept, q) }

func (s *sample) median() int64 { return s.quantile(0.5) }

func quantileOf(values []int64, q float64) int64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Clone(values)
	slices.Sort(sorted)
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
