package app

import (
	"slices"
	"strings"
	"testing"
)

// harmless are statements that have words of those about secrets, and none. All of them,
// their replies and what is bound to them are shown.
var harmless = []attack{
	say(`SELECT 1 AS "%s"`),
	say(`CREATE TABLE h1 (id int PRIMARY KEY, key text, note text, doc jsonb, at timestamptz DEFAULT '2026-01-01 %s')`),
	say(`CREATE TABLE h2 (id int, note text, doc jsonb, at timestamptz)`, `INSERT INTO h2 VALUES (1, 'he said: %s', '{"user": "%s", "a": 1}', '2026-01-01')`, `SELECT * FROM h2`, `SELECT note, doc->>'user' AS u FROM h2`, `UPDATE h2 SET note = note || ' %s' RETURNING *`, `COPY h2 TO STDOUT`, `COPY (SELECT note FROM h2) TO STDOUT CSV`),
	say(`SELECT a.key FROM (VALUES ('%s')) a(key)`),
	say(`SELECT 'https://example.com/%s?a=b&c=d'`),
	say(`SELECT 'https://example.com:8443/%s'`),
	say(`SELECT 'https://example.com/?filter%5Bid%5D=%s'`),
	say(`SELECT 'http://localhost:' || 8080 || '/%s'`),
	say(`SELECT 'postgresql://localhost:5432/%s'`),
	say(`SELECT 'host=h port=5432 dbname=%s user=u'`),
	say(`SELECT 'a = b, c = %s'`),
	say(`SELECT '<b>%s</b>'::xml`),
	say(`SELECT 'user@example.com', '%s@example.com'`),
	say(`SELECT now()::text, '%s'`, `SELECT timestamptz '2026-01-01 00:00 Asia/Tokyo', 'Asia/Kolkata %s'`),
	say(`SELECT 'Malaysia and Asia, AKIA is short: %s'`),
	say(`SELECT current_setting('search_path'), '%s'`),
	say(`SET application_name = '%s'`, `SHOW application_name`, `SELECT current_setting('application_name')`),
	say(`SET search_path = public, "%s"`, `SHOW search_path`),
	say(`SET app.tenant = '%s'`, `SHOW app.tenant`, `SELECT current_setting('app.tenant')`, `SELECT set_config('app.tenant', 'b%s', false)`),
	say(`SELECT set_config('app.current_user_id', '%s', false)`),
	say(`SET plan_cache_mode = auto; SELECT '%s'`),
	say(`ALTER DATABASE postgres SET app.region = '%s'`, `ALTER DATABASE postgres RESET app.region`),
	say(`ALTER SYSTEM SET log_line_prefix = '%m %s'`, `ALTER SYSTEM RESET log_line_prefix`),
	say(`ALTER SYSTEM SET primary_slot_name = 's%s'`, `ALTER SYSTEM RESET ALL`),
	say(`COMMENT ON TABLE config IS 'settings of %s'`),
	say(`CREATE FUNCTION h3(a text) RETURNS text LANGUAGE sql AS $$ SELECT a || '%s' $$`, `SELECT h3('x')`, `SELECT prosrc FROM pg_proc WHERE proname = 'h3'`),
	say(`DO $$ BEGIN RAISE NOTICE 'step %s'; END $$`),
	say(`DO $$ BEGIN RAISE EXCEPTION 'no such order: %', '%s'; END $$`),
	say(`SELECT nosuch_%s`),
	say(`SELECT 1 FROM "nosuch %s"`),
	say(`SELECT '%s'::int`),
	say(`INSERT INTO users (id, name) VALUES (7001, 'n%s')`, `SELECT id, name FROM users WHERE id = 7001`, `SELECT name AS n FROM users WHERE name = 'n%s'`),
	say(`CREATE TABLE h4 (id int UNIQUE, a text CHECK (a <> 'bad %s'))`, `INSERT INTO h4 VALUES (1, 'x%s')`, `INSERT INTO h4 VALUES (1, 'y%s')`, `INSERT INTO h4 VALUES (2, 'bad %s')`),
	say(`LISTEN h`, `NOTIFY h, 'order %s'`),
	say(`PREPARE h5 (text) AS SELECT $1 || 'a'`, `EXECUTE h5 ('%s')`, `DEALLOCATE h5`),
	say(`BEGIN; DECLARE hc CURSOR FOR SELECT '%s'::text`, `FETCH ALL hc`, `COMMIT`),
	say(`/* controller='orders',action='%s' */ SELECT 1`),
	say(`GRANT SELECT ON config TO bob; SELECT 'granted %s'`),
	say(`EXPLAIN SELECT * FROM config WHERE key = '%s'`),
	say(`SELECT sign(-5), length('%s')`),
	say(`SELECT relname FROM pg_class WHERE relname = '%s' OR relname = 'pg_key'`),
	say(`SELECT 'we passed the exam, %s', 'the bypass, a compass'`),
	say(`WITH RECURSIVE t(n, path) AS (SELECT 1, '%s'::text UNION ALL SELECT n + 1, path FROM t WHERE n < 2) SELECT * FROM t`),
	say(`CREATE TABLE h6 (id int, login text)`, `INSERT INTO h6 VALUES (1, '%s')`, `WITH n AS (INSERT INTO h6 VALUES (2, '%s') RETURNING *) SELECT * FROM n`, `SELECT h FROM h6 h`, `SELECT array_agg(h) FROM h6 h`, `COPY h6 TO STDOUT (FORMAT csv, HEADER)`, `COPY h6 TO STDOUT (HEADER)`),
	say(`CREATE TABLE h7 (meta_key text, meta_value text, k text, v text)`, `INSERT INTO h7 VALUES ('colour', '%s', 'n', '%s')`, `SELECT * FROM h7`, `SELECT k, v FROM h7`, `SELECT key, value FROM jsonb_each_text('{"a": "%s"}')`, `SELECT jsonb_each_text('{"a": "%s"}')`),
	say(`CREATE TABLE h8 (id int, note text, CHECK (lower(note) <> 'bad%s'))`, `SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'h8'::regclass`, `EXPLAIN SELECT * FROM h8 WHERE lower(note) = '%s'`, `INSERT INTO h8 VALUES (1, 'BAD%s')`),
	say(`CREATE SERVER h9 TYPE 'a%s' VERSION '1.%s' FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'h%s', dbname 'd%s')`, `DROP SERVER h9`),
	say(`DO $$ BEGIN RAISE EXCEPTION 'no %', '%s' USING COLUMN = 'c%s', TABLE = 't%s', CONSTRAINT = 'k%s'; END $$`),
	bind(`INSERT INTO config (key, value) VALUES ($1, $2) RETURNING *`, "page_size", "%s"),
	bind(`SELECT current_setting($1) || $2`, "search_path", "%s"),
	bind(`SELECT $1::text`, "%s"),
	bind(`SELECT * FROM config WHERE key = $1 AND value <> $2`, "theme", "%s"),
	bind(`INSERT INTO config (key, value) VALUES ($1, $2) RETURNING *`, "theme", "dark=%s"),
	bind(`SELECT set_config('app.tenant', $1, true)`, "%s"),
	bind(`INSERT INTO docs (id, data, note) VALUES ($1, $2, $3) RETURNING data, note`, "77", `{"url": "https://example.com/%s", "n": 1}`, "<p>%s</p>"),
	bind(`SELECT $1::jsonb -> 'a'`, `{"a": "%s", "b": [1, 2]}`),
	{startup: []string{"application_name", "app-%s"}, say: []string{"SELECT 1"}},
	{startup: []string{"options", "-c search_path=%s"}, say: []string{"SHOW search_path"}},
	{say: []string{`COPY plain FROM STDIN`}, copied: "line %s\n"},
}

// TestHarmless: what has no secret is shown as with --show-secrets.
func TestHarmless(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a server")
	}
	list := slices.Concat(harmless, harmlessDaily)
	file, marks := playAttacks(t, attackServer(t), list)
	for _, view := range []string{"messages", "queries", "connections"} {
		shown, _, _ := command("read", file, "-o", "json", "--view", view)
		whole, _, _ := command("read", file, "-o", "json", "--view", view, "--redact", "none")
		a, b := strings.Split(shown, "\n"), strings.Split(whole, "\n")
		if len(a) != len(b) || view != "connections" && len(a) < len(list) {
			t.Fatalf("%s: %d lines, %d with secrets", view, len(a), len(b))
		}
		for i := range a {
			if strings.Contains(a[i], "<redacted>") && !strings.Contains(a[i], `"msg":"BackendKeyData"`) {
				t.Errorf("%s hides something of %.900s", view, b[i])
			}
		}
		for i, mark := range marks {
			if view != "connections" && strings.Count(shown, mark) != strings.Count(whole, mark) {
				t.Errorf("%s: %q is hidden", view, list[i].say)
			}
		}
	}
}
