package tlsdecrypt

// fifoMap is a map that forgets its oldest entry when it is full.
type fifoMap[K comparable, V any] struct {
	m     map[K]V
	order []K // ring of the keys, oldest at head once it is full
	head  int
	limit int
}

func newFIFOMap[K comparable, V any](limit int) fifoMap[K, V] {
	return fifoMap[K, V]{m: make(map[K]V), limit: limit}
}

func (f *fifoMap[K, V]) get(k K) (V, bool) {
	v, ok := f.m[k]
	return v, ok
}

// put sets the value of k. A key that is there already keeps its age. The key that
// had to go for it is returned.
func (f *fifoMap[K, V]) put(k K, v V) (gone K, went bool) {
	if _, ok := f.m[k]; !ok {
		if len(f.order) < f.limit {
			f.order = append(f.order, k)
		} else {
			gone, went = f.order[f.head], true
			delete(f.m, gone)
			f.order[f.head] = k
			f.head = (f.head + 1) % f.limit
		}
	}
	f.m[k] = v
	return gone, went
}

// newest calls yield with the keys from the youngest to the oldest until it
// returns false.
func (f *fifoMap[K, V]) newest(yield func(K) bool) {
	for i := range f.order {
		j := (f.head + len(f.order) - 1 - i) % len(f.order)
		if !yield(f.order[j]) {
			return
		}
	}
}
