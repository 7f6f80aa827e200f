// Package units writes durations and sizes for people: three digits and a unit.
package units

import "strconv"

// unit is a size and its name.
type unit struct {
	size uint64
	name string
}

var (
	bytes = [...]unit{{1, " B"}, {1e3, " kB"}, {1e6, " MB"}, {1e9, " GB"}, {1e12, " TB"}, {1e15, " PB"}}
	times = [...]unit{{1, " ns"}, {1e3, " µs"}, {1e6, " ms"}, {1e9, " s"}}
)

// AppendDuration appends nanoseconds, "1.23 ms", and those below nothing as nothing.
// Seconds are the largest unit: 12345 s.
func AppendDuration(dst []byte, ns int64) []byte {
	return appendUnit(dst, uint64(max(ns, 0)), times[:])
}

// Duration returns what AppendDuration appends.
func Duration(ns int64) string { return string(AppendDuration(nil, ns)) }

// Bytes returns a size, "1.23 MB"; kB is 1,000 bytes.
func Bytes(n uint64) string { return string(appendUnit(nil, n, bytes[:])) }

// appendUnit appends n in the first unit in which it is below 1,000 once it is rounded
// to three digits, halves upwards.
func appendUnit(dst []byte, n uint64, list []unit) []byte {
	if n < 1000 {
		return append(strconv.AppendUint(dst, n, 10), list[0].name...)
	}
	for i := 1; ; i++ {
		u := &list[i]
		step := u.size / 100 // of the last digit
		if u.size < 100 {
			step = 1
		}
		for decimals := 2; ; decimals-- {
			q := n / step
			if n-q*step >= (step+1)/2 && step > 1 {
				q++
			}
			if q < 1000 {
				return append(appendDecimal(dst, q, decimals), u.name...)
			}
			if decimals == 0 {
				if i == len(list)-1 {
					return append(strconv.AppendUint(dst, q, 10), u.name...)
				}
				break
			}
			step *= 10
		}
	}
}

// appendDecimal appends a number below 1,000 with its last digits as decimals.
func appendDecimal(dst []byte, q uint64, decimals int) []byte {
	hundreds, tens, ones := byte('0'+q/100), byte('0'+q/10%10), byte('0'+q%10)
	switch decimals {
	case 2:
		return append(dst, hundreds, '.', tens, ones)
	case 1:
		return append(dst, hundreds, tens, '.', ones)
	}
	return append(dst, hundreds, tens, ones)
}
