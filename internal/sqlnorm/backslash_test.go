package sqlnorm

import (
	"strings"
	"testing"
)

// TestSecretsWhicheverWayBackslashesAre: whether backslashes in plain constants are
// escapes is reported after it has changed, and not known at all of a connection that was
// joined in its middle. Texts that are right in one way hide their secret in both.
func TestSecretsWhicheverWayBackslashesAre(t *testing.T) {
	const secret = "CNRYZQ"
	before := []string{ // constants, as they are written where backslashes are escapes, or not
		`'x\'`, `'\'`, `'a\\\'`, `'\\\\\'`, `'it\'s'`, `'\''`, `'a\'', '\''`, `'\\'`, `'a\\', 'b\''`, `'x''\'`, `'\'''`, `E'\''`, `'x\' ', 'y`,
	}
	secrets := []string{secret, " " + secret, ", " + secret, " AS x, " + secret, "(" + secret, "-- " + secret, "/* " + secret, `\' ` + secret, `"` + secret, "$$" + secret, ";" + secret}
	texts := []string{
		"INSERT INTO users (name, password) VALUES ({B}, '{S}')",
		"UPDATE users SET name = {B}, password = '{S}' WHERE id = 1",
		"SELECT {B} AS a, '{S}' AS password",
		"SELECT 1 FROM users WHERE name = {B} AND password = '{S}'",
		"SELECT {B}, crypt('{S}', 'x')",
		"SELECT set_config('app.secret', '{S}', false), {B}; SELECT {B}, set_config('app.secret', '{S}', false)",
		"ALTER ROLE bob VALID UNTIL {B} PASSWORD '{S}'",
		"CREATE USER MAPPING FOR bob SERVER s OPTIONS (user {B}, password '{S}')",
		"SELECT dblink_connect({B}, 'host=h password={S}')",
		"SET application_name = {B}; SET app.secret = '{S}'",
		"SELECT {B}, 'postgresql://u:CNRYZQ@h/db', 'host=h password={S}'",
		"SELECT {B}, 'host=h password={S}'",
		`SELECT {B}, '{"password": "{S}"}'`,
		"COPY t FROM PROGRAM {B}; COPY t TO PROGRAM '{S}'",
		"DO $$ BEGIN x := {B}; ALTER ROLE bob PASSWORD '{S}'; END $$",
	}
	for _, text := range texts {
		for _, b := range before {
			for _, s := range secrets {
				sql := strings.ReplaceAll(strings.ReplaceAll(text, "{B}", b), "{S}", s)
				for _, escapes := range []bool{false, true} {
					r := Redactor{Escapes: escapes}
					out, _ := r.Text(nil, []byte(sql), false)
					if strings.Contains(string(out), secret) {
						t.Errorf("escapes %t: %s\nis %s", escapes, sql, out)
					}
					if out := r.All(nil, []byte(sql)); strings.Contains(string(out), secret) {
						t.Errorf("all, escapes %t: %s\nis %s", escapes, sql, out)
					}
				}
			}
		}
	}
}
