package units

import (
	"math"
	"math/big"
	"testing"
)

func TestDuration(t *testing.T) {
	for ns, want := range map[int64]string{
		-5: "0 ns", 0: "0 ns", 7: "7 ns", 999: "999 ns", 1000: "1.00 µs", 1004: "1.00 µs", 1005: "1.01 µs",
		9994: "9.99 µs", 9995: "10.0 µs", 99949: "99.9 µs", 99950: "100 µs", 999499: "999 µs", 999500: "1.00 ms",
		12_345_678: "12.3 ms", 999_500_000: "1.00 s", 999_499_999_999: "999 s", 12_345_000_000_000: "12345 s",
		math.MaxInt64: "9223372037 s",
	} {
		if got := Duration(ns); got != want {
			t.Errorf("%d: %s, want %s", ns, got, want)
		}
	}
	for n, want := range map[uint64]string{0: "0 B", 999: "999 B", 1234: "1.23 kB", math.MaxUint64: "18447 PB"} {
		if got := Bytes(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
	if n := testing.AllocsPerRun(100, func() { var b [32]byte; AppendDuration(b[:0], 12345) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzDuration holds that what is written is as near to the truth as three digits are.
func FuzzDuration(f *testing.F) {
	f.Add(int64(999_499_999))
	f.Fuzz(func(t *testing.T, ns int64) {
		if ns < 0 {
			return
		}
		text := Duration(ns)
		var number, unit string
		for i := range text {
			if text[i] == ' ' {
				number, unit = text[:i], text[i+1:]
			}
		}
		size := map[string]int64{"ns": 1, "µs": 1e3, "ms": 1e6, "s": 1e9}[unit]
		r, ok := new(big.Rat).SetString(number)
		if !ok || size == 0 {
			t.Fatal(text)
		}
		told := r.Mul(r, new(big.Rat).SetInt64(size))
		diff := told.Sub(told, new(big.Rat).SetInt64(ns))
		if diff.Abs(diff).Mul(diff, big.NewRat(200, 1)).Cmp(new(big.Rat).SetInt64(max(ns, 1))) > 0 && ns >= 1000 {
			t.Fatalf("%d is %s", ns, text)
		}
	})
}
