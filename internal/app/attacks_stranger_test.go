package app

// attacksOfAStranger are what somebody new tried: the secret is told by an earlier
// statement of the transaction, by a type or a table, by what is asked for, by the form of
// the value, or it is in a place that nobody had looked at.
var attacksOfAStranger = []attack{
	// What triggers and constraints that are deferred say at the end of the transaction.
	say(deferredTrigger, `BEGIN`, `INSERT INTO dt (id, token) VALUES (1, '%s')`, `COMMIT`),
	say(`BEGIN`, `INSERT INTO dt (id, token) VALUES (1, '%s')`, `SELECT 1`, `END`),
	say(`BEGIN; INSERT INTO dt (id, token) VALUES (1, '%s')`, `SET CONSTRAINTS ALL IMMEDIATE`, `ROLLBACK`),
	say(`BEGIN`, `INSERT INTO dt (id, token) VALUES (1, '%s')`, `PREPARE TRANSACTION 'x'`),
	say(`BEGIN`, `INSERT INTO dt (id, token) VALUES (1, '%s')`, `COMMIT AND CHAIN`, `ROLLBACK`),
	say(`BEGIN`, `SAVEPOINT a`, `INSERT INTO dt (id, token) VALUES (1, '%s')`, `RELEASE a`, `COMMIT /* now */`),
	say(`INSERT INTO dt (id, token) VALUES (1, '%s'); SELECT 1`),
	say(`BEGIN`, `INSERT INTO dn (id, token) VALUES (1, '%s')`, `COMMIT`),
	say(`BEGIN`, `INSERT INTO dn (id, token) VALUES (1, '%s')`, `SET CONSTRAINTS ALL IMMEDIATE`, `COMMIT`),
	bind(`INSERT INTO dt (id, token) VALUES ($1, $2)`, "1", "%s"),
	bind(`INSERT INTO dn (id, token) VALUES ($1, $2)`, "1", "%s"),
	say(`BEGIN`, `SELECT set_config('app.secret', '%s', true)`, `INSERT INTO dg VALUES (1)`, `COMMIT`),
	// Fields of types, and of tables' rows.
	say(`CREATE TYPE cred2 AS (login text, passwd text)`, `SELECT ROW('bob', '%s')::cred2`, `SELECT (ROW('bob', '%s')::cred2).login`, `SELECT '(bob,%s)'::cred2`, `SELECT CAST(ROW('bob', '%s') AS cred2)`, `SELECT CAST('(bob,%s)' AS public.cred2)`, `SELECT cred2 '(bob,%s)'`, `SELECT ARRAY[ROW('bob', '%s')]::cred2[]`, `SELECT '{"(bob,%s)"}'::cred2[]`, `SELECT ('bob', '%s')::"cred2"`),
	bind(`SELECT $1::cred2`, "(bob,%s)"),
	bind(`SELECT ($1::cred2).login`, "(bob,%s"),
	bind(`SELECT ROW($1, $2)::public.cred2`, "bob", "%s"),
	say(`CREATE TABLE creds3 (id int, c cred2)`, `INSERT INTO creds3 VALUES (1, ROW('bob', '%s'))`, `INSERT INTO creds3 (id, c) VALUES (2, ('bob', '%s'))`, `SELECT c FROM creds3`, `SELECT * FROM creds3`, `SELECT (c).passwd FROM creds3`, `SELECT array_agg(c) FROM creds3`, `UPDATE creds3 SET c.passwd = '%s'`, `COPY creds3 TO STDOUT`, `SELECT creds3 FROM creds3`),
	say(`SELECT ROW(1, 'bob', '%s', 'x', 1)::users`, `SELECT '(1,bob,%s,x,1)'::users`, `SELECT (NULL::users) = ROW(1, 'bob', '%s', 'x', 1)`, `SELECT jsonb_populate_record(NULL::users, '{"password": "%s"}')`),
	// Bounds of partitions.
	say(`CREATE TABLE pa (id int, token text) PARTITION BY LIST (token)`, `CREATE TABLE pa1 PARTITION OF pa FOR VALUES IN ('%s')`, `SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = 'pa1'`, `SELECT pg_get_expr(c.relpartbound, c.oid) AS b FROM pg_class c WHERE c.relname = 'pa1'`, `SELECT pg_get_partition_constraintdef('pa1'::regclass)`, `INSERT INTO pa (id, token) VALUES (1, 'no%s')`, `CREATE TABLE pa2 PARTITION OF pa FOR VALUES IN ('x', '%s')`),
	say(`CREATE TABLE pb (id int, token text) PARTITION BY RANGE (token)`, `CREATE TABLE pb1 PARTITION OF pb FOR VALUES FROM ('a') TO ('%s')`, `SELECT c.oid::pg_catalog.regclass, c.relkind, inhdetachpending, pg_catalog.pg_get_expr(c.relpartbound, c.oid) FROM pg_catalog.pg_class c, pg_catalog.pg_inherits i WHERE c.oid = i.inhrelid AND i.inhparent = 'pb'::regclass`, `CREATE TABLE pbx (id int, token text)`, `ALTER TABLE pb ATTACH PARTITION pbx FOR VALUES FROM ('%s') TO ('a')`),
	// Domains.
	say(`CREATE DOMAIN secret_dom AS text DEFAULT '%s'`, `SELECT typdefault FROM pg_type WHERE typname = 'secret_dom'`, `SELECT typname, typdefault FROM pg_type WHERE typname LIKE 'secret%'`, `SELECT domain_default FROM information_schema.domains WHERE domain_name = 'secret_dom'`, `SELECT * FROM information_schema.domains`),
	say(`CREATE DOMAIN password_dom AS text CHECK (VALUE <> '%s')`, `SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE contypid = 'password_dom'::regtype`, `SELECT * FROM information_schema.check_constraints`, `SELECT n.nspname AS "Schema", t.typname AS "Name", t.typdefault AS "Default", pg_catalog.array_to_string(ARRAY(SELECT pg_catalog.pg_get_constraintdef(r.oid, true) FROM pg_catalog.pg_constraint r WHERE t.oid = r.contypid), ' ') AS "Check" FROM pg_catalog.pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.typtype = 'd'`),
	say(`CREATE DOMAIN auth_token AS text`, `SELECT '%s'::auth_token`, `SELECT CAST('%s' AS auth_token)`, `SELECT auth_token '%s'`),
	bind(`SELECT $1::auth_token`, "%s"),
	// hstore and documents.
	say(`SELECT hstore('password', '%s')`, `SELECT hstore(ARRAY['password', '%s'])`, `SELECT 'a=>1, "password"=>"%s"'::hstore`, `SELECT hstore(ARRAY['a', 'password'], ARRAY['x', '%s'])`, `SELECT ('password=>%s'::hstore)->'password'`, `SELECT avals('password=>%s'::hstore)`, `SELECT svals('password=>%s'::hstore)`),
	bind(`SELECT $1::hstore`, `"password"=>"%s"`),
	{say: []string{`SELECT $1::hstore`}, bind: []string{`"user"=>"bob", "password"=>"%s"`}, binary: true},
	{say: []string{`SELECT h FROM hs WHERE $1 = 'x'`}, bind: []string{`x`}, binary: true, secret: "CNRYHSTOREQZ"},
	{say: []string{`SELECT $1::jsonb`}, bind: []string{`{"user": "bob", "password": "%s"}`}, binary: true},
	{say: []string{`SELECT u, ARRAY[u] FROM users u WHERE u.token = $1`}, bind: []string{`%s`}, binary: true},
	{say: []string{`INSERT INTO users (id, name, token) VALUES (3001, 'x', $1) RETURNING users`}, bind: []string{`%s`}, binary: true},
	{say: []string{`SELECT $1::text[]`}, bind: []string{`{"host=h password=%s"}`}, binary: true},
	{say: []string{`SELECT $1::cred2`}, bind: []string{`(bob,%s)`}, binary: true},
	say(`SELECT '{"db": {"pw": "%s"}}'::jsonb`, `SELECT '{"passwd": ["%s"]}'::jsonb`, `SELECT '[{"name": "API_TOKEN", "value": "%s"}]'::jsonb`, `SELECT '{"API_KEY": "%s"}'::json`),
	say(`SELECT jsonb_build_object('password', '%s')`, `SELECT json_object('{password,%s}')`, `SELECT json_object(ARRAY['password', '%s'])`, `SELECT jsonb_insert('{}', '{password}', '"%s"')`, `SELECT jsonb_path_exists('{}', '$.password ? (@ == "%s")')`),
	say(`SELECT 1 FROM docs WHERE data @> '{"password": "%s"}'`, `SELECT 1 FROM docs WHERE data #>> '{auth,password}' = '%s'`, `SELECT 1 FROM docs WHERE data['password'] = '"%s"'`, `UPDATE docs SET data['auth']['token'] = '"%s"'`, `SELECT data['auth']['token'] FROM docs`),
	say(`SELECT xmlelement(name password, '%s')`, `SELECT xmlforest('%s' AS password)`, `SELECT xpath('/a/password/text()', '<a><password>%s</password></a>')`, `SELECT '<a><password type="x">%s</password></a>'::xml`),
	bind(`UPDATE docs SET data = data || jsonb_build_object('apiKey', $1::text) RETURNING data`, "%s"),
	bind(`SELECT * FROM docs WHERE data @> $1`, `{"auth": {"accessToken": "%s"}}`),
	bind(`SELECT jsonb_set('{}', $1, to_jsonb($2::text)) AS d`, "{password}", "%s"),
	bind(`SELECT $1::jsonb`, `{"\u0070assword": "%s"}`),
	bind(`SELECT $1::jsonb`, `{"env": ["A=b", "DB_PASSWORD=%s"]}`),
	bind(`SELECT $1::text`, `DATABASE_URL: postgres://u:%s@h/db`),
	// Tables of keys and values.
	{say: []string{`SELECT value AS x FROM config WHERE key = 'smtp_password'`, `SELECT c.value x FROM config c WHERE c.key = 'smtp_password'`, `SELECT key AS k1, value AS v1 FROM config`, `SELECT "value" AS "Setting 1" FROM "config" WHERE "key" IN ('theme', 'smtp_password')`, `WITH s(a, b) AS (SELECT key, value FROM config) SELECT b FROM s WHERE a = 'smtp_password'`, `SELECT coalesce(value, '') FROM config WHERE key = 'smtp_password'`, `SELECT max(value) FILTER (WHERE key = 'smtp_password') AS p FROM config`, `SELECT value AS x FROM config WHERE key LIKE '%password%'`, `SELECT q.v FROM (SELECT value v FROM config WHERE key = 'smtp_password') q`}, secret: "CNRYCONFIGQZ"},
	{say: []string{`SELECT v AS x FROM kv WHERE k = 'smtp_password'`, `SELECT meta_value AS m FROM meta WHERE meta_key = 'smtp_password'`, `SELECT kv.* FROM kv WHERE k = 'smtp_password'`}, secret: "CNRYCONFIGQZ"},
	{say: []string{`SELECT value AS x FROM config WHERE key = $1`}, bind: []string{"smtp_password"}, secret: "CNRYCONFIGQZ"},
	{say: []string{`SELECT c.value AS x FROM config c WHERE key = ANY ($1)`}, bind: []string{"{theme,smtp_password}"}, secret: "CNRYCONFIGQZ"},
	{say: []string{`SELECT v AS x FROM kv WHERE k = $1`}, bind: []string{"smtp_password"}, secret: "CNRYCONFIGQZ"},
	{say: []string{`COPY config (key, value) TO STDOUT`, `COPY config TO STDOUT`, `COPY config TO STDOUT CSV`, `COPY config TO STDOUT (FORMAT binary)`, `COPY (SELECT * FROM config) TO STDOUT`, `COPY (SELECT key, value FROM config) TO STDOUT (FORMAT csv, HEADER)`, `COPY (SELECT value FROM config WHERE key = 'smtp_password') TO STDOUT`}, secret: "CNRYCONFIGQZ"},
	{say: []string{`COPY config (key, value) FROM STDIN`}, copied: "smtp_password\t%s\n"},
	{say: []string{`COPY config FROM STDIN`}, copied: "theme\tdark\nsmtp_password\t%s\n"},
	{say: []string{`COPY config FROM STDIN CSV`}, copied: "\"smtp_password\",\"%s\"\n"},
	say(`INSERT INTO config (key, value) VALUES ('theme', 'x'), ('smtp_password', '%s') RETURNING value AS z`, `DELETE FROM config WHERE value = '%s' AND key = 'smtp_password' RETURNING value AS old`),
	say(`UPDATE config SET value = '%s' WHERE key = 'api_token' RETURNING value AS z`),
	// Statistics of columns.
	say(`CREATE TABLE st1 (id int, token text)`, `INSERT INTO st1 (id, token) SELECT i, '%s' FROM generate_series(1, 50) i`, `ANALYZE st1`, `SELECT attname, most_common_vals FROM pg_stats WHERE tablename = 'st1'`, `SELECT most_common_vals FROM pg_stats WHERE tablename = 'st1' AND attname = 'token'`, `SELECT most_common_vals AS m FROM pg_stats WHERE tablename = 'st1' AND attname = 'token'`, `SELECT most_common_vals::text FROM pg_stats WHERE tablename = 'st1'`, `SELECT * FROM pg_stats WHERE tablename = 'st1'`, `SELECT stavalues1 FROM pg_statistic WHERE starelid = 'st1'::regclass`, `SELECT s FROM pg_stats s WHERE tablename = 'st1'`, `COPY (SELECT most_common_vals FROM pg_stats WHERE tablename = 'st1') TO STDOUT`),
	say(`CREATE TABLE st2 (id int, password text)`, `INSERT INTO st2 (id, password) SELECT i, i || '%s' FROM generate_series(1, 400) i`, `ANALYZE st2`, `SELECT attname, histogram_bounds FROM pg_stats WHERE tablename = 'st2'`, `SELECT histogram_bounds AS h FROM pg_stats WHERE tablename = 'st2' AND attname = 'password'`, `SELECT * FROM pg_stats WHERE tablename = 'st2'`, `SELECT stavalues1, stavalues2 AS s FROM pg_statistic WHERE starelid = 'st2'::regclass`, `COPY pg_statistic TO STDOUT`, `EXPLAIN SELECT * FROM st2 WHERE password > '%s'`),
	// Columns of tokens.
	say(`CREATE TABLE tk (id int, tokens text)`, `INSERT INTO tk (id, tokens) VALUES (1, '%s')`, `SELECT * FROM tk`, `UPDATE tk SET tokens = '%s'`, `SELECT 1 FROM tk WHERE tokens = '%s'`, `SELECT id FROM tk WHERE tk.tokens IN ('%s')`, `SELECT tokens AS t FROM tk`, `COPY tk TO STDOUT`),
	say(`CREATE TABLE tk2 (id int, refresh_tokens text[])`, `INSERT INTO tk2 (id, refresh_tokens) VALUES (1, '{%s}')`, `SELECT refresh_tokens FROM tk2`, `UPDATE tk2 SET refresh_tokens = refresh_tokens || '%s'::text`),
	bind(`INSERT INTO tk (id, tokens) VALUES ($1, $2)`, "1", "%s"),
	bind(`UPDATE tk SET tokens = $1 WHERE id = 1 RETURNING tokens`, "%s"),
	bind(`SELECT $1::jsonb`, `{"tokens": ["%s"]}`),
	bind(`SELECT $1::jsonb`, `{"tokens": "%s"}`),
	// Tokens that are known by their form, wherever they are.
	say(`SELECT 'ghp_%s00000000000000000000000000'`, `SELECT 'github_pat_11AAAAAAA0%s0000000000'`, `SELECT 'xoxb-123456789012-%s00000000'`, `SELECT 'sk_live_%s000000000000000'`, `SELECT 'AIzaSy%s000000000000000000000000'`, `SELECT 'glpat-%s00000000000'`, `SELECT 'npm_%s000000000000000000000000000'`, `SELECT 'ya29.%s000000000000000000000'`, `SELECT 'sk-proj-%s0000000000000000000'`),
	bind(`SELECT $1::text`, "ghp_%s00000000000000000000000000"),
	bind(`INSERT INTO plain VALUES ($1) RETURNING a`, "sk_live_%s000000000000000"),
	bind(`INSERT INTO docs (note) VALUES ($1)`, "bot: xoxb-123456789012-%s00000000 please"),
	bind(`INSERT INTO plain VALUES ($1) RETURNING a AS b`, "AIzaSy%s000000000000000000000000"),
	bind(`INSERT INTO plain VALUES ($1) RETURNING a`, "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.%s0000"),
	bind(`INSERT INTO plain VALUES ($1) RETURNING a`, "-----BEGIN EC PRIVATE KEY-----\n%s\n-----END EC PRIVATE KEY-----"),
	bind(`INSERT INTO plain VALUES ($1) RETURNING a`, "Basic Ym9iOg%s00=="),
	say(`INSERT INTO plain VALUES ('ghp_%s00000000000000000000000000')`, `SELECT a FROM plain`, `COPY plain TO STDOUT`, `SELECT array_agg(a) FROM plain`, `SELECT plain FROM plain`, `SELECT to_jsonb(plain) FROM plain`, `SELECT a::int FROM plain WHERE a LIKE 'ghp%'`, `DELETE FROM plain`),
	{say: []string{`COPY plain FROM STDIN`, `COPY plain TO STDOUT`, `DELETE FROM plain`}, copied: "sk_live_%s000000000000000\n"},
	{say: []string{`COPY plain FROM STDIN`, `SELECT * FROM plain`, `DELETE FROM plain`}, copied: "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.%s0000\n"},
	say(`LISTEN ch`, `NOTIFY ch, 'ghp_%s00000000000000000000000000'`),
	say(`DO $$ BEGIN RAISE NOTICE 'got %', 'ghp_%s00000000000000000000000000'; END $$`),
	say(`SELECT http_post('https://x/', '{}', 'application/json', ARRAY[('authorization', 'Basic Ym9iOg%s00==')::http_header])`, `SELECT net.http_post(url := 'https://x/', headers := jsonb_build_object('Authorization', 'Bearer %s'))`, `SELECT net.http_get('https://x/', headers => '{"X-Auth-Token": "%s"}')`, `SELECT net.http_get('https://x/', headers => '{"apikey": "%s"}')`, `SELECT net.http_get('https://x/', headers => '{"Cookie": "sid=%s"}')`),
	say(`SELECT cron.schedule('j', '0 0 * * *', $$SELECT net.http_post('https://x/', headers := '{"Authorization": "Bearer %s"}')$$)`),
	// Files, large objects, logs.
	say(`SELECT lo_from_bytea(4711, 'password=%s')`, `SELECT lo_get(4711)`, `SELECT convert_from(lo_get(4711), 'UTF8')`, `SELECT data FROM pg_largeobject WHERE loid = 4711`, `SELECT lo_unlink(4711)`),
	{say: []string{`SELECT '\x70617373776f72643d434e525948455851'::bytea`, `SELECT lo_from_bytea(4712, '\x70617373776f72643d434e525948455851')`, `SELECT lo_get(4712)`, `SELECT lo_unlink(4712)`}, secret: "434e5259484558"},
	say(`CREATE TABLE byt (id int, b bytea)`, `INSERT INTO byt VALUES (1, 'host=h password=%s')`, `SELECT b FROM byt`, `SELECT encode(b, 'escape') FROM byt`, `COPY byt TO STDOUT`),
	{say: []string{`SELECT b FROM byt WHERE id = $1`}, bind: []string{"1"}, secret: "686f73743d682070617373776f72643d"},
	say(`DO $$ BEGIN EXECUTE format('COPY (SELECT %L) TO %L', 'host all all 0.0.0.0/0 ldap ldapserver=h ldapbinddn="cn=x" ldapbindpasswd="%s"', current_setting('data_directory') || '/hba'); END $$`, `SELECT pg_read_file('hba')`, `SELECT pg_read_binary_file('hba')`, `CREATE TEMP TABLE hba (line text)`, `INSERT INTO hba SELECT regexp_split_to_table(pg_read_file('hba'), '\n')`, `TABLE hba`, `COPY hba TO STDOUT`, `SELECT line AS l FROM hba`),
	say(`SELECT ARRAY['radiusservers="h"', 'radiussecrets="%s"'] AS options`),
	say(`SET client_min_messages = log; SET log_statement = 'all'; SET log_min_duration_statement = 0; SET log_min_error_statement = debug5; SET log_error_verbosity = verbose`, `SELECT set_config('app.token', '%s', false)`, `DO $$ BEGIN RAISE LOG 'secret %', '%s'; END $$`),
	say(`SET client_min_messages = debug5`, `UPDATE users SET token = '%s' WHERE id = -1`, `PREPARE q5 AS SELECT 1 FROM users WHERE token = '%s'`, `EXECUTE q5`),
	// Errors about constraints.
	say(`CREATE TABLE uq (id int, token text)`, `CREATE UNIQUE INDEX ON uq (lower(token))`, `INSERT INTO uq (id, token) VALUES (1, '%s')`, `INSERT INTO uq (id, token) VALUES (2, '%s')`, `INSERT INTO uq SELECT 3, token FROM uq`, `CREATE UNIQUE INDEX uqx ON uq ((substr(token, 1)))`, `INSERT INTO uq TABLE uq`),
	say(`CREATE TABLE fkp (token text PRIMARY KEY); CREATE TABLE fkc (id int, t text REFERENCES fkp)`, `INSERT INTO fkp (token) VALUES ('%s')`, `INSERT INTO fkc SELECT 1, token FROM fkp`, `DELETE FROM fkp`, `INSERT INTO fkc VALUES (1, 'no%s')`),
	say(`CREATE EXTENSION IF NOT EXISTS btree_gist`, `CREATE TABLE exc (token text, EXCLUDE USING gist (token WITH =))`, `INSERT INTO exc (token) VALUES ('%s')`, `INSERT INTO exc (token) VALUES ('%s')`, `INSERT INTO exc SELECT * FROM exc`),
	say(`CREATE TABLE vw (id int, token text); CREATE VIEW vwv AS SELECT * FROM vw WHERE id > 0 WITH CHECK OPTION`, `INSERT INTO vwv (id, token) VALUES (-1, '%s')`, `INSERT INTO vwv VALUES (-2, '%s')`),
	{say: []string{`SELECT passwd FROM hacct WHERE id = 0`, `COPY hacct FROM STDIN`}, copied: "1\tbob\t%s\textra\n"},
	{say: []string{`COPY hacct FROM STDIN CSV`}, copied: "x,bob,%s\n"},
	{say: []string{`COPY hacct (id, login, passwd) FROM STDIN`}, copied: "1\tbob\n2\t%s\n"},
	say(`SELECT json '{"password": %s}'`, `SELECT jsonb '{"password": "%s"'`, `SELECT '<a password=%s>'::xml`),
	// Settings as they are listed, and rows as logical decoding writes them.
	say(`ALTER ROLE bob SET app.otp = '%s'`, `SELECT rolname AS "Role", array_to_string(setconfig, E'\n') AS "Settings" FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = setrole`, `SELECT unnest(setconfig) AS c FROM pg_db_role_setting`, `ALTER ROLE bob RESET ALL`),
	{say: []string{`SELECT pg_create_logical_replication_slot('ltd', 'test_decoding'); SELECT pg_create_logical_replication_slot('lpo', 'pgoutput'); SELECT pg_create_logical_replication_slot('lwj', 'wal2json')`, `CREATE PUBLICATION pall FOR TABLE config, users`, `INSERT INTO config (key, value) VALUES ('smtp_password', '%s')`, `INSERT INTO users (id, name, token) VALUES (3300, 'x', '%s')`, `SELECT data FROM pg_logical_slot_get_changes('ltd', NULL, NULL)`, `SELECT data FROM pg_logical_slot_get_binary_changes('lpo', NULL, NULL, 'proto_version', '1', 'publication_names', 'pall')`, `SELECT data AS d FROM pg_logical_slot_get_changes('lwj', NULL, NULL)`, `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name IN ('ltd', 'lpo', 'lwj')`}},
	say(`SELECT to_jsonb(kv) FROM kv`, `INSERT INTO kv VALUES ('smtp_password', '%s')`, `SELECT json_agg(kv) FROM kv`, `SELECT kv::text FROM kv`, `SELECT array_agg(kv) FROM kv`),
	// Function calls, and a COPY that the client gives up.
	{call: []string{"2078", "app.password", "%s", "false"}, say: []string{`SELECT 1`}},
	{call: []string{"2077", "app.password"}, say: []string{`SELECT set_config('app.password', '%s', false)`}},
	{call: []string{"3036", "ch", "password=%s"}, say: []string{`LISTEN ch`}},
	{call: []string{"3036", "ch", "ghp_%s00000000000000000000000000"}, say: []string{`LISTEN ch`}},
	{say: []string{`COPY users (id, name, token) FROM STDIN`}, copied: "3401\tx\t%s\n", fails: "cannot read the token %s"},
	{say: []string{`COPY plain FROM STDIN`}, copied: "x\n", fails: "ValueError: bad line 'password=%s'"},
	{say: []string{`COPY plain FROM STDIN`}, copied: "host=h passw", copiedThen: "ord=%s\n"},
	{say: []string{`COPY config FROM STDIN`}, copied: "smtp_passw", copiedThen: "ord\t%s\n"},
	// Names in the protocol.
	say(`LISTEN "token=%s"`, `NOTIFY "token=%s"`, `UNLISTEN *`),
	say(`SET SESSION AUTHORIZATION "password=%s"`, `SET ROLE "password=%s"`),
	// Code that says it indirectly.
	say(`DO $$ DECLARE s text := '%s'; BEGIN PERFORM set_config('app.token', s, false); RAISE EXCEPTION USING MESSAGE = 'm', DETAIL = s, HINT = s; END $$`),
	say(`DO $$ BEGIN EXECUTE 'SELECT $1::int' USING (SELECT token FROM (SELECT '%s' AS token) q); END $$`),
	say(`DO $$ BEGIN EXECUTE format('SET app.token = %L', '%s'); RAISE NOTICE '%', current_setting('app.token'); END $$`),
	say(`PREPARE ins (int, text) AS INSERT INTO users (id, name, token) VALUES ($1, 'x', $2) RETURNING id`, `EXECUTE ins(3100, '%s')`, `EXECUTE ins(3100, '%s')`, `DEALLOCATE ins`),
	say(`CREATE PROCEDURE pp(INOUT a text) LANGUAGE plpgsql AS $$ BEGIN a := a || '!'; END $$`, `CALL pp((SELECT '%s' AS token))`),
	say(`CREATE TABLE audit_log (who text, old_row text); CREATE FUNCTION aud() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit_log VALUES ('x', NEW::text); RAISE NOTICE 'row %', NEW; RETURN NEW; END $$; CREATE TABLE watched (id int, token text); CREATE TRIGGER tr BEFORE INSERT ON watched FOR EACH ROW EXECUTE FUNCTION aud()`, `INSERT INTO watched (id, token) VALUES (1, '%s')`, `INSERT INTO watched VALUES (2, '%s')`),
	// Other spellings of what takes a secret.
	say(`ALTER USER MAPPING FOR bob SERVER loop OPTIONS (SET password '%s', DROP user)`, `CREATE USER MAPPING FOR USER SERVER loop OPTIONS ("user" 'x', "Password" '%s')`, `DROP USER MAPPING IF EXISTS FOR USER SERVER loop`),
	say(`ALTER ROLE CURRENT_ROLE IN DATABASE postgres SET my.api_key FROM CURRENT`, `ALTER ROLE ALL SET "my.apiKey" = '%s'`, `ALTER ROLE ALL RESET ALL`),
	say(`SELECT * FROM dblink_connect_u('a', 'user=x pass' || 'word=%s host=127.0.0.1 port=1')`, `SELECT dblink_error_message('a'), '%s' FROM dblink_get_connections()`),
	say(`SELECT postgres_fdw_disconnect('x'), 'host=h passwd=%s'`, `SELECT 'sslkey=/k sslpassword=%s'`),
	say(`SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY; SET my.secret TO '%s'`, `SHOW my.secret`, `RESET my.secret`),
	say(`SELECT 'machine h login bob password %s'`, `SELECT '//registry.npmjs.org/:_authToken=%s'`, `SELECT '[default] aws_secret_access_key = %s'`, `SELECT 'h:5432:db:bob:%s' AS pgpass_line`),
	say(`COMMENT ON TABLE plain IS 'login bob / pw: %s'`, `SELECT obj_description('plain'::regclass)`, `SELECT description FROM pg_description WHERE objoid = 'plain'::regclass`, `COMMENT ON TABLE plain IS NULL`),
	say(`SELECT query, '%s' AS password FROM pg_stat_activity WHERE pid = pg_backend_pid()`, `SELECT pg_stat_get_backend_activity(id) FROM pg_stat_get_backend_idset() id -- secret: %s`),
	bind(`SELECT name, setting FROM pg_settings WHERE name = $1 AND $2 <> ''`, "app.token", "%s"),
	bind(`SELECT count(*) FROM users WHERE name = $1 AND crypt($2, password) = password`, "bob", "%s"),
	bind(`SELECT count(*) FROM users WHERE (name, token) IN (SELECT * FROM unnest($1::text[], $2::text[]))`, "{bob}", "{%s}"),
	bind(`INSERT INTO users (id, name, password) SELECT * FROM unnest($1::int[], $2::text[], $3::text[])`, "{3200}", "{bob}", "{%s}"),
	bind(`MERGE INTO users u USING (SELECT $1::int AS id, $2::text AS p) s ON u.id = s.id WHEN NOT MATCHED THEN INSERT (id, name, password) VALUES (s.id, 'm', s.p)`, "3201", "%s"),
	bind(`WITH n AS (INSERT INTO users (id, name, password) VALUES ($1, 'w', $2) RETURNING *) SELECT n.password AS y, n AS z FROM n`, "3202", "%s"),
	bind(`UPDATE users SET password = CASE WHEN id = 1 THEN $1 ELSE $2 END WHERE id = -1`, "a", "%s"),
	bind(`SELECT * FROM (VALUES ($1::text, $2::text)) AS t(login, passwd)`, "bob", "%s"),
	bind(`SELECT $1 AS login, $2 AS passwd`, "bob", "%s"),
	bind(`EXPLAIN (ANALYZE, COSTS OFF) SELECT 1 FROM users WHERE password = $1`, "%s"),
	// Names that are given to columns in a list, or behind a cast.
	say(`INSERT INTO users (id, name, password) VALUES (5001, 'a', '%s')`, `WITH w(z) AS (SELECT password FROM users WHERE id = 5001) SELECT z FROM w`, `SELECT z FROM (SELECT password FROM users WHERE id = 5001) s(z)`, `SELECT password::text AS t FROM users WHERE id = 5001`, `SELECT DISTINCT password p FROM users WHERE id = 5001`, `SELECT (SELECT password FROM users WHERE id = 5001) AS q`, `SELECT CASE WHEN true THEN password END AS c FROM users WHERE id = 5001`, `SELECT first_value(password) OVER () FROM users WHERE id = 5001`, `SELECT xmlagg(xmlelement(name p, password)) FROM users WHERE id = 5001`, `SELECT password FROM users WHERE id = 5001 UNION SELECT 'a'`, `VALUES ((SELECT password FROM users WHERE id = 5001))`),
	say(`SELECT setseed(0.5), '%s' AS pass_phrase`),
	say(`CREATE TABLE oauth (id int, "accessToken" text, "refreshToken" text)`, `INSERT INTO oauth ("accessToken") VALUES ('%s')`, `SELECT "accessToken" FROM oauth`, `UPDATE oauth SET "refreshToken" = '%s' RETURNING "refreshToken" AS r`),
	say(`CREATE TABLE hdr (id int, headers jsonb)`, `INSERT INTO hdr VALUES (1, '{"authorization": "Basic %s", "x-api-key": "%s"}')`, `SELECT headers->>'authorization' AS a FROM hdr`, `SELECT headers FROM hdr`),
	say(`CREATE INDEX pix ON users (id) WHERE token = '%s'`, `SELECT pg_get_indexdef('pix'::regclass)`, `SELECT pg_get_expr(indpred, indrelid) FROM pg_index WHERE indexrelid = 'pix'::regclass`, `DROP INDEX pix`),
	say(`CREATE TABLE ss (id int, token text)`, `CREATE STATISTICS sx ON (token || '%s'), id FROM ss`, `SELECT pg_get_statisticsobjdef(oid) FROM pg_statistic_ext WHERE stxname = 'sx'`),
	{say: []string{`COPY users (id, name, password) FROM STDIN (FORMAT text, DELIMITER '|')`}, copied: "5100|x|%s\n"},
	bind(`INSERT INTO config (key, value) SELECT * FROM unnest($1::text[], $2::text[])`, "{theme,db_password}", "{dark,%s}"),
	bind(`SELECT hstore($1, $2)`, "password", "%s"),
	bind(`SELECT hstore($1::text[], $2::text[])`, "{password}", "{%s}"),
	bind(`SELECT jsonb_object($1::text[], $2::text[])`, "{password}", "{%s}"),
	bind(`SELECT set_config(k, v, false) FROM unnest($1::text[], $2::text[]) AS t(k, v)`, "{app.secret}", "{%s}"),
	bind(`SELECT pg_notify($1, $2)`, "password_resets", "%s"),
}

// deferredTrigger makes tables whose triggers raise what was inserted, at the end of the
// transaction: an error, a notice, and one about a setting.
const deferredTrigger = `CREATE TABLE dt (id int, token text);
CREATE TABLE dn (id int, token text);
CREATE TABLE dg (id int);
CREATE FUNCTION dtf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''bad row %'', NEW; END';
CREATE FUNCTION dnf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE NOTICE ''new row %'', NEW; RETURN NEW; END';
CREATE FUNCTION dgf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''it is %'', current_setting(''app.'' || ''secret''); END';
CREATE CONSTRAINT TRIGGER dtt AFTER INSERT ON dt DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION dtf();
CREATE CONSTRAINT TRIGGER dnt AFTER INSERT ON dn DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION dnf();
CREATE CONSTRAINT TRIGGER dgt AFTER INSERT ON dg DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION dgf()`
