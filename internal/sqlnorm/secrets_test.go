package sqlnorm

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// canary stands for the secret in testdata/secrets.json.
const canary = "CANARYZQ"

// statementsWithSecrets are statements that were sent to a server, with a secret in
// each.
func statementsWithSecrets(t testing.TB) (list []string) {
	t.Helper()
	b, err := os.ReadFile("testdata/secrets.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	return list
}

// unknowable are those whose secret no rule can tell from data: what a function of
// the user's does with its argument is known to the server alone.
var unknowable = []string{"SELECT f_call('CANARYZQ')", "select f_err('CANARYZQ')", "select f_conn('CANARYZQ')"}

func TestStatementsWithSecrets(t *testing.T) {
	for _, sql := range statementsWithSecrets(t) {
		holds(t, sql, slices.Contains(unknowable, sql))
	}
}

// holds checks that nothing of a statement's secret is left by any level.
func holds(t *testing.T, sql string, known bool) {
	t.Helper()
	out, found := RedactText(nil, []byte(sql), false)
	if shown := strings.Contains(string(out), canary); shown != known {
		t.Errorf("%q became %q", sql, out)
	} else if !shown && found&Hidden == 0 {
		t.Errorf("%q: not said to have a secret", sql)
	}
	if n := Append(nil, out); !known && strings.Contains(string(n), canary) {
		t.Errorf("%q is normalised to %q", sql, n)
	}
	if all := RedactAll(nil, []byte(sql)); strings.Contains(string(all), canary) {
		t.Errorf("%q became %q", sql, all)
	}
}

// quotings are the ways of writing a constant, the last ones wrong.
var quotings = []string{
	"'%s'", "'a b %s'", "'it''s %s'", "E'%s'", "e'\\x41%s'", "E'it\\'s %s'", "U&'%s'", "u&'\\0061%s' UESCAPE '!'", "N'%s'", "B'%s'",
	"$$%s$$", "$x$%s$x$", "$a1$it's %s$a1$", "'a'\n'%s'", "'a' -- '\n  '%s'", "'%s\x01\x1b[31m'", "('%s')", "= '%s'", "/* x */ '%s'", "\t\r\n\f'%s'",
	"'%s", "$$%s", "$x$%s$$", "'it\\'s %s'", "'x' '%s'", "'' || '%s'", "'x'%s'", "'x'y%s",
}

// places are where a constant may be a secret.
var places = []string{
	"ALTER ROLE r PASSWORD %s", "CREATE USER u WITH ENCRYPTED PASSWORD %s", "create group g password %s login",
	"CREATE ROLE r IN ROLE a, b PASSWORD %s ADMIN c", "ALTER USER r VALID UNTIL 'infinity' PASSWORD %s", "ALTER ROLE r PASWORD %s", "ALTER ROLE r PASSWRD %s",
	"alter user r identified by %s", "GRANT a TO b IDENTIFIED BY %s", "ALTRE ROLE r PASSWORD %s", "ALTER ROL r PASWORD %s",
	"select 1; ALTER ROLE r PASSWORD %s; select 2", "begin;\n-- x\n/* y */ alter role r password %s", "ALTER ROLE r SET my.token = %s", "ALTER ROLE r IN DATABASE d SET my.secret TO %s",
	"SET my.secret = %s", "SET LOCAL my.password TO %s", `SET SESSION "my.api_key" = %s`, "set my.secret to 'a', %s",
	"ALTER DATABASE d SET my.private_key = %s", "ALTER SYSTEM SET primary_conninfo = %s", "ALTER SYSTEM SET archive_command = %s",
	"SELECT set_config('my.secret', %s, false)", "SELECT pg_catalog.set_config('my.passphrase', %s, true)",
	"CREATE USER MAPPING FOR u SERVER s OPTIONS (user 'x', password %s)", "ALTER USER MAPPING FOR u SERVER s OPTIONS (SET password %s)",
	`CREATE USER MAPPING FOR u SERVER s OPTIONS (U&"p\0061ssword" %s)`, "CREATE USER MAPPING FOR u SERVER s OPTIONS (pasword %s)",
	"CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (host 'h', sslkey %s)", "CREATE FOREIGN TABLE f (a int) SERVER s OPTIONS (program %s)",
	"CREATE SUBSCRIPTION s CONNECTION %s PUBLICATION p", "ALTER SUBSCRIPTION s CONNECTION %s",
	"COPY t FROM PROGRAM %s", "COPY (select 1) TO PROGRAM %s WITH (FORMAT csv)", "\nCOPY t (a, b)\nTO PROGRAM\n%s",
	"SELECT dblink_connect(%s)", "SELECT dblink_connect('c', %s)", "select * from dblink(%s, 'select 1') t(a int)", "explain analyze select dblink_exec('c', %s)",
	"SELECT crypt(%s, gen_salt('bf'))", "SELECT pgp_sym_decrypt(c, %s) FROM t", "select encode(hmac('x', %s, 'sha256'), 'hex')", "select public.crypt(%s, h)",
	"INSERT INTO users (a, password) VALUES ('x', %s)", "insert into tokens (token) select %s", "UPDATE users SET password = %s WHERE a = 'x'",
	"SELECT * FROM users WHERE password = %s", "select 1 from users where %s = users.api_key", "SELECT %s AS password", "select * from users where lower(secret) = lower(%s)",
	"DELETE FROM users WHERE (a, access_token) = (1, %s)", `SELECT * FROM "users" WHERE "users"."password" IN ('x', %s)`,
	"PREPARE p(text) AS SELECT dblink_connect($1); EXECUTE p(%s)",
}

// TestSecretsInEveryPlaceAndQuoting puts each way of writing a constant in each
// place where one is a secret, in commands, in code and in code in code.
func TestSecretsInEveryPlaceAndQuoting(t *testing.T) {
	n := 0
	for _, place := range places {
		for _, quoting := range quotings {
			if strings.HasPrefix(quoting, "= ") && strings.Contains(place, "(") {
				continue // no statement has that
			}
			sql := fmt.Sprintf(place, fmt.Sprintf(quoting, canary))
			for _, sql := range []string{
				sql, strings.ToLower(place[:1]) + sql[1:], strings.ToUpper(sql), "SELECT 1;" + sql, sql + "; SELECT 'x'", "/* app */ " + sql,
				"DO $do$ BEGIN " + sql + "; END $do$", "DO $do$ BEGIN IF true THEN " + sql + "; END IF; END $do$",
				"CREATE OR REPLACE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $do$ BEGIN " + sql + "; END $do$",
				"DO $do$ BEGIN EXECUTE $ex$ " + sql + " $ex$; END $do$",
			} {
				if n++; !t.Failed() || testing.Verbose() {
					holds(t, sql, false)
				}
			}
		}
	}
	t.Logf("%d statements", n)
	if n < 10000 {
		t.Errorf("only %d statements", n)
	}
}

// bare are secrets that are not quoted as constants, or in what is no constant.
var bare = []string{
	"ALTER ROLE r PASSWORD %s", `ALTER ROLE r PASSWORD "%s"`, "ALTER ROLE r PASSWORD = %s", "ALTER ROLE r PASSWORD x%s;y", "ALTER ROLE r PASSWORD a %s", "alter role r pasword %s",
	"SET my.secret = %s", "SET my.secret TO %s", `SET my.secret = "%s"`, `SET my.secret = 'a', "%s"`, "SET my.secret %s", "SET LOCAL my.token = a, %s",
	"ALTER ROLE r SET my.token TO %s", "ALTER DATABASE d SET my.password = %s", `ALTER SYSTEM SET my.secret = "%s"`,
	"ALTER SUBSCRIPTION s CONNECTION host=h password=%s", "CREATE USER MAPPING FOR u SERVER s OPTIONS (password %s)", `CREATE USER MAPPING FOR u SERVER s OPTIONS (password "%s")`,
	"alter user r identified by %s", `SELECT "%s" FROM dblink_connect('x')`, `UPDATE users SET "password" = "%s"`, `SELECT 1 AS "password=%s"`,
	"-- ALTER ROLE r PASSWORD '%s'\nselect 1", "select 1 /* token: %s */", "ALTER ROLE r /* '%s' */ PASSWORD 'x'", "select 1 -- postgresql://u:%s@h/d",
	"CREATE ROLE r PASSWORD 1%s", "CREATE ROLE r PASSWORD %s LOGIN; SELECT 1",
}

func TestSecretsWithoutQuotes(t *testing.T) {
	for _, place := range bare {
		holds2(t, fmt.Sprintf(place, canary))
		holds2(t, "SELECT 1; "+fmt.Sprintf(place, canary))
	}
}

// holds2 is holds for the default level: that all values are hidden says nothing
// of names.
func holds2(t *testing.T, sql string) {
	t.Helper()
	out, found := RedactText(nil, []byte(sql), false)
	if strings.Contains(string(out), canary) || found&Hidden == 0 {
		t.Errorf("%q became %q (%d)", sql, out, found)
	}
	if n := Append(nil, out); strings.Contains(string(n), canary) {
		t.Errorf("%q is normalised to %q", sql, n)
	}
}

// documents are constants that name a secret, wherever they stand.
var documents = []string{
	"host=h password=%s", "password = ''%s''", "postgresql://u:%s@h/d", "postgresql://h/d?user=u&password=%s", "host=h passfile=/%s",
	"scram_client_key=%s", "oauth_client_secret=%s", "{\"token\": \"%s\"}", "<a password=\"%s\"/>", "Authorization: Bearer %s", "access_key=%s",
	"ALTER ROLE r PASSWORD ''%s''", "the secret is %s", "PGPASSWORD=%s psql", "{\"pass\": \"%s\"}", "redis://:%s@h:6379", "-----BEGIN PRIVATE KEY----- %s",
	"SELECT crypt(''%s'', x)", "SCRAM-SHA-256$4096:%s",
}

func TestDocumentsWithSecrets(t *testing.T) {
	for _, d := range documents {
		text := fmt.Sprintf(d, canary)
		for _, place := range []string{
			"SELECT '%s'", "INSERT INTO t VALUES (1, '%s')", "NOTIFY ch, '%s'", "COMMENT ON TABLE t IS '%s'", "SELECT f(E'%s')", "select $$%s$$", "DO $x$ BEGIN RAISE NOTICE '%s'; END $x$",
			"DO $x$ BEGIN PERFORM f('%s'); END $x$", "create view v as select '%s'", "CALL p('%s')", "DO 'BEGIN RAISE NOTICE ''%s''; END'", "select 1; select '%s",
		} {
			holds(t, fmt.Sprintf(place, text), false)
		}
	}
}

// TestOrdinaryTextStays: statements of applications are shown as they are.
func TestOrdinaryTextStays(t *testing.T) {
	for _, sql := range []string{
		"SELECT c FROM t WHERE id = 12345 AND name = 'bob'", "insert into t values (1, 'pass'), (2, 'a:b')", "ALTER ROLE r CREATEDB",
		"CREATE TABLE t (a int DEFAULT 5, b text DEFAULT 'x')", "SET search_path = 'a', b", "SET password_encryption = 'md5'", "SHOW password_encryption",
		"select count(*), avg(compass) from bypass where x = 'y'", "SELECT tokens FROM usage WHERE day = '2026-01-01'", "COPY t FROM STDIN WITH (DELIMITER ',')",
		"SELECT pg_catalog.set_config('search_path', '', false);", "GRANT SELECT ON t TO bob", "DROP ROLE r", "DO $$ BEGIN RAISE NOTICE 'x'; END $$", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1 WHERE 'a' = 'b' $$",
		"/* controller='users',action='show' */ SELECT 'x'", "/*route='/password/reset'*/ SELECT 'x'", "SELECT 'https://example.com/a:b@c'", "START_REPLICATION SLOT \"s\" LOGICAL 0/0 (proto_version '4', publication_names '\"p\"')",
		"select id, password, token from users where id = 'x'", "CREATE EXTENSION pgcrypto", "select 'a digest of the news'", "update t set programme = 'x'",
		"UPSERT INTO t (a, b) VALUES (1, 'x')", "/* nightly */ CREATE TABLE t (a text DEFAULT 'x') -- 'as before'", "ALTER TABLE t ADD COLUMN b int /* later */",
		"SELECT relname FROM pg_class WHERE relname = 'pg_subscription_rel'", "SELECT subname FROM pg_subscription WHERE subname = 's'", "FETCH 10 FROM c", "EXECUTE p('x', 1)",
		"psql -h localhost -c 'select 1'", "\\d users", "DO $$ BEGIN EXECUTE 'ALTER TABLE t ADD b int'; END $$", "SELECT 'we create user friendly software'", "SELECT a AS p, b q FROM t",
		"INSERT INTO config VALUES ('smtp_host', 'x')", "SELECT value FROM config WHERE key = 'theme'", "DO $$ BEGIN PERFORM f('created a user'); END $$",
	} {
		if out, found := RedactText(nil, []byte(sql), false); string(out) != sql || found&Hidden != 0 {
			t.Errorf("%q became %q", sql, out)
		}
	}
}

// TestWords compares the quick search with a plain one.
func TestWords(t *testing.T) {
	for _, w := range watchedWords {
		for pad := range 5 {
			for _, end := range []string{"", " ", "'", "      "} {
				for _, word := range []string{w.word, strings.ToUpper(w.word)} {
					s := strings.Repeat(" ", pad) + word + end
					if f := findWord([]byte(s), 0); f.use == 0 {
						t.Errorf("nothing in %q", s)
					}
				}
			}
		}
	}
}

// TestRedactAllocatesNothing where nothing is secret, and nothing but its output
// elsewhere.
func TestRedactAllocatesNothing(t *testing.T) {
	var dst []byte
	for _, sql := range []string{"SELECT c FROM t WHERE id = 12345 AND name = 'bob'", "ALTER ROLE a WITH LOGIN PASSWORD 'hunter2'", "select a from users where token = 'x'"} {
		b := []byte(sql)
		dst = Redact(dst[:0], b)
		if n := testing.AllocsPerRun(100, func() { dst = Redact(dst[:0], b) }); n != 0 {
			t.Errorf("%q: %v allocations", sql, n)
		}
	}
}

// TestCodeWithSecret: what a server shows of others' statements and of objects.
func TestCodeWithSecret(t *testing.T) {
	for code, want := range map[string]bool{
		"ALTER ROLE r PASSWORD 'x'": true, " BEGIN PERFORM crypt('x', y); END ": true, "CHECK ((crypt('x', y) = z))": true, "/* a */ SELECT set_config('a.token', 'x', false)": true,
		" SELECT t.a FROM dblink('x'::text, 'y'::text) t(a integer);": true, "SET my.api_key TO 'x'": true, "update users set token = 'x'": true, "CREATE USER u PASSWORD 'x'": true,
		"SELECT 1": false, "SELECT password FROM users": false, "UPDATE users SET password = $1": false, "the password is short": false, "Update: your password 5": false, "": false, "CREATE TABLE t (a text DEFAULT 'x')": false,
	} {
		if got := CodeWithSecret([]byte(code)); got != want {
			t.Errorf("%q: %v", code, got)
		}
	}
}

func TestRenamesSecret(t *testing.T) {
	for _, tt := range []struct {
		sql, column string
		want        bool
	}{
		{"SELECT password AS p FROM users", "p", true},
		{`SELECT u."password" "P x" FROM users u`, "P x", true},
		{"insert into users (password) values ($1) returning PASSWORD as Phrase", "phrase", true},
		{"SELECT password, name FROM users", "name", false},
		{"SELECT password AS p, name AS n FROM users", "n", false},
		{"SELECT name AS p FROM users WHERE password = 'x'", "p", false},
	} {
		if got := RenamesSecret([]byte(tt.sql), []byte(tt.column)); got != tt.want {
			t.Errorf("%q, %s: %v", tt.sql, tt.column, got)
		}
	}
}
