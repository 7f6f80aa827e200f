package report

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/pgsniff/pgsniff/internal/jsontext"
	"github.com/pgsniff/pgsniff/internal/record"
)

// Bounds of what is kept of findings: as many as anybody looks at, and of each what the
// page shows.
const (
	maxFindings = 200
	maxShown    = 3 // statements, and places to look at, of one
	maxNamed    = 50_000
)

// finding keeps a record as a JSON object, whatever its fields are, and notes which
// connections it names. Where texts of SQL may not be shown, what quotes them is left out.
func (o *output) finding(r record.Record) {
	v := jsonVisitor{hide: o.noSQL || o.noValues}
	v.Open(nil)
	r.Visit(&v)
	v.Close()
	var f map[string]any
	d := json.NewDecoder(bytes.NewReader(v.Buf))
	d.UseNumber()
	if d.Decode(&f) != nil {
		return // a record whose Visit does not close what it opens
	}
	o.name(f)
	if len(o.findings) == maxFindings {
		o.moreFound++
		return
	}
	delete(f, "connections")
	for _, name := range []string{"queries", "evidence"} {
		if list, _ := f[name].([]any); len(list) > maxShown {
			f[name] = list[:maxShown]
		}
	}
	if b, err := json.Marshal(f); err == nil {
		o.findings = append(o.findings, b)
	}
}

// name counts the finding with the connections that it is about.
func (o *output) name(f map[string]any) {
	conns := make(map[uint64]bool)
	for _, list := range []string{"connections", "evidence"} {
		list, _ := f[list].([]any)
		for _, k := range list {
			k, _ := k.(map[string]any)
			n, _ := k["conn"].(json.Number)
			if id, err := strconv.ParseUint(string(n), 10, 64); err == nil {
				conns[id] = true
			}
		}
	}
	for id := range conns {
		if _, known := o.named[id]; known || len(o.named) < maxNamed {
			o.named[id]++
		}
	}
}

// hidden are the fields of findings that quote SQL or values.
var hidden = map[string]bool{"normalized": true, "text": true}

// jsonVisitor writes a finding as JSON, its texts cut, or left out where they are hidden.
type jsonVisitor struct {
	jsontext.Visitor
	hide bool
}

// Text takes text.
func (j *jsonVisitor) Text(f *record.Field, v []byte) { j.String(f, string(v)) }

// Long takes text.
func (j *jsonVisitor) Long(f *record.Field, v []byte, _ int) { j.String(f, string(v)) }

// String takes text.
func (j *jsonVisitor) String(f *record.Field, v string) {
	if j.hide && f != nil && hidden[f.Name] {
		v = ""
	}
	if len(v) > maxSQL {
		v = cut([]byte(v), maxSQL)
	}
	j.Visitor.String(f, v)
}
