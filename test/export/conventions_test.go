package export

import (
	"os"
	"path/filepath"
	"testing"
)

// TestConventions holds what spans say against OpenTelemetry's conventions for PostgreSQL
// (docs/db/postgresql.md and database-spans.md of version 1.44), row by row.
func TestConventions(t *testing.T) {
	setting := func(name, value string) func(*pcapBuilder) {
		return func(b *pcapBuilder) { b.reply("S", name+"\x00"+value+"\x00") }
	}
	ask := func(text string, tags ...string) func(*pcapBuilder) {
		return func(b *pcapBuilder) {
			b.request("Q", text+"\x00")
			for _, tag := range tags {
				b.reply("C", tag+"\x00")
			}
			b.reply("Z", "I")
		}
	}
	fail := func(text, kind, fields string) func(*pcapBuilder) {
		return func(b *pcapBuilder) {
			b.request("Q", text+"\x00")
			b.reply(kind, fields)
			if kind == "N" {
				b.reply("C", "ROLLBACK\x00")
			}
			b.reply("Z", "I")
		}
	}
	const none = "" // the attribute is not sent
	for _, test := range []struct {
		name  string
		about string // of the startup packet, beside user and database
		say   []func(*pcapBuilder)
		span  string // its name; empty where the conventions leave it open
		want  map[string]string
	}{
		{"the database alone", "", []func(*pcapBuilder){ask("select 1", "SELECT 1")}, "select", map[string]string{
			"db.system.name": "postgresql", "db.namespace": "appdb", "db.query.text": "select $1", "db.query.summary": "select",
			"db.operation.batch.size": none, "db.response.status_code": none, "error.type": none, "db.operation.name": none,
			"db.collection.name": none, "db.response.returned_rows": none, "db.query.parameter.0": none,
			"server.address": "10.0.0.2", "server.port": none, "network.peer.address": "10.0.0.2", "network.peer.port": "5432",
			"client.address": "10.0.0.1", "client.port": "40000",
		}},
		{"the schema as the server reports it", "", []func(*pcapBuilder){setting("search_path", `sales, public`), ask("select 1", "SELECT 1")}, "select", map[string]string{"db.namespace": "appdb|sales"}},
		{"a quoted name", "", []func(*pcapBuilder){setting("search_path", `"My ""Shop""", public`), ask("select 1", "SELECT 1")}, "select", map[string]string{"db.namespace": `appdb|My "Shop"`}},
		{"the user's schema, if there is one", "", []func(*pcapBuilder){setting("search_path", `"$user", public`), ask("select 1", "SELECT 1")}, "select", map[string]string{"db.namespace": "appdb"}},
		{"no schema", "", []func(*pcapBuilder){setting("search_path", `""`), ask("select 1", "SELECT 1")}, "select", map[string]string{"db.namespace": "appdb"}},
		{"as the connection began", "search_path\x00sales,public\x00", []func(*pcapBuilder){ask("select 1", "SELECT 1")}, "select", map[string]string{"db.namespace": "appdb|sales"}},
		{"options", "options\x00-c geqo=off -csearch_path=a\\ b,c --work-mem=1MB\x00", []func(*pcapBuilder){ask("select 1", "SELECT 1")}, "select", map[string]string{"db.namespace": "appdb|a"}},
		{"a long option", "options\x00--search-path=sales\x00", []func(*pcapBuilder){ask("select 1", "SELECT 1")}, "select", map[string]string{"db.namespace": "appdb|sales"}},
		{"the report goes before the beginning", "search_path\x00sales\x00", []func(*pcapBuilder){setting("search_path", "other"), ask("select 1", "SELECT 1")}, "select", map[string]string{"db.namespace": "appdb|other"}},
		{"an error", "", []func(*pcapBuilder){fail("select x", "E", "SERROR\x00VERROR\x00C42703\x00Mno column\x00\x00")}, "select", map[string]string{"db.response.status_code": "42703", "error.type": "42703"}},
		{"a warning, whose class is that of errors", "", []func(*pcapBuilder){fail("rollback", "N", "SWARNUNG\x00VWARNING\x00C25P01\x00Mno transaction\x00\x00")}, "rollback", map[string]string{"db.response.status_code": "25P01", "error.type": none}},
		{"a notice", "", []func(*pcapBuilder){fail("rollback", "N", "SNOTICE\x00VNOTICE\x00C00000\x00Mhello\x00\x00")}, "rollback", map[string]string{"db.response.status_code": none, "error.type": none}},
		{"a batch of different statements", "", []func(*pcapBuilder){ask("select 1 from a; delete from b where c = 2;", "SELECT 1", "DELETE 1")}, "BATCH", map[string]string{
			"db.query.summary": "BATCH", "db.operation.batch.size": "2", "db.query.text": "select $1 from a; delete from b where c = $2",
		}},
		{"a batch of equal ones", "", []func(*pcapBuilder){ask("insert into t values (1, 'a'); insert into t values (2, 'b');insert into t values (3, 'c')", "INSERT 0 1", "INSERT 0 1", "INSERT 0 1")}, "BATCH insert t", map[string]string{
			"db.query.summary": "BATCH insert t", "db.operation.batch.size": "3", "db.query.text": "insert into t values ($1, $2)",
		}},
		{"a batch that fails", "", []func(*pcapBuilder){fail("delete from t; delete from t", "E", "SERROR\x00VERROR\x00C42P01\x00Mno table\x00\x00")}, "BATCH delete t", map[string]string{"db.operation.batch.size": "2", "db.query.text": "delete from t"}},
		{"one statement and a semicolon", "", []func(*pcapBuilder){ask("select 1;", "SELECT 1")}, "select", map[string]string{"db.operation.batch.size": none}},
		{"a body of statements", "", []func(*pcapBuilder){ask("create function f() returns int begin atomic select 1; select 2; end", "CREATE FUNCTION")}, "", map[string]string{"db.operation.batch.size": none}},
		{"a procedure", "", []func(*pcapBuilder){ask("CALL shop.Restock(1, 'x')", "CALL")}, "CALL shop.Restock", map[string]string{"db.stored_procedure.name": "shop.Restock", "db.query.summary": "CALL shop.Restock"}},
		{"a batch of one procedure", "", []func(*pcapBuilder){ask("call p(1); call p(2)", "CALL", "CALL")}, "BATCH call p", map[string]string{"db.stored_procedure.name": "p"}},
		{"parameters", "", []func(*pcapBuilder){func(b *pcapBuilder) {
			b.request("P", "\x00select a from t where b = $1 and c = 'kept'\x00\x00\x00")
			b.request("B", "\x00\x00\x00\x00\x00\x01\x00\x00\x00\x02xy\x00\x00")
			b.request("E", "\x00\x00\x00\x00\x00")
			b.request("S", "")
			b.reply("1", "")
			b.reply("2", "")
			b.reply("C", "SELECT 0\x00")
			b.reply("Z", "I")
		}}, "select t", map[string]string{"db.query.text": "select a from t where b = $1 and c = 'kept'", "db.query.parameter.0": none}},
		{"a statement that was prepared before the capture", "", []func(*pcapBuilder){func(b *pcapBuilder) {
			b.request("B", "\x00old\x00\x00\x00\x00\x00\x00\x00")
			b.request("E", "\x00\x00\x00\x00\x00")
			b.request("S", "")
			b.reply("2", "")
			b.reply("C", "SELECT 0\x00")
			b.reply("Z", "I")
		}}, "SELECT appdb", map[string]string{"db.operation.name": "SELECT", "db.query.text": none, "db.query.summary": none}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var b pcapBuilder
			b.openWith(test.about)
			for _, say := range test.say {
				say(&b)
			}
			path := filepath.Join(t.TempDir(), "a.pcap")
			if err := os.WriteFile(path, b.buf, 0o600); err != nil {
				t.Fatal(err)
			}
			spans := spansIn(t, pgsniff(t, "read", "-q", path, "-o", "otlp"))
			if len(spans) != 1 || test.span != "" && spans[0].Name != test.span || spans[0].Kind != 3 {
				t.Fatalf("%+v", spans)
			}
			for key, want := range test.want {
				if got := spans[0].attribute(key); got != want {
					t.Errorf("%s is %q, want %q", key, got, want)
				}
			}
			code := 0
			if spans[0].attribute("error.type") != "" {
				code = 2
			}
			if spans[0].Status.Code != code {
				t.Errorf("status %d, want %d", spans[0].Status.Code, code)
			}
		})
	}
}
