package render

import (
	"strconv"

	"github.com/pgsniff/pgsniff/internal/jsontext"
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/value"
	"github.com/pgsniff/pgsniff/pkg/replication"
)

// replicationBody writes the messages of replication as members of a JSON object.
// It is their Visitor.
type replicationBody struct {
	*body
	clock   *jsontext.Clock
	meaning *replication.Meaning
}

// writeReplication writes what a CopyData holds instead of its bytes.
func (j *JSON) writeReplication(m *replication.Meaning, data []byte) {
	v := &j.replication
	v.body, v.clock, v.meaning = &j.body, &j.clock, m
	outer, inner := j.messages.Decode(m, data)
	v.key("replication")
	v.begin()
	v.str("message", m.Kind.String())
	if outer != nil {
		outer.Visit(v)
	}
	if w, ok := outer.(*replication.WALData); ok && m.Mode == replication.ModeLogical {
		v.logical(w, inner)
	}
	v.end()
	v.comma = true
}

func (v *replicationBody) begin() {
	v.buf = append(v.buf, '{')
	v.comma = false
}

// logical writes what an output plugin sent.
func (v *replicationBody) logical(w *replication.WALData, inner replication.Message) {
	m := v.meaning
	if m.Plugin != "" {
		v.str("plugin", m.Plugin)
	}
	switch {
	case inner != nil:
		v.key("logical")
		v.begin()
		v.str("message", m.Logical.String())
		v.belongs()
		inner.Visit(v)
		v.end()
		v.comma = true
	case m.Plugin != replication.PluginPgoutput || m.Fault != nil || m.Flags&replication.Ambiguous != 0:
		v.Data("output", w.Data)
	}
	if names := inferredNames(m.Flags); len(names) > 0 {
		v.strs("inferred", names)
	}
}

// belongs tells to which relation a row belongs, by name.
func (v *replicationBody) belongs() {
	if r := v.meaning.Relation; r != nil && v.meaning.Logical != replication.KindRelation {
		v.Text("relation", r.Qualified)
	}
}

// inferredNames are the parts of a message that were concluded.
func inferredNames(f replication.Flags) (names []string) {
	if f&replication.InferredPlugin != 0 {
		names = append(names, "plugin")
	}
	if f&replication.InferredRelation != 0 {
		names = append(names, "relation")
	}
	if f&replication.InferredStream != 0 {
		names = append(names, "stream")
	}
	return names
}

func (v *replicationBody) Uint(name string, n uint64) {
	v.key(name)
	v.buf = jsontext.AppendUint(v.buf, n)
}

func (v *replicationBody) LSN(name string, l replication.LSN) {
	v.key(name)
	v.buf = append(v.buf, '"')
	v.buf = append(l.Append(v.buf), '"')
}

// Time leaves out what has no year of four digits.
func (v *replicationBody) Time(name string, t replication.Time) {
	ns, ok := t.UnixNano()
	if !ok {
		return
	}
	v.key(name)
	v.buf = append(v.buf, '"')
	v.buf = append(v.clock.Append(v.buf, ns), '"')
}

func (v *replicationBody) Size(name string, n int) {
	if w := v.meaning; w.Kind == replication.KindWALData || w.Kind == replication.KindArchiveData {
		n = w.Size // of one that is cut, too
	}
	v.Int(name, int64(n))
}

func (v *replicationBody) Relations(name string, list replication.OIDs) {
	v.key(name)
	v.buf = append(v.buf, '[')
	for i := range list.Len() {
		if i > 0 {
			v.buf = append(v.buf, ',')
		}
		v.buf = jsontext.AppendUint(v.buf, uint64(list.At(i)))
	}
	v.buf = append(v.buf, ']')
	if v.meaning.Flags&replication.UnknownRelation != 0 {
		return
	}
	v.key("relations")
	v.buf = append(v.buf, '[')
	for i, r := range v.meaning.Truncated {
		if i > 0 {
			v.buf = append(v.buf, ',')
		}
		v.buf = jsontext.Append(v.buf, r.Qualified)
	}
	v.buf = append(v.buf, ']')
}

func (v *replicationBody) Columns(name string, list replication.ColumnList) {
	v.key(name)
	v.buf = append(v.buf, '[')
	first := true
	for it := list.Iter(); it.Next(); {
		if !first {
			v.buf = append(v.buf, ',')
		}
		first = false
		v.buf = append(append(v.buf, '{'), record.ColumnName.Key()...)
		v.buf = jsontext.Append(v.buf, it.Name)
		v.buf = record.ColumnKey.AppendKey(v.buf)
		v.buf = strconv.AppendBool(v.buf, it.Key)
		v.buf = record.ColumnTypeOID.AppendKey(v.buf)
		v.buf = jsontext.AppendUint(v.buf, uint64(it.TypeOID))
		if t := value.TypeName(it.TypeOID); t != "" {
			v.buf = append(append(append(record.ColumnType.AppendKey(v.buf), '"'), t...), '"')
		}
		v.buf = record.ColumnModifier.AppendKey(v.buf)
		v.buf = append(jsontext.AppendInt(v.buf, int64(it.TypeModifier)), '}')
	}
	v.buf = append(v.buf, ']')
}

// Tuple writes a row by the names of its columns, or, where they are not known,
// its values in their order.
func (v *replicationBody) Tuple(name string, t replication.Tuple) {
	r := v.meaning.Relation
	if r == nil || len(r.Columns) < t.Len() {
		v.values(name, t)
		return
	}
	v.key(name)
	v.begin()
	unchanged := false
	it := t.Iter()
	for i := 0; it.Next(); i++ {
		c := &r.Columns[i]
		switch {
		case it.Kind() == replication.ColumnUnchanged:
			unchanged = true
			continue
		case name == "key" && !c.Key:
			continue // not sent
		}
		v.name(c.Name)
		v.value(name, i, it.Value(), c.TypeOID, formatOfColumn(it.Kind()))
	}
	v.end()
	v.comma = true
	if unchanged {
		v.unchanged(t, r)
	}
}

// name is key for a name that the capture chose.
func (v *replicationBody) name(s []byte) {
	if v.comma {
		v.buf = append(v.buf, ',')
	}
	v.comma = true
	v.buf = append(jsontext.Append(v.buf, s), ':')
}

func formatOfColumn(kind byte) int16 {
	if kind == replication.ColumnBinary {
		return 1
	}
	return 0
}

// unchanged names the columns that were not sent since they are as before.
func (v *replicationBody) unchanged(t replication.Tuple, r *replication.Relation) {
	v.key("unchanged")
	v.buf = append(v.buf, '[')
	first := true
	it := t.Iter()
	for i := 0; it.Next(); i++ {
		if it.Kind() != replication.ColumnUnchanged {
			continue
		}
		if !first {
			v.buf = append(v.buf, ',')
		}
		first = false
		v.buf = jsontext.Append(v.buf, r.Columns[i].Name)
	}
	v.buf = append(v.buf, ']')
}

// values writes a row whose columns are not known.
func (v *replicationBody) values(name string, t replication.Tuple) {
	v.key(name + "_values")
	v.buf = append(v.buf, '[')
	it := t.Iter()
	for i := 0; it.Next(); i++ {
		if i > 0 {
			v.buf = append(v.buf, ',')
		}
		if it.Kind() == replication.ColumnUnchanged {
			v.buf = append(v.buf, `{"unchanged":true}`...)
			continue
		}
		v.value(name, i, it.Value(), 0, formatOfColumn(it.Kind()))
	}
	v.buf = append(v.buf, ']')
}
