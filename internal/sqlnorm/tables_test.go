package sqlnorm

import (
	"slices"
	"testing"
)

func TestSecretTables(t *testing.T) {
	for _, tt := range []struct {
		sql  string
		want []string
	}{
		{"INSERT INTO users (id, token) VALUES (1, 'x')", []string{"users"}},
		{`INSERT INTO "Public" . "Users" (id, "Password") VALUES (1, 'x')`, []string{"Users"}},
		{"SELECT a.password FROM ONLY App.Accounts a JOIN other o ON true", nil},
		{"DELETE FROM ONLY App.Accounts a WHERE a.password = 'x'", []string{"accounts"}},
		{"UPDATE accounts SET password = 'x' FROM other", []string{"accounts"}},
		{"CREATE TABLE IF NOT EXISTS users (id int, password text)", []string{"users"}},
		{"update api_tokens set v = 'x'", []string{"api_tokens"}},
		{"COPY users (password) FROM STDIN", []string{"users"}},
		{"SELECT id FROM users", nil},
		{"INSERT INTO users (id, name) VALUES (1, 'token')", nil},
		{"from from .. into", nil},
	} {
		var got []string
		SecretTables([]byte(tt.sql), func(name []byte) { got = append(got, string(name)) })
		if !slices.Equal(got, tt.want) {
			t.Errorf("%q: %q, want %q", tt.sql, got, tt.want)
		}
	}
}

func TestCopiesWhole(t *testing.T) {
	for sql, want := range map[string]string{
		"COPY users TO STDOUT": "users", `copy "x".Users from stdin`: "users", `COPY "Users" TO STDOUT`: "Users", "/* a */ COPY users FROM STDIN": "users",
		"COPY users (id) TO STDOUT": "", "COPY (SELECT 1) TO STDOUT": "", "SELECT 1": "", "COPY": "", "COPY users": "",
	} {
		if got := string(CopiesWhole(nil, []byte(sql))); got != want {
			t.Errorf("%q: %q, want %q", sql, got, want)
		}
	}
}
