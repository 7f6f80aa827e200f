package parquet

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/pgsniff/pgsniff/internal/record"
)

// series is the files of one kind of record: DIR/view=queries/date=2026-11-21/host=h/…,
// which readers take for one table with the columns view, date and host.
type series struct {
	o      *output
	schema *record.Schema
	fields map[*record.Field]int // number of its column
	cols   []Column
	cells  cells

	file  *os.File // nil: none is open
	w     *Writer
	date  string // that of the open file
	began int64  // time of its first record
}

// views are the names of the views that records come from, where they differ.
var views = map[string]string{"query": "queries", "message": "messages", "connection": "connections", "change": "changes", "finding": "findings"}

// Columns that all records begin with.
const (
	colTS = iota
	colTSNanos
	colConn
	colClient
	colServer
	firstField
)

func newSeries(o *output, schema *record.Schema) *series {
	s := &series{o: o, schema: schema, fields: make(map[*record.Field]int)}
	s.cols = []Column{
		{record.CommonTS.Name, Timestamp},
		{record.CommonTS.Name + "_ns", Int64},
		{record.CommonConn.Name, Int64},
		{record.CommonClient.Name, String},
		{record.CommonServer.Name, String},
	}
	for _, f := range schema.Fields {
		s.fields[f] = len(s.cols)
		s.cols = append(s.cols, Column{f.Name, typeOf(schema.Name, f)})
	}
	return s
}

// lists are the lists of texts and values, which have a column of that type. Other
// lists have objects, which are JSON.
var lists = map[string]bool{"query.params": true, "query.param_types": true, "query.inferred": true}

func typeOf(kind string, f *record.Field) Type {
	switch f.Type {
	case record.TypeInt:
		return Int64
	case record.TypeBool:
		return Bool
	case record.TypeTime:
		return Timestamp
	case record.TypeObject, record.TypeMap:
		return JSON
	case record.TypeList:
		if lists[kind+"."+f.Name] {
			return Strings
		}
		return JSON
	}
	return String
}

// write adds a record to the open file, or begins one.
func (s *series) write(r record.Record) error {
	at := r.Place().Time
	date := time.Unix(0, at).UTC().Format(time.DateOnly)
	if s.file != nil && (date != s.date || s.full()) {
		if err := s.close(); err != nil {
			return err
		}
	}
	if s.file == nil {
		if err := s.begin(at, date); err != nil {
			return err
		}
	}
	s.w.Int(colTS, at/1000)
	s.w.Int(colTSNanos, at)
	if c := r.Of(); c != nil {
		s.w.Int(colConn, int64(c.ID))
		s.w.String(colClient, []byte(c.Client))
		s.w.String(colServer, []byte(c.Server))
	}
	s.cells.row(s, r)
	s.w.EndRow()
	return s.w.err
}

func (s *series) full() bool {
	written, held := s.w.Size()
	// What is held shrinks to a fifth or so.
	return s.o.size > 0 && written+held/4 >= s.o.size
}

// rotate ends the file if it is due.
func (s *series) rotate(now int64) error {
	if s.file == nil || s.o.every == 0 || now-s.began < s.o.every {
		return nil
	}
	return s.close()
}

// unfinished is the end of a file's name until it is whole: readers that look for
// *.parquet do not see it.
const unfinished = ".unfinished"

func (s *series) begin(at int64, date string) error {
	view := views[s.schema.Name]
	if view == "" {
		view = s.schema.Name
	}
	dir := filepath.Join(s.o.env.To, "view="+view, "date="+date, "host="+s.o.host)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	name := time.Unix(0, at).UTC().Format("20060102T150405.000000000Z")
	for n := 0; ; n++ {
		path := filepath.Join(dir, fmt.Sprintf("%s-%d.parquet", name, n))
		if _, err := os.Lstat(path); err == nil {
			continue
		}
		f, err := os.OpenFile(path+unfinished, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if os.IsExist(err) {
			continue
		}
		if err != nil {
			return err
		}
		s.file, s.date, s.began = f, date, at
		s.w = New(f, s.cols, map[string]string{"pgsniff.record": s.schema.Name, "pgsniff.host": s.o.host})
		return nil
	}
}

// close makes the open file whole and gives it its name.
func (s *series) close() error {
	if s.file == nil {
		return nil
	}
	f := s.file
	s.file = nil
	err := s.w.Close()
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), f.Name()[:len(f.Name())-len(unfinished)])
}
