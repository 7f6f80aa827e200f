package app

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pgsniff/pgsniff/internal/record"
)

// notFields are the members of records that writers write of themselves.
// The state of a message is one: --fields adds it.
var notFields = []string{"type", "ts", "conn", "client", "server", "truncated", "cut", "state"}

// schemaTypes are the types that docs/schema.json may give a field, pageTypes what
// docs/json.md may call it.
var (
	schemaTypes = map[record.Type][]string{
		record.TypeText: {"string"}, record.TypeInt: {"integer"}, record.TypeBool: {"boolean"},
		record.TypeTime: {"string"}, record.TypeData: {"string", "object"}, record.TypeValue: {"string", "object", "null"},
		record.TypeObject: {"object"}, record.TypeMap: {"object"}, record.TypeRow: {"object"}, record.TypeList: {"array"},
	}
	pageTypes = map[record.Type][]string{
		record.TypeText: {"text"}, record.TypeInt: {"integer"}, record.TypeBool: {"boolean", "flag"},
		record.TypeTime: {"time"}, record.TypeData: {"text", "data"}, record.TypeValue: {"value"},
		record.TypeObject: {"object"}, record.TypeMap: {"object"}, record.TypeRow: {"object"}, record.TypeList: {"array"},
	}
)

// TestRecordFields wants docs/schema.json and the tables of docs/json.md to have the
// fields of all records, with their types and units, and no others.
func TestRecordFields(t *testing.T) {
	page := readPage(t, jsonPage)
	seen := 0
	for _, s := range record.Schemas() {
		if internalRecords[s.Name] {
			continue
		}
		seen++
		checkSchemaFields(t, s)
		checkPageFields(t, s, page)
		for _, f := range s.Fields {
			if f.Doc == "" {
				t.Errorf("%s.%s is not documented", s.Name, f.Name)
			}
			if strings.HasSuffix(f.Name, "_ns") != (f.Unit == "ns") && f.Type == record.TypeInt {
				t.Errorf("%s.%s has the unit %q", s.Name, f.Name, f.Unit)
			}
			if strings.HasSuffix(f.Name, "bytes") && f.Unit != "bytes" {
				t.Errorf("%s.%s has the unit %q", s.Name, f.Name, f.Unit)
			}
		}
	}
	if seen < 7 {
		t.Errorf("%d records only", seen)
	}
}

// internalRecords are not written as JSON: the last line of findings, for people, and
// those of tests.
var internalRecords = map[string]bool{"findings": true, "long": true}

func checkSchemaFields(t *testing.T, s *record.Schema) {
	t.Helper()
	def := compileSchema(t, "#/$defs/"+s.Name)
	for _, f := range s.Fields {
		p := def.Properties[f.Name]
		if p == nil {
			t.Errorf("docs/schema.json does not know %s.%s", s.Name, f.Name)
			continue
		}
		if got := typesOf(p); len(got) > 0 && !slices.Contains(schemaTypes[f.Type], got[0]) {
			t.Errorf("docs/schema.json: %s.%s is %v, and %s in the record", s.Name, f.Name, got, f.Type)
		}
	}
	for name := range def.Properties {
		if !hasField(s, name) && !slices.Contains(notFields, name) {
			t.Errorf("docs/schema.json has %s.%s, which records have not", s.Name, name)
		}
	}
}

// typesOf returns the types that a place of the schema allows.
func typesOf(s *jsonschema.Schema) (list []string) {
	for s.Ref != nil {
		s = s.Ref
	}
	if s.Types != nil {
		list = append(list, s.Types.ToStrings()...)
	}
	if s.Const != nil {
		list = append(list, typeOfValue(*s.Const))
	}
	if s.Enum != nil {
		list = append(list, typeOfValue(s.Enum.Values[0]))
	}
	for _, alternative := range append(s.AnyOf, s.OneOf...) {
		list = append(list, typesOf(alternative)...)
	}
	return list
}

func typeOfValue(v any) string {
	switch v.(type) {
	case bool:
		return "boolean"
	case string:
		return "string"
	}
	return "integer"
}

func hasField(s *record.Schema, name string) bool {
	return slices.ContainsFunc(s.Fields, func(f *record.Field) bool { return f.Name == name })
}

var inQuotes = regexp.MustCompile("`([a-z0-9_]+)`")

// pageRows returns the keys that the table of a record explains, with their types. A
// row may explain several; their types are the same, or as many.
func pageRows(t *testing.T, page, name string) map[string]string {
	t.Helper()
	_, section, ok := strings.Cut(page, "\n## "+name+"\n")
	if !ok {
		t.Errorf("docs/json.md has no section %s", name)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	section, _, _ = strings.Cut(section, "\n### ")
	rows := make(map[string]string)
	_, table, _ := strings.Cut(section, "\n| key |")
	table, _, _ = strings.Cut(table, "\n\n")
	for _, line := range strings.Split(table, "\n") {
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			continue
		}
		keys := inQuotes.FindAllStringSubmatch(cells[1], -1)
		types := strings.Split(strings.TrimSpace(cells[2]), ", ")
		for i, key := range keys {
			kind := types[0]
			if len(types) == len(keys) {
				kind = types[i]
			}
			kind, _, _ = strings.Cut(kind, " of ") // array of texts
			rows[key[1]] = kind
		}
	}
	return rows
}

func checkPageFields(t *testing.T, s *record.Schema, page string) {
	t.Helper()
	rows := pageRows(t, page, s.Name)
	for _, f := range s.Fields {
		kind, ok := rows[f.Name]
		switch {
		case !ok:
			t.Errorf("docs/json.md: the table of %s has no row for `%s`", s.Name, f.Name)
		case !slices.Contains(pageTypes[f.Type], kind):
			t.Errorf("docs/json.md: `%s` of %s is %s, and %s in the record", f.Name, s.Name, kind, f.Type)
		}
	}
	for name := range rows {
		if !hasField(s, name) && !slices.Contains(notFields, name) {
			t.Errorf("docs/json.md: the table of %s has `%s`, which records have not", s.Name, name)
		}
	}
}
