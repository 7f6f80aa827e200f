package sqlnorm

import (
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

func TestIsToken(t *testing.T) {
	for v, want := range map[string]bool{
		"ghp_abcdefghijklmnop0123456789": true, "github_pat_11ABCDEFG0abcdef": true, "glpat-abc123def456": true, "xoxb-123456789012-abcdef": true,
		"sk_live_4eC39HqLyjWDarjt": true, "AIzaSyA1234567890abcdefghij": true, "npm_abcdef1234567890": true, "sk-proj-abcdef123456": true,
		"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc": true, "AKIAIOSFODNN7EXAMPLE": true, "-----BEGIN PRIVATE KEY-----": true, "Basic Ym9iOnNlY3JldA==": true, "Bearer abcdef123456": true,
		"": false, "ghp_": false, "ghpages and more": false, "npm_config_registry_url": false, "AKIA is short": false, "Asia/Kolkata and Asia/Tokyo": false,
		"sk_SK.utf8 locale": false, "Basic plan upgrade": false, "Basic membership2026": false, "Bearer of the ring": false, "github.com/a/b": false, "------------": false, "eyJust a word": false,
		"sk-prompt-list-1": false, "task_live_5": false,
	} {
		if got := IsToken([]byte(v)); got != want {
			t.Errorf("%q: %v", v, got)
		}
		if want && !HasToken([]byte("a "+v+" b")) && !strings.HasPrefix(v, "Bearer") {
			t.Errorf("%q is not found in a text", v)
		}
		if got := InHex([]byte(`(1,"\\x` + hex.EncodeToString([]byte(v)) + `")`)); got != want {
			t.Errorf("%q in digits: %v", v, got)
		}
	}
	long := strings.Repeat("x", 5000)
	for i := range 600 {
		v := []byte(long[:4000+i] + " password=x " + long[:100])
		if !InHex([]byte(`\x` + hex.EncodeToString(v))) {
			t.Fatalf("%d bytes before it", i)
		}
	}
}

// TestNamesThatTellOfSecrets: what ends in how many there are, or when, is none.
func TestNamesThatTellOfSecrets(t *testing.T) {
	for name, want := range map[string]bool{
		"password": true, "user_password": true, "password_hash": true, "passwordHash": true, "reset_password_token": true, "token_value": true, "secretKey": true, "api_key": true,
		"password2": true, "token_": true, "client_secret": true, "PASSWORD": true, "secret_count_token": true, "pw": true, "db_pw": true, "SecretArn": true,
		"token_count": false, "tokens": false, "tokens_used": false, "password_changed_at": false, "passwordChangedAt": false, "PASSWORD_LENGTH": false, "token_type": false,
		"secret_version": false, "secretary": false, "Secretariat": false, "secretion": false, "passwordless": false, "api_key_count": false, "keyboard": false, "passenger": false,
		"pass_rate": false, "passport": false, "primary_key": false, "sort_key": false, "last_login": false, "tokenizer": false, "monkey": false,
	} {
		if got := NamesSecret([]byte(name)); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestTokens(t *testing.T) {
	for sql, want := range map[string]bool{
		"UPDATE t SET tokens = 'abc'": true, "SELECT 1 FROM t WHERE t.tokens IN (5, 'abc')": true, "INSERT INTO t (id, tokens) VALUES (1, 'abc')": true,
		"INSERT INTO t (id, refresh_tokens) SELECT 1, 'abc'": true, "insert into t (tokens, m) values (5, 'm'), ('abc', 'm')": true, "SELECT 1 FROM t WHERE 'x' = y AND tokens LIKE 'abc%'": true,
		"UPDATE t SET tokens = 5, model = 'abc'": false, "INSERT INTO t (model, tokens) VALUES ('abc', 5)": false, "SELECT tokens, 'abc' FROM t": false, "UPDATE t SET tokens = '512'": false,
		"SELECT sum(tokens) AS tokens, 'x' AS a FROM t WHERE b = 'c'": false, "INSERT INTO t (id, model) SELECT tokens, 'abc' FROM u": false, "SELECT 1 FROM t WHERE tokens > 5 AND m = 'abc'": false,
	} {
		if got := givesTokens([]byte(sql), false); got != want {
			t.Errorf("%q: %v", sql, got)
		}
	}
	for sql, want := range map[string]uint64{
		"INSERT INTO t (id, tokens, m) VALUES ($1, $2, $3)": 1 << 1, "UPDATE t SET m = $1, tokens = $2 WHERE id = $3": 1 << 1, "SELECT $1 FROM t WHERE tokens = ANY ($2)": 1 << 1, "SELECT tokens FROM t WHERE id = $1": 0,
	} {
		if got := TokenParameters([]byte(sql)); got != want {
			t.Errorf("%q: %b", sql, got)
		}
	}
	for doc, want := range map[string]bool{
		`{"tokens": "abc"}`: true, `{"tokens": ["abc"]}`: true, "tokens=abc": true, `{"tokens": 5}`: false, `{"tokens": "5"}`: false, `{"tokens": {"in": 5}}`: false, `{"tokens": null}`: false, "tokens: all": false, "tokens=5": false,
	} {
		if got := HoldsSecret([]byte(doc)); got != want {
			t.Errorf("%q: %v", doc, got)
		}
	}
}

func TestCasts(t *testing.T) {
	for sql, want := range map[string][]string{
		"SELECT 'x'::t": {"t"}, `SELECT ROW(1)::public."T x"[]`: {"T x"}, "SELECT CAST(ROW('a', b AS c) AS s.t)": {"t"}, "SELECT t 'x'": {"t"}, "SELECT a::int::text": {"int", "text"}, "SELECT a, b FROM t": nil,
	} {
		var got []string
		Casts([]byte(sql), func(name []byte) { got = append(got, string(name)) })
		for _, w := range want {
			if !slices.Contains(got, w) {
				t.Errorf("%q: %q, want %q", sql, got, w)
			}
		}
		if want == nil && got != nil {
			t.Errorf("%q: %q", sql, got)
		}
	}
	for sql, want := range map[string]string{
		"CREATE TABLE a PARTITION OF b FOR VALUES IN ('x')": "b", `create table if not exists a partition of s."B" default`: "B",
		"ALTER TABLE p ATTACH PARTITION c FOR VALUES FROM ('a') TO ('b')": "p", "ALTER TABLE s . p ATTACH PARTITION c DEFAULT": "p", "CREATE TABLE a (b int)": "",
	} {
		got := ""
		Parents([]byte(sql), func(name []byte) { got += string(name) })
		if got != want {
			t.Errorf("%q: %q, want %q", sql, got, want)
		}
	}
}

func TestAliases(t *testing.T) {
	for sql, want := range map[string]string{
		"WITH w(z, y) AS (SELECT password, id FROM users) SELECT z FROM w": "z y ", "SELECT z FROM (SELECT password FROM users) s(z)": "z ", `SELECT 1 FROM users AS u("A b", c)`: `"A b" c `,
		"SELECT 1 FROM users u(a)": "a ", "SELECT lower(name), count(id) FROM users WHERE a IN (b, c)": "", "INSERT INTO users (a, b) VALUES (1, 2)": "", "": "", "a b(": "", "a b(c": "c ",
	} {
		got := ""
		Aliases([]byte(sql), func(name []byte) { got += string(name) + " " })
		if got != want {
			t.Errorf("%q: %q, want %q", sql, got, want)
		}
	}
}
