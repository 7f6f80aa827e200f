package hostile

import (
	"math/rand/v2"
	"slices"
)

// Rand returns the source of randomness of a seed.
func Rand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15)) }

// FlipBytes changes n bytes of a copy of b from byte `from` on.
func FlipBytes(r *rand.Rand, b []byte, from, n int) []byte {
	b = slices.Clone(b)
	if from >= len(b) {
		return b
	}
	for range n {
		b[from+r.IntN(len(b)-from)] = byte(r.Uint32())
	}
	return b
}

// Mutations damage the records of a file, each in its own way. They are told
// apart by name.
var Mutations = []struct {
	Name string
	Do   func(r *rand.Rand, f *File)
}{
	{"flip", func(r *rand.Rand, f *File) { some(r, f, flip) }},
	{"flip payload", func(r *rand.Rand, f *File) { some(r, f, flipPayload) }},
	{"length field", func(r *rand.Rand, f *File) { some(r, f, plantLength) }},
	{"cut", func(r *rand.Rand, f *File) { some(r, f, cut) }},
	{"drop", func(r *rand.Rand, f *File) {
		f.Records = slices.DeleteFunc(f.Records, func(Record) bool { return r.IntN(20) == 0 })
	}},
	{"drop run", func(r *rand.Rand, f *File) {
		at, n := r.IntN(len(f.Records)), 1+r.IntN(len(f.Records)/4+1)
		f.Records = slices.Delete(f.Records, at, min(at+n, len(f.Records)))
	}},
	{"double", func(r *rand.Rand, f *File) {
		for i := len(f.Records) - 1; i >= 0; i-- {
			if r.IntN(20) == 0 {
				f.Records = slices.Insert(f.Records, min(i+r.IntN(30), len(f.Records)), f.Records[i])
			}
		}
	}},
	{"swap", func(r *rand.Rand, f *File) {
		for i := range len(f.Records) - 1 {
			if r.IntN(10) == 0 {
				f.Records[i], f.Records[i+1] = f.Records[i+1], f.Records[i]
			}
		}
	}},
	{"shuffle", func(r *rand.Rand, f *File) {
		r.Shuffle(len(f.Records), func(i, j int) { f.Records[i], f.Records[j] = f.Records[j], f.Records[i] })
	}},
	{"reverse", func(_ *rand.Rand, f *File) { slices.Reverse(f.Records) }},
}

// some applies do to one record in twenty, and to one in any case.
func some(r *rand.Rand, f *File, do func(r *rand.Rand, f *File, i int)) {
	do(r, f, r.IntN(len(f.Records)))
	for i := range f.Records {
		if r.IntN(20) == 0 {
			do(r, f, i)
		}
	}
}

func flip(r *rand.Rand, f *File, i int) {
	f.Records[i].Data = FlipBytes(r, f.Records[i].Data, 0, 1+r.IntN(4))
}

// flipPayload leaves the headers alone, so that TCP still takes the packet.
func flipPayload(r *rand.Rand, f *File, i int) {
	if t, ok := f.TCP(i); ok {
		f.Records[i].Data = FlipBytes(r, f.Records[i].Data, t.Payload, 1+r.IntN(4))
		return
	}
	f.Records[i].Data = FlipBytes(r, f.Records[i].Data, len(f.Records[i].Data)/2, 1+r.IntN(4))
}

// lengths are the values that break careless arithmetic.
var lengths = [][]byte{
	{0, 0, 0, 0},
	{0, 0, 0, 3},
	{0, 0, 0, 4},
	{0, 0, 0xff, 0xff},
	{0, 1, 0, 0},
	{0x3f, 0xff, 0xff, 0xff},
	{0x7f, 0xff, 0xff, 0xff},
	{0x80, 0, 0, 0},
	{0xff, 0xff, 0xff, 0xff},
	{0xff, 0xff, 0xff, 0xfe},
}

// plantLength writes one of them somewhere in the payload.
func plantLength(r *rand.Rand, f *File, i int) {
	from := len(f.Records[i].Data) / 2
	if t, ok := f.TCP(i); ok {
		from = t.Payload
	}
	if n := len(f.Records[i].Data) - from; n >= 4 {
		copy(f.Own(i)[from+r.IntN(n-3):], lengths[r.IntN(len(lengths))])
	}
}

func cut(r *rand.Rand, f *File, i int) { f.Records[i].Snap(r.IntN(len(f.Records[i].Data) + 1)) }
