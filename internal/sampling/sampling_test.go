package sampling

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestBuckets: each duration is in the bucket that says so, and buckets meet.
func TestBuckets(t *testing.T) {
	for i := 1; i < octaves*steps-1; i++ {
		if bucket(upper(i)) != i || bucket(upper(i)+1) != i+1 {
			t.Fatalf("bucket %d ends at %d, which is in %d, and the next in %d", i, upper(i), bucket(upper(i)), bucket(upper(i)+1))
		}
	}
	if i := bucket(math.MaxInt64); i != octaves*steps-1 {
		t.Errorf("the longest is in %d", i)
	}
}

// TestRates: all failures and slow calls are told, and the rates of what is told add up
// to the calls of all classes together, to some parts in a hundred.
func TestRates(t *testing.T) {
	for _, every := range []uint64{1, 2, 10, 100} {
		random := rand.New(rand.NewPCG(1, every))
		var c Choice
		c.SetRate(every)
		const calls = 200_000
		sum, told, slow := uint64(0), 0, 0
		for range calls {
			class := uint64(random.ExpFloat64()*30) * 0x9e3779b97f4a7c15
			ns := int64(1e5 + random.ExpFloat64()*1e6)
			failed := random.IntN(1000) == 0
			late := random.IntN(5000) == 0
			if late {
				ns = 60e9
			}
			n := c.Rate(class, ns, failed)
			if failed && n != 1 {
				t.Fatalf("1 of %d: a failure stands for %d", every, n)
			}
			if late && n == 1 {
				slow++
			} else if late && every > 1 && c.of(class).threshold > 0 {
				t.Errorf("1 of %d: a slow call of a known class stands for %d", every, n)
			}
			sum += n
			if n > 0 {
				told++
			}
		}
		if off := math.Abs(float64(sum)-calls) / calls; off > 0.02 {
			t.Errorf("1 of %d: the rates add up to %d of %d", every, sum, calls)
		}
		if c.Told+c.Left != calls || c.Told != uint64(told) {
			t.Errorf("1 of %d: counted %d and %d", every, c.Told, c.Left)
		}
		if every > 1 && float64(told) > calls*(1/float64(every)+0.03) {
			t.Errorf("1 of %d: %d are told", every, told)
		}
	}
}

// TestNone: without the rest, failures and slow calls are told.
func TestNone(t *testing.T) {
	var c Choice
	c.SetRate(None)
	for i := range 500 {
		if n := c.Rate(7, int64(1000+i%10), false); n != LeftOut {
			t.Fatalf("call %d is told", i)
		}
	}
	if c.Rate(7, 5000, false) != 1 || c.Rate(7, 1000, true) != 1 {
		t.Error("a slow call or a failure is left out")
	}
}

// TestBounded: classes without end take no memory without end.
func TestBounded(t *testing.T) {
	var c Choice
	c.SetRate(10)
	for i := range uint64(3 * maxClasses) {
		c.Rate(i*0x9e3779b97f4a7c15, 5, false)
	}
	if len(c.classes) > maxClasses {
		t.Errorf("%d classes", len(c.classes))
	}
}

func BenchmarkRate(b *testing.B) {
	var c Choice
	c.SetRate(10)
	b.ReportAllocs()
	for i := range b.N {
		c.Rate(uint64(i%100), int64(i%5000), false)
	}
}
