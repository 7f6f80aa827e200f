package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/internal/render"
	"github.com/pgsniff/pgsniff/internal/test/hostile"
	"github.com/pgsniff/pgsniff/internal/test/samples"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

const schemaFile = "../../docs/schema.json"

// compileSchema returns the schema at a place in docs/schema.json.
func compileSchema(t *testing.T, place string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	s, err := c.Compile(schemaFile + place)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// recordChecker checks lines of output against the schema and the rules that a
// schema cannot express: keys are unique and have one type.
type recordChecker struct {
	schema *jsonschema.Schema            // of any record
	byType map[string]*jsonschema.Schema // of one type: the same, sooner
	rows   int                           // of the output at hand
	types  map[string]map[string]bool    // of each key, by record and place
}

func newRecordChecker(t *testing.T) *recordChecker {
	c := &recordChecker{
		schema: compileSchema(t, ""), byType: make(map[string]*jsonschema.Schema), types: make(map[string]map[string]bool),
	}
	for _, name := range []string{"message", "query", "connection", "stats", "notice", "finding", "transaction", "interface", "server"} {
		c.byType[name] = compileSchema(t, "#/$defs/"+name)
	}
	return c
}

// maxRows is how many rows of one output are validated; all are decoded.
const maxRows = 100

// lines checks output and reports the first line that is wrong.
func (c *recordChecker) lines(t *testing.T, name string, out []byte) {
	t.Helper()
	c.rows = 0
	for n, line := range bytes.Split(bytes.TrimSuffix(out, []byte("\n")), []byte("\n")) {
		if len(line) == 0 {
			continue
		}
		if err := c.line(line); err != nil {
			t.Errorf("%s, line %d: %v\n%s", name, n+1, err, line)
			return
		}
	}
}

func (c *recordChecker) line(line []byte) error {
	v, err := decodeUnique(line)
	if err != nil {
		return err
	}
	record, ok := v.(map[string]any)
	if !ok {
		return errors.New("no object")
	}
	name, _ := record["type"].(string)
	schema := c.byType[name]
	if schema == nil || !c.has(name) {
		schema = c.schema
	}
	c.collect(name, record)
	if msg, ok := record["msg"].(string); ok {
		name += "." + msg
		c.collect(name, record)
	}
	if name == "message.DataRow" || name == "message.CopyData" {
		if c.rows++; c.rows > maxRows {
			return nil
		}
	}
	return schema.Validate(v)
}

// collect notes the types of all keys.
func (c *recordChecker) collect(place string, v any) {
	kind := fmt.Sprintf("%T", v)
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			c.collect(place+"."+k, x)
		}
	case []any:
		for _, x := range v {
			c.collect(place+"[]", x)
		}
	}
	if c.types[place] == nil {
		c.types[place] = make(map[string]bool)
	}
	c.types[place][kind] = true
}

// has reports whether a key was seen.
func (c *recordChecker) has(place string) bool { return len(c.types[place]) > 0 }

// decodeUnique decodes one JSON value whose objects have no key twice.
func decodeUnique(line []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	v, err := decodeNext(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the object")
	}
	return v, nil
}

func decodeNext(d *json.Decoder) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t {
	case json.Delim('{'):
		object := make(map[string]any)
		for d.More() {
			k, err := d.Token()
			if err != nil {
				return nil, err
			}
			if _, twice := object[k.(string)]; twice {
				return nil, fmt.Errorf("the key %q comes twice", k)
			}
			if object[k.(string)], err = decodeNext(d); err != nil {
				return nil, err
			}
		}
		_, err = d.Token()
		return object, err
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := decodeNext(d)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err = d.Token()
		return list, err
	}
	return t, nil
}

// allViews are the arguments for all that a capture gives.
func allViews(name string, more ...string) []string {
	args := append([]string{"read", name, "--json", "--view", "messages,queries,connections,stats,changes,transactions"}, more...)
	keys := strings.TrimSuffix(name, filepath.Ext(name)) + ".keys"
	if _, err := os.Stat(keys); err == nil {
		args = append(args, "--keylog", keys)
	}
	return args
}

// TestSchema validates all records of all captures, and of all samples, and
// wants the schema to hold nothing that none of them has.
func TestSchema(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(pcaps, "*.pcap*"))
	if err != nil || len(files) == 0 {
		t.Fatal("no captures", err)
	}
	c := newRecordChecker(t)
	for _, f := range files {
		c.lines(t, f, output(t, allViews(f, "--slow", "50ms")...))
		c.lines(t, f+" with all options", output(t,
			allViews(f, "--fields", "state", "--show-secrets", "--max-value-bytes", "10", "--top", "0", "--every", "1s")...))
	}
	for _, f := range illnesses(t) {
		c.lines(t, f, output(t, "read", f, "--json", "--view", "findings"))
	}
	const lossy = "../../testdata/illness/retransmit_request_lost.pcap.xz"
	c.lines(t, lossy, output(t, "read", lossy, "--json", "--view", "queries"))
	for _, name := range []string{"bouncer", "tls_unknown_ca"} {
		c.lines(t, name, output(t, allViews(manners+name+".pcapng.xz", "--port", theirPorts)...))
	}
	for _, s := range samples.All() {
		c.lines(t, "sample "+s.Name, renderSample(s, s.Body()))
	}
	c.lines(t, "interfaces", interfaceLines(t))
	for _, r := range replications {
		if r.capture == "" {
			c.lines(t, r.name, output(t, allViews(replicationPath(r.name, ""))...))
		}
	}
	c.lines(t, "made replication", madeReplication(t))
	c.lines(t, "given up", givenUp(t))
	c.lines(t, "doubtful", doubtfulRecords(t))
	c.lines(t, "sampled", output(t, allViews(filepath.Join(pcaps, "psql_simple.pcap"), "--histograms")...))
	c.lines(t, "sampled", output(t, "read", filepath.Join(pcaps, "psql_simple.pcap"), "--json", "--view", "queries", "--sample", "2"))
	checkOneType(t, c)
	checkSchemaUsed(t, c)
}

// TestSchemaOfBrokenMessages validates the records of messages that end too
// early, at every byte, and of such that are longer than they should be.
func TestSchemaOfBrokenMessages(t *testing.T) {
	c := newRecordChecker(t)
	for _, s := range samples.All() {
		body := s.Body()
		for n := range body {
			c.lines(t, fmt.Sprintf("the first %d bytes of %s", n, s.Name), renderSample(s, body[:n]))
		}
		c.lines(t, s.Name+" and a byte", renderSample(s, append(body[:len(body):len(body)], 0xfe)))
	}
}

// TestSchemaOfDamagedCaptures validates what is printed of captures in which
// packets are changed, lost, cut or out of order.
func TestSchemaOfDamagedCaptures(t *testing.T) {
	c := newRecordChecker(t)
	for _, name := range []string{"libpq_extended", "portal_suspend", "auth_scram", "pgbouncer", "negotiate_pg18"} {
		whole, err := os.ReadFile(capturePath(name))
		if err != nil {
			t.Fatal(err)
		}
		f, err := hostile.ParsePcap(whole)
		if err != nil {
			t.Fatal(err)
		}
		for seed := range uint64(2) {
			for _, m := range hostile.Mutations {
				damaged := f.Clone()
				m.Do(hostile.Rand(seed), damaged)
				var out, stderr bytes.Buffer
				env := &Env{
					In: bytes.NewReader(damaged.Bytes()), Out: &out, Err: &stderr, Now: time.Now,
					Getenv: func(string) string { return "" }, Width: func() int { return 0 },
				}
				if code := Run(env, allViews("-", "--fields", "state", "--max-value-bytes", "20")); code != ExitOK {
					t.Errorf("%s, %s: status %d: %s", name, m.Name, code, stderr.Bytes())
				}
				c.lines(t, fmt.Sprintf("%s, %s, seed %d", name, m.Name, seed), out.Bytes())
			}
		}
	}
}

// TestSchemaRefuses wants the schema to refuse what is no record.
func TestSchemaRefuses(t *testing.T) {
	c := newRecordChecker(t)
	const head = `{"type":"message","conn":1,"client":"10.0.0.1:50000","server":"10.0.0.2:5432","frame":1,"dir":"frontend","msg":"Query","tag":"Q","len":14,`
	if err := c.line([]byte(head + `"phase":"ready","body":{"query":"select 1"}}`)); err != nil {
		t.Fatal(err)
	}
	for _, rest := range []string{
		`"phase":"ready","body":{"query":"select 1"},"color":"red"}`,
		`"phase":"sleeping","body":{"query":"select 1"}}`,
		`"phase":"ready","body":{"query":"select 1","portal":""}}`,
		`"phase":"ready","body":{"query":1}}`,
		`"phase":"ready","body":{}}`,
		`"phase":"ready"}`,
		`"phase":"ready","phase":"ready","body":{"query":"select 1"}}`,
		`"phase":"ready","tx":"X","body":{"query":"select 1"}}`,
		`"phase":"ready","truncated":false,"body":{"query":"select 1"}}`,
		`"phase":"ready","body":{"query":"select 1"},"notes":[{"code":"odd","text":""}]}`,
	} {
		if c.line([]byte(head+rest)) == nil {
			t.Errorf("passes: %s%s", head, rest)
		}
	}
	if c.line([]byte(`{"type":"stats","packets":1}`)) == nil || c.line([]byte(`{"type":"summary"}`)) == nil {
		t.Error("a stats record without its keys, or an unknown record, passes")
	}
}

// TestKeysAreUnique wants names from the wire that repeat, or that are equal
// once they are UTF-8, to become different keys.
func TestKeysAreUnique(t *testing.T) {
	pairs := "a\x00" + "1\x00" + "a#2\x00" + "2\x00" + "a\x00" + "3\x00" + "a\x00" + "4\x00" + "\xff\x00" + "5\x00" + "\xfe\x00" + "6\x00"
	body := []byte("\x00\x03\x00\x00" + pairs + "\x00")
	s := samples.Sample{Kind: messages.KindStartupMessage, Direction: messages.Frontend}
	out := renderSample(s, body)
	newRecordChecker(t).lines(t, "repeated names", out)
	want := `"parameters":{"a":"1","a#2":"2","a#3":"3","a#4":"4","` + "\ufffd" + `":"5","` + "\ufffd" + `#2":"6"}`
	if !bytes.Contains(out, []byte(want)) {
		t.Errorf("got %s\nwant %s", out, want)
	}
}

// renderSample renders the record of a message that has the sample's kind.
func renderSample(s samples.Sample, body []byte) []byte {
	var out bytes.Buffer
	w := render.NewJSON(&out, render.Options{ShowSecrets: true, States: true})
	e := &session.Event{Session: &session.Session{ID: 1, Client: "10.0.0.1:50000", Server: "[2001:db8::1]:5432"}, Tag: s.Kind.Tag()}
	e.Kind, e.Direction, e.Body, e.Len = s.Kind, s.Direction, body, len(s.Wire)
	e.At = session.Stamp{Time: 1_700_000_000_000_000_000, Frame: 1}
	e.Step.Phase = s.Phase
	if e.Tag == 0 && s.Kind == messages.KindUnknown {
		e.Tag = '@'
	}
	w.Message(e)
	_ = w.Flush() // a buffer takes all
	return out.Bytes()
}

func interfaceLines(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	list := []capture.InterfaceInfo{
		{Name: "lo", Addresses: []string{"127.0.0.1/8"}, MTU: 65536},
		{Name: "eth0", MTU: 1500, Type: "ethernet", Hardware: []byte{2, 0, 0, 0, 0, 1}},
	}
	if err := writeInterfaces(&out, list, true); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
