package app

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/tracker"
)

const jsonPage = "../../docs/json.md"

// unseen are the keys that no capture of the tests has, with the reason. What
// begins like one of them belongs to it.
var unseen = map[string]string{
	"stats.kernel_dropped":                  "live captures only",
	"stats.other":                           "more than 10,000 different queries",
	"stats.other_sqlstates":                 "more than 1,000 SQLSTATEs",
	"stats.other_error_groups":              "more than 1,000 kinds of errors",
	"stats.users[].others":                  "more than 1,000 users",
	"stats.databases[].others":              "likewise",
	"stats.applications[].others":           "likewise",
	"stats.clients[].others":                "likewise",
	"stats.top[].truncated":                 "a query of more than 2 KiB",
	"finding.update":                        "live, or with --every",
	"connection.given_up":                   "more than 50,000 open connections",
	"connection.continues":                  "likewise",
	"connection.peer_pid":                   "live captures only",
	"connection.peer_uid":                   "likewise",
	"connection.peer_program":               "likewise",
	"query.server_times":                    "likewise",
	"server":                                "only where a server runs",
	"query.command.temporary":               "a slot made with TEMPORARY",
	"query.base_backup.others":              "more than 1,024 tablespaces",
	"connection.base_backup.others":         "likewise",
	"stats.other_replication":               "more than 100 replication connections",
	"connection.alpn":                       "PostgreSQL 17's direct TLS",
	"connection.client_certificate_subject": "TLS 1.2 with a certificate of the client",
}

// checkOneType wants each key to have one type: values are strings, null, or
// bytes in hexadecimal.
func checkOneType(t *testing.T, c *recordChecker) {
	t.Helper()
	for place, types := range c.types {
		if len(types) == 1 || strings.HasPrefix(place, "message.body.") {
			continue // which differ by message
		}
		others := len(types)
		for _, ok := range []string{"string", "<nil>"} {
			if types[ok] {
				others--
			}
		}
		if types["map[string]interface {}"] && (c.has(place+".hex") || c.has(place+".unchanged")) {
			others--
		}
		if others > 0 {
			t.Errorf("%s has several types: %v", place, types)
		}
	}
}

// checkSchemaUsed wants each key of the schema to be in some record.
func checkSchemaUsed(t *testing.T, c *recordChecker) {
	t.Helper()
	keys := schemaKeys(t)
	if len(keys) < 250 {
		t.Errorf("the schema has %d keys only", len(keys))
	}
	for _, place := range keys {
		if !c.produced(place) && !excused(place) {
			t.Errorf("no record has %s", place)
		}
	}
}

func excused(place string) bool {
	for prefix := range unseen {
		if place == prefix || strings.HasPrefix(place, prefix+".") {
			return true
		}
	}
	return false
}

// produced reports whether a key was seen. ErrorResponse, NoticeResponse and the
// error of a query have their fields in common.
func (c *recordChecker) produced(place string) bool {
	for _, p := range []string{"query.error.", "connection.error.", "message.NoticeResponse.body."} {
		if field, ok := strings.CutPrefix(place, p); ok {
			place = "message.ErrorResponse.body." + field
		}
	}
	return c.has(place)
}

// schemaKeys lists all keys of the schema, as the places that collect notes.
func schemaKeys(t *testing.T) []string {
	t.Helper()
	var keys []string
	for _, record := range []string{"message", "query", "connection", "stats", "notice", "finding", "transaction", "interface", "change", "server"} {
		addKeys(&keys, record, compileSchema(t, "#/$defs/"+record), 0)
	}
	for k := range messages.NumKinds {
		if bodyless(messages.Kind(k)) {
			continue
		}
		name := messages.Kind(k).String()
		addKeys(&keys, "message."+name+".body", compileSchema(t, "#/$defs/bodies/"+name), 0)
	}
	return keys
}

// bodyless reports whether a message has no fields, but for a constant.
func bodyless(k messages.Kind) bool {
	switch k {
	case messages.KindSSLRequest, messages.KindGSSENCRequest, messages.KindAuthenticationOk,
		messages.KindAuthenticationKerberosV5, messages.KindAuthenticationCleartextPassword,
		messages.KindAuthenticationGSS, messages.KindAuthenticationSSPI:
		return true
	}
	_, longest := k.BodyLen()
	return longest == 0
}

func addKeys(keys *[]string, place string, s *jsonschema.Schema, depth int) {
	for s != nil && s.Ref != nil {
		s = s.Ref
	}
	if s == nil || depth > 8 {
		return
	}
	for k, p := range s.Properties {
		*keys = append(*keys, place+"."+k)
		addKeys(keys, place+"."+k, p, depth+1)
	}
	if s.Items2020 != nil {
		addKeys(keys, place+"[]", s.Items2020, depth+1)
	}
}

// TestSchemaIsClosed wants no object of the schema to let unknown keys pass, but
// for maps, which say so. The body of a message is closed by its own schema.
func TestSchemaIsClosed(t *testing.T) {
	page, err := decodeUnique([]byte(readPage(t, schemaFile)))
	if err != nil {
		t.Fatal(err)
	}
	defs := page.(map[string]any)["$defs"].(map[string]any)
	closed := 0
	var walk func(place string, v any)
	walk = func(place string, v any) {
		object, ok := v.(map[string]any)
		if !ok {
			return
		}
		if object["type"] == "object" && place != "message.properties.body" {
			description, _ := object["description"].(string)
			switch {
			case object["additionalProperties"] == false:
				closed++
			case !strings.HasPrefix(description, "a map: "):
				t.Errorf("%s lets unknown keys pass", place)
			}
		}
		for k, x := range object {
			walk(place+"."+k, x)
		}
	}
	for name, def := range defs {
		walk(name, def)
	}
	if closed < 40 {
		t.Errorf("%d objects only", closed)
	}
	bodies := defs["bodies"].(map[string]any)
	for k := range messages.NumKinds {
		name := messages.Kind(k).String()
		if _, hasBody := bodies[name]; hasBody == bodyless(messages.Kind(k)) {
			t.Errorf("bodies: %s is there: %v", name, hasBody)
		}
	}
}

// enum returns the values that the schema allows at a place.
func enum(t *testing.T, place string) []string {
	t.Helper()
	s := compileSchema(t, place)
	for s.Ref != nil {
		s = s.Ref
	}
	if s.Enum == nil {
		t.Fatalf("%s is no enumeration", place)
	}
	var list []string
	for _, v := range s.Enum.Values {
		list = append(list, v.(string))
	}
	slices.Sort(list)
	return list
}

func sortedSet(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// TestSchemaNames wants the schema and the page to know all names and codes
// that the program can print, and no others.
func TestSchemaNames(t *testing.T) {
	page := readPage(t, jsonPage)
	var phases, states, kinds []string
	for p := range messages.NumPhases {
		phases = append(phases, messages.Phase(p).String())
	}
	for s := range tracker.NumStates {
		states = append(states, tracker.State(s).String())
	}
	for k := range messages.NumKinds {
		kinds = append(kinds, messages.Kind(k).String())
	}
	noted := stringConstants(t, "../../pkg/session/event.go", "Note")
	told := stringConstants(t, "../../pkg/session/event.go", "Notice")
	told = append(told, stringConstants(t, "../analyze/slow.go", "Notice")...)
	notes := append(stringConstants(t, "../../pkg/tracker/step.go", "Code"), noted...)
	// What is said between messages is a notice, although its code is a Note.
	const plaintext = "plaintext_injection"
	notes = slices.DeleteFunc(notes, func(s string) bool { return s == plaintext })
	told = append(told, plaintext)

	for _, e := range []struct {
		place string
		want  []string
	}{
		{"#/$defs/message/properties/phase", phases},
		{"#/$defs/message/properties/state", states},
		{"#/$defs/message/properties/msg", kinds},
		{"#/$defs/notes/items/properties/code", notes},
		{"#/$defs/notice/properties/code", told},
	} {
		want, got := sortedSet(e.want), enum(t, e.place)
		if !slices.Equal(got, want) {
			t.Errorf("%s has\n%v\nthe program has\n%v", e.place, got, want)
		}
		for _, name := range want {
			if !strings.Contains(page, "`"+name+"`") {
				t.Errorf("docs/json.md does not mention `%s`", name)
			}
		}
	}
}

// stringConstants returns the values of the constants of a file whose name is a
// prefix and something that begins in upper case.
func stringConstants(t *testing.T, path, prefix string) []string {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), filepath.FromSlash(path), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile("^" + prefix + "[A-Z]")
	var list []string
	ast.Inspect(f, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || !name.MatchString(spec.Names[0].Name) || len(spec.Values) == 0 {
			return true
		}
		if lit, ok := spec.Values[0].(*ast.BasicLit); ok && lit.Kind == token.STRING {
			s, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, s)
		}
		return true
	})
	if len(list) == 0 {
		t.Fatalf("%s has no constants %s…", path, prefix)
	}
	return list
}

func readPage(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestJSONPage wants docs/json.md to explain every key: those of records under
// the record's heading, those of bodies in the row of their message.
func TestJSONPage(t *testing.T) {
	page := readPage(t, jsonPage)
	sections := make(map[string]string)
	for _, s := range regexp.MustCompile(`(?m)^## `).Split(page, -1) {
		title, text, _ := strings.Cut(s, "\n")
		sections[strings.Trim(title, "` ")] = text
	}
	rows := make(map[string]string)
	for _, line := range strings.Split(sections["Bodies of messages"], "\n") {
		if cells := strings.Split(line, "|"); len(cells) > 3 {
			for _, name := range regexp.MustCompile("`([A-Z][A-Za-z0-9]+)`").FindAllStringSubmatch(cells[1], -1) {
				rows[name[1]] = strings.Join(cells[2:], "|")
			}
		}
	}
	for _, place := range schemaKeys(t) {
		parts := strings.Split(place, ".")
		key := strings.TrimSuffix(parts[len(parts)-1], "[]")
		where, text := parts[0], sections[parts[0]]
		if parts[0] == "message" && len(parts) > 3 && parts[2] == "body" {
			where, text = parts[1], rows[parts[1]]
			if where == "ErrorResponse" || where == "NoticeResponse" {
				text = sections["Errors and notices"]
			}
		}
		if slices.Contains(parts, "replication") {
			where, text = "replication", sections["Replication"]
		}
		if len(parts) > 2 && parts[1] == "error" {
			text = sections["Errors and notices"]
		}
		if !strings.Contains(text, "`"+key+"`") {
			t.Errorf("docs/json.md does not explain `%s` of %s", key, where)
		}
	}
	for k := range messages.NumKinds {
		if name := messages.Kind(k).String(); rows[name] == "" {
			t.Errorf("docs/json.md has no row for %s", name)
		}
	}
}
