package app

// attacksByKind are of kinds that attacks, moreAttacks and furtherAttacks do not have:
// what tells that something is a secret stands in another text, in the data itself, or
// beside what is harmless elsewhere.
var attacksByKind = []attack{
	// Connection strings where options that are shown have them.
	say(`CREATE SERVER e1 FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'h', dbname 'postgresql://u:%s@h/db')`),
	say(`CREATE SERVER e2 FOREIGN DATA WRAPPER postgres_fdw OPTIONS (dbname 'host=h password=%s')`),
	say(`CREATE SERVER e3 FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'https://u:%s@h')`),
	say(`ALTER SERVER loop OPTIONS (SET dbname 'x password=%s')`, `ALTER SERVER loop OPTIONS (SET dbname 'postgres')`),
	say(`CREATE SERVER e4 TYPE 'token=%s' VERSION 'password=%s' FOREIGN DATA WRAPPER postgres_fdw`, `SELECT srvtype, srvversion FROM pg_foreign_server`, `SELECT srvversion || '' AS a FROM pg_foreign_server`),
	say(`CREATE USER MAPPING FOR bob SERVER loop OPTIONS (user 'postgresql://u:%s@h')`, `DROP USER MAPPING FOR bob SERVER loop`),
	// Whole rows of tables that another text named beside a secret.
	say(`CREATE TABLE acct2 (id int, login text, passwd text)`, `INSERT INTO acct2 VALUES (1, 'bob', '%s')`, `SELECT a FROM acct2 a`, `SELECT a::text AS z FROM acct2 a`, `SELECT array_agg(a) FROM acct2 a`, `DELETE FROM acct2 RETURNING acct2`),
	say(`CREATE TABLE acct3 (id int, login text, passwd text)`, `INSERT INTO acct3 SELECT 1, 'bob', '%s'`, `INSERT INTO public.acct3 VALUES (2, 'x', '%s') RETURNING *`, `INSERT INTO "acct3" VALUES (3, 'x', '%s'), (4, 'y', '%s')`, `INSERT INTO acct3 TABLE acct3`, `INSERT INTO acct3 AS z VALUES (5, 'z', '%s')`, `INSERT INTO acct3 OVERRIDING SYSTEM VALUE VALUES (5, 'z', '%s')`),
	bind(`INSERT INTO acct3 VALUES ($1, $2, $3)`, "7", "x", "%s"),
	bind(`INSERT INTO acct3 VALUES ($1, $2, $3) RETURNING id`, "bad%s", "x", "y"),
	say(`WITH n AS (INSERT INTO acct3 VALUES (9, 'c', '%s') RETURNING id) SELECT * FROM n`),
	// The header of what is copied names the secret.
	{say: []string{`COPY hacct FROM STDIN (FORMAT csv, HEADER)`, `COPY hacct TO STDOUT CSV HEADER`, `COPY hacct TO STDOUT (HEADER)`, `COPY (SELECT * FROM hacct) TO STDOUT CSV HEADER`, `SELECT h FROM hacct h`, `TABLE hacct`}, copied: "id,login,passwd\n1,bob,%s\n", header: true},
	// Names, and values beside them, that are bound.
	bind(`INSERT INTO config (key, value) VALUES ($1, $2)`, "smtp_password", "%s"),
	bind(`UPDATE config SET value = $1 WHERE key = $2 RETURNING value`, "%s", "smtp_password"),
	{say: []string{`SELECT value FROM config WHERE key = $1`}, bind: []string{"smtp_password"}, secret: "CNRYCONFIGQZ"},
	{say: []string{`SELECT app_setting($1)`}, bind: []string{"smtp_password"}, secret: "CNRYCONFIGQZ"},
	{say: []string{`SELECT k, v FROM kv`, `SELECT kv FROM kv`, `SELECT meta_key, meta_value FROM meta`, `SELECT meta_value FROM meta WHERE meta_key = 'smtp_password'`, `SELECT * FROM config`, `SELECT jsonb_object_agg(key, value) FROM config`, `SELECT config FROM config`, `SELECT string_agg(key || '=' || value, ',') FROM config`}, secret: "CNRYCONFIGQZ"},
	{startup: []string{"options", "-c app.secret=%s"}, say: []string{`SELECT current_setting($1)`}, bind: []string{"app.secret"}},
	{startup: []string{"options", "-c app.secret=%s"}, say: []string{`SELECT setting FROM pg_settings WHERE name = $1`}, bind: []string{"app.secret"}},
	// Documents that are taken apart.
	say(`INSERT INTO docs VALUES (501, '{"a": 1, "password": "%s"}')`, `SELECT jsonb_each_text(data) FROM docs WHERE id = 501`, `SELECT k, v FROM docs, jsonb_each_text(data) e(k, v) WHERE id = 501`, `SELECT * FROM docs, jsonb_each(data) WHERE id = 501`, `SELECT (jsonb_each_text(data)).* FROM docs WHERE id = 501`, `SELECT e FROM docs, jsonb_each_text(data) e WHERE id = 501`, `SELECT jsonb_pretty(data) FROM docs WHERE id = 501`, `SELECT data #>> '{}' FROM docs WHERE id = 501`, `SELECT array_agg(e) FROM docs, jsonb_each_text(data) e WHERE id = 501`),
	say(`SELECT each('password=>%s'::hstore)`),
	{say: []string{`SELECT each(h), h FROM hs`, `SELECT hstore_to_array(h) FROM hs`, `SELECT hstore_to_matrix(h) FROM hs`, `SELECT key, value FROM hs, each(h)`, `SELECT hstore_to_json(h) FROM hs`}, secret: "CNRYHSTOREQZ"},
	// Expressions as the server writes them.
	say(`CREATE TABLE chk (id int, token text, CHECK (lower(token) <> '%s'))`, `SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'chk'::regclass`, `SELECT check_clause FROM information_schema.check_constraints WHERE constraint_name LIKE 'chk%'`),
	say(`CREATE VIEW ev AS SELECT 1 AS one FROM users WHERE lower(token) = '%s' AND '%s' = token`, `EXPLAIN SELECT * FROM ev`, `EXPLAIN (FORMAT json) SELECT * FROM ev`, `EXPLAIN (FORMAT xml) SELECT * FROM ev`),
	say(`CREATE POLICY pol2 ON users USING (lower(token) = '%s')`, `SELECT qual FROM pg_policies WHERE policyname = 'pol2'`, `SELECT pg_get_expr(polqual, polrelid) FROM pg_policy`),
	say(`CREATE TABLE gen (id int, token text, h text GENERATED ALWAYS AS (token || '%s') STORED)`, `SELECT pg_get_expr(adbin, adrelid) AS d FROM pg_attrdef WHERE adrelid = 'gen'::regclass`),
	say(`CREATE PUBLICATION pub2 FOR TABLE chk WHERE (token = '%s')`, `SELECT rowfilter FROM pg_publication_tables`, `SELECT pg_get_expr(prqual, prrelid) AS q FROM pg_publication_rel`),
	say(`CREATE TRIGGER trw BEFORE UPDATE ON chk FOR EACH ROW WHEN (NEW.token = '%s') EXECUTE FUNCTION suppress_redundant_updates_trigger()`, `SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgname = 'trw'`),
	// Fields of errors that are names of objects.
	say(`DO $$ BEGIN RAISE EXCEPTION 'x' USING COLUMN = 'password=%s', TABLE = 'password=%s', SCHEMA = 'token=%s', CONSTRAINT = 'secret=%s', DATATYPE = 'password=%s'; END $$`),
	say(`DO $$ DECLARE password text := '%s'; BEGIN RAISE EXCEPTION 'x' USING COLUMN = password, TABLE = password, CONSTRAINT = password; END $$`),
	say(`CREATE TABLE "password=%s" (a int CONSTRAINT "token=%s" CHECK (a > 1))`, `INSERT INTO "password=%s" VALUES (0)`),
	// What is checked at the end of the transaction.
	say(`CREATE TABLE defd (id int, token text, UNIQUE (token) DEFERRABLE INITIALLY DEFERRED)`, `BEGIN`, `INSERT INTO defd (id, token) VALUES (1, '%s'), (2, '%s')`, `COMMIT`),
	// What other modules log.
	say(`LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_nested_statements = on; SET client_min_messages = log`, `UPDATE users SET token = '%s' WHERE id = -1`, `DO $$ BEGIN PERFORM 1 FROM users WHERE lower(token) = '%s'; END $$`, `CREATE FUNCTION ae() RETURNS void LANGUAGE sql AS $$ SELECT 1 FROM users WHERE '%s' = lower(token) $$`, `SELECT ae()`),
	say(`SET log_parameter_max_length_on_error = -1; SET client_min_messages = log; SET log_duration = on; SET log_min_duration_statement = 0`, `UPDATE users SET token = '%s' WHERE id = -1`),
	// Names as programs write them.
	say(`INSERT INTO users2 (id, user_pass) VALUES (1, '%s')`),
	say(`CREATE TABLE n1 (id int, userpass text)`, `INSERT INTO n1 (userpass) VALUES ('%s')`, `SELECT * FROM n1`),
	say(`CREATE TABLE n2 (id int, pwd_hash text)`, `INSERT INTO n2 (pwd_hash) VALUES ('%s')`, `SELECT * FROM n2`),
	say(`CREATE TABLE n3 (id int, pass_word text)`, `INSERT INTO n3 (pass_word) VALUES ('%s')`, `SELECT * FROM n3`),
	say(`CREATE TABLE n4 (id int, passkey text)`, `INSERT INTO n4 (passkey) VALUES ('%s')`, `SELECT * FROM n4`),
	say(`CREATE TABLE n5 (id int, "encryptionKey" text)`, `INSERT INTO n5 ("encryptionKey") VALUES ('%s')`, `SELECT * FROM n5`),
	say(`CREATE TABLE n6 (id int, "signingKey" text)`, `INSERT INTO n6 ("signingKey") VALUES ('%s')`, `SELECT * FROM n6`),
	say(`CREATE TABLE n7 (id int, "authKey" text)`, `INSERT INTO n7 ("authKey") VALUES ('%s')`, `SELECT * FROM n7`),
	say(`CREATE TABLE n8 (id int, pwhash text, pswd text)`, `INSERT INTO n8 (pswd) VALUES ('%s')`, `SELECT * FROM n8`),
	say(`CREATE TABLE n9 (id int, "masterKey" text, "sessionKey" text)`, `INSERT INTO n9 ("masterKey") VALUES ('%s')`, `SELECT * FROM n9`),
	say(`CREATE TABLE n11 (id int, "encryption-key" text)`, `INSERT INTO n11 ("encryption-key") VALUES ('%s')`, `SELECT * FROM n11`),
	say(`CREATE TABLE n12 (id int, pwd1 text, pwdhash text)`, `INSERT INTO n12 (pwdhash) VALUES ('%s')`, `SELECT * FROM n12`),
	say(`CREATE TABLE n13 (id int, dbpass text)`, `INSERT INTO n13 (dbpass) VALUES ('%s')`, `SELECT * FROM n13`),
	say(`SELECT '{"encryptionKey": "%s"}'::jsonb`),
	say(`SELECT '{"private-key": "%s"}'::jsonb`),
	say(`SELECT '{"pwdHash": "%s"}'::jsonb`),
	say(`SELECT '{"userPass": "%s"}'::jsonb`),
	say(`SELECT '{"dbpass": "%s"}'::jsonb`),
	// What psql lists.
	say(`CREATE SERVER e5 FOREIGN DATA WRAPPER w9 OPTIONS ("api-token" '%s')`, `SELECT s.srvname, CASE WHEN srvoptions IS NULL THEN '' ELSE '(' || pg_catalog.array_to_string(ARRAY(SELECT pg_catalog.quote_ident(option_name) || ' ' || pg_catalog.quote_literal(option_value) FROM pg_catalog.pg_options_to_table(srvoptions)), ', ') || ')' END AS "FDW options" FROM pg_foreign_server s`),
	say(`CREATE USER MAPPING FOR bob SERVER loop OPTIONS (user 'x', password '%s')`, `SELECT um.srvname AS "Server", um.usename AS "User name", CASE WHEN umoptions IS NULL THEN '' ELSE '(' || pg_catalog.array_to_string(ARRAY(SELECT pg_catalog.quote_ident(option_name) || ' ' || pg_catalog.quote_literal(option_value) FROM pg_catalog.pg_options_to_table(umoptions)), ', ') || ')' END AS "FDW options" FROM pg_catalog.pg_user_mappings um`, `DROP USER MAPPING FOR bob SERVER loop`),
	// Comments.
	say(`SELECT 1 /* pw='%s' */`),
	say(`SELECT 1 /* user:bob pass:%s */`),
	// Tables made of queries.
	say(`CREATE TABLE ctas AS SELECT '%s'::text AS password, 1 AS id`, `SELECT c FROM ctas c`, `SELECT min(password) FROM ctas`),
	say(`SELECT '%s' AS password INTO TEMP sinto`, `SELECT s FROM sinto s`),
	say(`SELECT * FROM json_to_recordset('[{"login": "x", "passwd": "%s"}]') AS x(login text, passwd text)`),
	say(`UPDATE users SET token = $$%s$$ || id WHERE id = -1; SELECT 1`),
	// Start-up.
	{startup: []string{"postgresql://u:%s@h", "x"}, refused: true},
	{startup: []string{"password=%s", "x"}, refused: true},
	{startup: []string{"session_token", "%s"}, refused: true},
	{startup: []string{"auth", "%s"}, refused: true},
	{startup: []string{"api-key", "%s"}, refused: true},
	{startup: []string{"pgpass", "%s"}, refused: true},
	{startup: []string{"pw", "%s"}, refused: true},
	{startup: []string{"jwt", "%s"}, refused: true},
	{startup: []string{"app.jwt", "%s"}, say: []string{"SHOW app.jwt"}},
	{startup: []string{"database", "postgres;password=%s"}, refused: true},
}
