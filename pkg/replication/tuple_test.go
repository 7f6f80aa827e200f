package replication

import "testing"

// What a row and a relation say of their columns at once is what walking them says.
func TestColumnsAtOnce(t *testing.T) {
	kinds := []byte{ColumnNull, ColumnUnchanged, ColumnText, ColumnBinary}
	for n := range 1 << 8 { // four columns of four kinds
		b := []byte{0, 4}
		unchanged := false
		for i := range 4 {
			k := kinds[n>>(2*i)&3]
			unchanged = unchanged || k == ColumnUnchanged
			if b = append(b, k); k == ColumnText || k == ColumnBinary {
				b = append(appendU32(b, uint32(i)), "abc"[:i]...)
			}
		}
		c := cursor{b: b}
		row := c.tuple()
		if !c.ok() || row.Unchanged() != unchanged {
			t.Fatalf("%x: %t, not %t", b, row.Unchanged(), unchanged)
		}
		i := 0
		for it := row.Iter(); it.Next(); i++ {
			k := kinds[n>>(2*i)&3]
			if has := k == ColumnText || k == ColumnBinary; it.Kind() != k || (it.Value() != nil) != has || has && it.Size() != i {
				t.Fatalf("%x: column %d: %c %q %d", b, i, it.Kind(), it.Value(), it.Size())
			}
		}
		if i != 4 {
			t.Fatalf("%x: %d columns", b, i)
		}
	}
	for n := range 1 << 4 {
		last := 0
		b := append([]byte{0, 0, 0, 9}, "s\x00r\x00d\x00\x04"...)
		for i := range 4 {
			key := byte(n >> i & 1)
			if key != 0 {
				last = i + 1
			}
			b = append(b, key, 'a'+byte(i), 0, 0, 0, 0, 25, 255, 255, 255, 255)
		}
		m := RelationMessage{}
		m.decode(&cursor{b: b})
		if r, ok := newRelation(&m); !ok || r.Keys() != last {
			t.Errorf("%04b: %d, not %d", n, r.Keys(), last)
		}
	}
}
