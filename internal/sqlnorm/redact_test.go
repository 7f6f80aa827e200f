package sqlnorm

import (
	"bytes"
	"strings"
	"testing"
)

// redactCases have the word hunter2 wherever a secret stands in the statement.
var redactCases = []struct{ name, sql, want string }{
	{
		"role", "ALTER ROLE a WITH LOGIN PASSWORD 'hunter2' VALID UNTIL '2030-01-01'",
		"ALTER ROLE a WITH LOGIN PASSWORD '<redacted>' VALID UNTIL '2030-01-01'",
	},
	{"user", "create user a encrypted password 'hunter2';", "create user a encrypted password '<redacted>';"},
	{"group", "CREATE GROUP g PassWord E'hunter2\\''", "CREATE GROUP g PassWord '<redacted>'"},
	{"dollar quoted", "alter user a password $p$hunter2$p$", "alter user a password '<redacted>'"},
	{"Unicode", "alter user a password U&'hunter2' UESCAPE '!'", "alter user a password '<redacted>' UESCAPE '!'"},
	{
		"comment between", "alter user a password /* it is */ -- here\n 'hunter2'",
		"alter user a password /* <redacted> */ '<redacted>'",
	},
	{"continued", "alter user a password 'hunter2'\n'hunter2' login", "alter user a password '<redacted>' login"},
	{"cut", "alter user a password 'hunter2", "alter user a password '<redacted>'"},
	{"wrong quotes", `alter user a password "hunter2" login`, `alter user a password '<redacted>' login`},
	{"no quotes", `alter user a password hunter2`, `alter user a password '<redacted>'`},
	{"a number", `create role a password 1234 login`, `create role a password '<redacted>' login`},
	{"equals sign", `alter user a password = 'hunter2'`, `alter user a password = '<redacted>'`},
	{"no password", "alter role a password null login", "alter role a password null login"},
	{"role called password", "alter role password login", "alter role password login"},
	{"role called token", "create role token login password 'hunter2'", "create role token login password '<redacted>'"},
	{
		"second statement", "begin; alter role a password 'hunter2'; select 'x'",
		"begin; alter role a password '<redacted>'; select '<redacted>'",
	},
	{
		"user mapping", "CREATE USER MAPPING FOR u SERVER s OPTIONS (user 'u', password 'hunter2')",
		"CREATE USER MAPPING FOR u SERVER s OPTIONS (user 'u', password '<redacted>')",
	},
	{
		"quoted option", `ALTER USER MAPPING FOR u SERVER s OPTIONS (SET "password" 'hunter2', ADD user 'x')`,
		`ALTER USER MAPPING FOR u SERVER s OPTIONS (SET "password" '<redacted>', ADD user 'x')`,
	},
	{
		"other options", "create server s foreign data wrapper w options (sslpassword 'hunter2', secret_key 'hunter2', host 'h', password_required 'false')",
		"create server s foreign data wrapper w options (sslpassword '<redacted>', secret_key '<redacted>', host 'h', password_required 'false')",
	},
	{
		"subscription", "CREATE SUBSCRIPTION s CONNECTION 'host=h password=hunter2' PUBLICATION p",
		"CREATE SUBSCRIPTION s CONNECTION '<redacted>' PUBLICATION p",
	},
	{"URI", "ALTER SUBSCRIPTION s CONNECTION 'postgresql://u:hunter2@h/d'", "ALTER SUBSCRIPTION s CONNECTION '<redacted>'"},
	{
		"subscription without password", "CREATE SUBSCRIPTION s CONNECTION 'host=h user=u' PUBLICATION p WITH (slot_name = 'x')",
		"CREATE SUBSCRIPTION s CONNECTION '<redacted>' PUBLICATION p WITH (slot_name = '<redacted>')",
	},
	{"system", "ALTER SYSTEM SET primary_conninfo = 'host=h password = ''hunter2'''", "ALTER SYSTEM SET primary_conninfo = '<redacted>'"},
	{"dblink", "select dblink_connect('c', 'dbname=d password=hunter2')", "select dblink_connect('<redacted>', '<redacted>')"},
	{
		"dblink with a URI", "SELECT * FROM dblink('postgres://u:hunter2@h:5432/d', 'select 1') AS t(a int)",
		"SELECT * FROM dblink('<redacted>', '<redacted>') AS t(a int)",
	},
	{"setting", "set app.password = 'hunter2'; SET my.api_key TO 'hunter2'", "set app.password = '<redacted>'; SET my.api_key TO '<redacted>'"},
	{"setting about passwords", "set password_encryption = 'md5'", "set password_encryption = 'md5'"},
	{"code", "DO $$ BEGIN ALTER ROLE a PASSWORD 'hunter2'; END $$", "DO $$ BEGIN ALTER ROLE a PASSWORD '<redacted>'; END $$"},
	{
		"code in code", "DO $a$ BEGIN EXECUTE $b$ ALTER ROLE a PASSWORD 'hunter2' $b$; END $a$",
		"DO $a$ BEGIN EXECUTE $b$ ALTER ROLE a PASSWORD '<redacted>' $b$; END $a$",
	},
	{"cut code", "DO $$ BEGIN ALTER ROLE a PASSWORD 'hunt", "DO $$ BEGIN ALTER ROLE a PASSWORD '<redacted>'"},
	{"dynamic SQL", "DO $$ BEGIN EXECUTE 'ALTER ROLE a PASSWORD ''hunter2'' LOGIN'; END $$", "DO $$ BEGIN EXECUTE '<redacted>'; END $$"},
	{
		"format", "do $$ begin execute format('alter role %I password %L', 'a', 'hunter2'); perform 'x'; end $$",
		"do $$ begin execute format('<redacted>', '<redacted>', '<redacted>'); perform '<redacted>'; end $$",
	},
	{
		"concatenation", "select exec('create user a password ' || quote_literal('hunter2'))",
		"select exec('<redacted>' || quote_literal('<redacted>'))",
	},
	{
		"connection string in dollar quotes", "create subscription s connection $$host=h password=hunter2$$ publication p",
		"create subscription s connection '<redacted>' publication p",
	},

	{
		"compared", "select * from users where password = 'hunter2' and name = 'bob' limit 1000",
		"select * from users where password = '<redacted>' and name = '<redacted>' limit 1000",
	},
	{
		"inserted", "insert into users(name, api_key, age) values ('bob', 'hunter2', 42)",
		"insert into users(name, api_key, age) values ('<redacted>', '<redacted>', 42)",
	},
	{
		"a query that reads it", `select "u"."id", "u"."password" from "users" "u" where "u"."name" = 'bob'`,
		`select "u"."id", "u"."password" from "users" "u" where "u"."name" = 'bob'`,
	},
	{"a quoted name that is none", `set app.secret = "hunter2", 'hunter2'`, `set app.secret = '<redacted>', '<redacted>'`},
	{"a comment", "select 1 -- the password is hunter2\n, 2", "select 1 /* <redacted> */ , 2"},
	{
		"a foreign table", "create foreign table t (a int) server s options (table_name 't', password 'hunter2')",
		"create foreign table t (a int) server s options (table_name 't', password '<redacted>')",
	},
	{"no end in sight", `alter role a password 'x\' hunter2'; select 1`, `alter role a password '<redacted>'`},
	{"stuck together", `alter role a password 'hun'hunter2'; select 1`, `alter role a password '<redacted>'`},
	{"a table", "create table users (password varchar(64), name text default 'x')", "create table users (password varchar(64), name text default 'x')"},
	{"a default", "create table users (name text default 'x', password varchar(64) default 'hunter2')", "create table users (name text default '<redacted>', password varchar(64) default '<redacted>')"},
	{"a constraint", "alter table users add a text default 'x', add check (password <> 'hunter2')", "alter table users add a text default '<redacted>', add check (password <> '<redacted>')"},
	{"a table of a query", "create table t (password, n) as select 'hunter2', 'x'", "create table t (password, n) as select '<redacted>', '<redacted>'"},
	{"set_config", "select set_config('search_path', 'a', false)", "select set_config('search_path', 'a', false)"},
	{
		"links", "update t set url = 'https://example.com/a:b@c' where url like 'http://%'",
		"update t set url = 'https://example.com/a:b@c' where url like 'http://%'",
	},
	{"bytes stay", "\x00 select 1;\n\n-- \xff\n select '", "\x00 select 1;\n\n-- \xff\n select '"},
	{"text in dollar quotes", "do $$ it's code; $$", "do $$ it's code; $$"},
}

func TestRedact(t *testing.T) {
	for _, tt := range redactCases {
		t.Run(tt.name, func(t *testing.T) {
			got := string(Redact([]byte("kept|"), []byte(tt.sql)))
			if got != "kept|"+tt.want {
				t.Errorf("Redact(%q)\n got %q\nwant %q", tt.sql, got, "kept|"+tt.want)
			}
		})
	}
}

// TestNormalisedHasNoSecret: what is normalised after it was redacted has no secret.
func TestNormalisedHasNoSecret(t *testing.T) {
	for _, tt := range redactCases {
		if got := Append(nil, Redact(nil, []byte(tt.sql))); bytes.Contains(got, []byte("hunter2")) || bytes.Contains(got, []byte("1234")) {
			t.Errorf("%s: %q became %q", tt.name, tt.sql, got)
		}
	}
}

// TestSecretsNeverSurviveCuts cuts every statement everywhere.
func TestSecretsNeverSurviveCuts(t *testing.T) {
	for _, tt := range redactCases {
		sql := tt.sql
		for n := range len(sql) {
			if got := Redact(nil, []byte(sql[:n])); strings.Contains(string(got), "hunter2") {
				t.Errorf("Redact(%q) = %q", sql[:n], got)
			}
		}
	}
}

func TestMayHoldSecret(t *testing.T) {
	for _, sql := range []string{
		"SELECT abalance FROM pgbench_accounts WHERE aid = 12345;",
		"insert into t values (1, 'pass'), (2, 'a:b')",
		"with a as (select 1) select * from a",
		"BEGIN;", "", ";",
	} {
		if MayHoldSecret([]byte(sql)) {
			t.Errorf("MayHoldSecret(%q)", sql)
		}
	}
}

// FuzzRedact: nothing is added but the marks, and what is quick to say of a text
// is true.
func FuzzRedact(f *testing.F) {
	for _, tt := range redactCases {
		f.Add([]byte(tt.sql))
	}
	for _, sql := range statementsWithSecrets(f) {
		f.Add([]byte(sql))
	}
	f.Fuzz(func(t *testing.T, sql []byte) {
		out, found := RedactText(nil, sql, false)
		if !MayHoldSecret(sql) && (!bytes.Equal(out, sql) || found != 0) {
			t.Fatalf("%q became %q", sql, out)
		}
		if changed := !bytes.Equal(out, sql); found&Hidden == 0 && changed {
			t.Fatalf("%q became %q, and it is not said", sql, out)
		}
		kept := sql
		marked := bytes.ReplaceAll(out, []byte(redactedComment), []byte(Redacted))
		for i, piece := range bytes.Split(marked, []byte(Redacted)) {
			n := bytes.Index(kept, piece)
			if n < 0 || i == 0 && n > 0 {
				t.Fatalf("%q became %q: %q is not from there", sql, out, piece)
			}
			kept = kept[n+len(piece):]
		}
		RedactAll(nil, sql)
		none := func([]byte) {}
		Casts(sql, none)
		Parents(sql, none)
		TokenParameters(sql)
		Renames(sql, NamesTokens, none)
		Aliases(sql, none)
		HoldsSecret(sql)
		HasToken(sql)
		InHex(sql)
	})
}

func BenchmarkRedact(b *testing.B) {
	for _, bb := range []struct{ name, sql string }{
		{"ordinary", "select * from t where a = $1 and b = $2::int4 and c like '%$3%' limit 10 offset 20"},
		{"role", "ALTER ROLE a WITH LOGIN PASSWORD 'hunter2' VALID UNTIL '2030-01-01'"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			var dst []byte
			for b.Loop() {
				dst = Redact(dst[:0], []byte(bb.sql))
			}
		})
	}
}
