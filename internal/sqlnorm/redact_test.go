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
		"alter user a password /* it is */ -- here\n '<redacted>'",
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
		"begin; alter role a password '<redacted>'; select 'x'",
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
		"subscription without password", "CREATE SUBSCRIPTION s CONNECTION 'host=h user=u' PUBLICATION p",
		"CREATE SUBSCRIPTION s CONNECTION 'host=h user=u' PUBLICATION p",
	},
	{"system", "ALTER SYSTEM SET primary_conninfo = 'host=h password = ''hunter2'''", "ALTER SYSTEM SET primary_conninfo = '<redacted>'"},
	{"dblink", "select dblink_connect('c', 'dbname=d password=hunter2')", "select dblink_connect('c', '<redacted>')"},
	{
		"dblink with a URI", "SELECT * FROM dblink('postgres://u:hunter2@h:5432/d', 'select 1') AS t(a int)",
		"SELECT * FROM dblink('<redacted>', 'select 1') AS t(a int)",
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
		"do $$ begin execute format('<redacted>', '<redacted>', '<redacted>'); perform 'x'; end $$",
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
		"a query's own data", "select * from users where password = 'x' and name = 'password'",
		"select * from users where password = 'x' and name = 'password'",
	},
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

// TestNormalisedHasNoSecret: once a statement is normalised, it needs no
// redaction, provided that its secrets were constants.
func TestNormalisedHasNoSecret(t *testing.T) {
	for _, tt := range redactCases {
		sql := []byte(tt.sql)
		switch tt.name {
		case "wrong quotes", "no quotes": // the server takes them for names
			sql = Redact(nil, sql)
		}
		if got := Append(nil, sql); bytes.Contains(got, []byte("hunter2")) || bytes.Contains(got, []byte("1234")) {
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
	for pad := range 12 {
		for _, word := range []string{"passw", "PASSWORD", "xpAsSwOrdx"} {
			for _, end := range []string{"", " ", "      "} {
				sql := strings.Repeat(" ", pad) + word + end
				if !mentionsPassword([]byte(sql)) {
					t.Errorf("mentionsPassword(%q) is false", sql)
				}
			}
		}
		if sql := strings.Repeat("pas", pad) + "pass word"; mentionsPassword([]byte(sql)) {
			t.Errorf("mentionsPassword(%q)", sql)
		}
	}
}

// FuzzRedact: what is redacted is redacted once and for all, and nothing but
// constants and what follows PASSWORD is replaced.
func FuzzRedact(f *testing.F) {
	for _, tt := range redactCases {
		f.Add([]byte(tt.sql))
	}
	f.Fuzz(func(t *testing.T, sql []byte) {
		out := Redact(nil, sql)
		if !MayHoldSecret(sql) && !bytes.Equal(out, sql) {
			t.Fatalf("%q became %q", sql, out)
		}
		kept := sql
		for i, piece := range bytes.Split(out, []byte(Redacted)) {
			n := bytes.Index(kept, piece)
			if n < 0 || i == 0 && n > 0 {
				t.Fatalf("%q became %q: %q is not from there", sql, out, piece)
			}
			kept = kept[n+len(piece):]
		}
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
