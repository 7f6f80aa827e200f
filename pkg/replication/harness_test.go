package replication

import (
	"fmt"
	"strings"
	"time"
)

// fieldVisitor writes what it is told.
type fieldVisitor struct {
	b     strings.Builder
	names []string
}

func (f *fieldVisitor) put(name string, v any) {
	if len(f.names) > 0 {
		f.b.WriteByte(' ')
	}
	f.names = append(f.names, name)
	fmt.Fprintf(&f.b, "%s=%v", name, v)
}

func (f *fieldVisitor) Int(name string, v int64)   { f.put(name, v) }
func (f *fieldVisitor) Uint(name string, v uint64) { f.put(name, v) }
func (f *fieldVisitor) Bool(name string, v bool)   { f.put(name, v) }
func (f *fieldVisitor) LSN(name string, v LSN)     { f.put(name, v) }
func (f *fieldVisitor) Time(name string, v Time) {
	f.put(name, v.Time().Format(time.RFC3339Nano))
}
func (f *fieldVisitor) Text(name string, v []byte) { f.put(name, string(v)) }
func (f *fieldVisitor) Data(name string, v []byte) { f.put(name, string(v)) }
func (f *fieldVisitor) Size(name string, n int)    { f.put(name, n) }

func (f *fieldVisitor) Relations(name string, v OIDs) {
	list := []uint32{}
	for i := range v.Len() {
		list = append(list, v.At(i))
	}
	f.put(name, list)
}

func (f *fieldVisitor) Columns(name string, l ColumnList) {
	list := []string{}
	for it := l.Iter(); it.Next(); {
		key := ""
		if it.Key {
			key = "*"
		}
		list = append(list, fmt.Sprintf("%s%s:%d:%d", key, it.Name, it.TypeOID, it.TypeModifier))
	}
	f.put(name, list)
}

func (f *fieldVisitor) Tuple(name string, t Tuple) { f.put(name, tupleText(t)) }

func tupleText(t Tuple) string {
	list := []string{}
	for it := t.Iter(); it.Next(); {
		s := string(it.Kind()) + string(it.Value())
		if it.Size() > len(it.Value()) {
			s += "…"
		}
		list = append(list, s)
	}
	return "(" + strings.Join(list, " ") + ")"
}

func fieldsOf(m Message) string {
	var f fieldVisitor
	m.Visit(&f)
	return f.b.String()
}

func namesOf(m Message) []string {
	var f fieldVisitor
	m.Visit(&f)
	return f.names
}
