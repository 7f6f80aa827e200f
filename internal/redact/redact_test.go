package redact

import (
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

func fields(pairs ...string) *messages.ErrorFields {
	var e messages.ErrorFields
	for i := 0; i < len(pairs); i += 2 {
		e.Fields = append(e.Fields, messages.ErrorField{Type: pairs[i][0], Value: []byte(pairs[i+1])})
	}
	return &e
}

// TestReply: texts that servers sent.
func TestReply(t *testing.T) {
	for _, tt := range []struct {
		hidden bool
		reply  *messages.ErrorFields
	}{
		{false, fields("M", `role "nosuch" does not exist`)},
		{false, fields("M", `syntax error at or near "selct"`, "P", "1")},
		{false, fields("M", `password authentication failed for user "bob"`)},
		{false, fields("M", `duplicate key value violates unique constraint "t_pkey"`, "D", "Key (id)=(1) already exists.")},
		{false, fields("M", `invalid option "password"`, "H", "Valid options in this context are: user, password, sslpassword")},
		{false, fields("M", "could not establish connection", "D", `connection to server at "127.0.0.1", port 1 failed: Connection refused`)},
		{true, fields("M", `role "nosuch" does not exist`, "W", "SQL statement \"alter role nosuch password 'x'\"\nPL/pgSQL function f_call(text) line 1 at EXECUTE")},
		{true, fields("M", `unrecognized role option "nonsense"`, "q", "alter role r1 password 'x' nonsense")},
		{true, fields("M", "host=x password=x", "D", "x")},
		{true, fields("M", "x", "D", "password=x")},
		{true, fields("M", "x", "H", "postgresql://u:x@h/db")},
		{true, fields("M", "could not establish connection", "D", `missing "=" after "x" in connection info string`)},
		{true, fields("M", `invalid percent-encoded token: "%zz"`)},
		{true, fields("M", `invalid URI query parameter: "x"`)},
		{true, fields("M", "duplicate key", "D", "Key (token)=(x) already exists.")},
		{true, fields("M", "the secret is x")},
		{true, fields("x", "password: x")},
	} {
		if got := (Cycle{}).Reply(tt.reply); got != tt.hidden {
			t.Errorf("%v: hidden is %v", tt.reply, got)
		}
	}
	if !(Cycle{sqlnorm.Hidden}).Reply(fields("M", "anything")) {
		t.Error("a reply to what was hidden is shown")
	}
}

func TestColumn(t *testing.T) {
	column := func(name string, table uint32, n int16, oid uint32) *messages.ColumnDescription {
		return &messages.ColumnDescription{Name: []byte(name), TableOID: table, Column: n, TypeOID: oid}
	}
	for _, tt := range []struct {
		hidden, touched bool
		column          *messages.ColumnDescription
	}{
		{true, false, column("rolpassword", 1260, 11, 25)},
		{true, false, column("x", 1260, 11, 25)},
		{false, false, column("rolname", 1260, 2, 19)},
		{true, false, column("passwd", 12005, 7, 25)},
		{false, false, column("usename", 12005, 1, 19)},
		{true, false, column("subconninfo", 6100, 11, 25)},
		{true, false, column("c", 6100, 13, 25)},
		{false, false, column("suborigin", 6100, 14, 25)},
		{true, false, column("umoptions", 12327, 6, 1009)},
		{true, false, column("x", 1418, 4, 1009)},
		{true, false, column("phash", 0, 0, 25)},
		{true, false, column("app.secret", 0, 0, 25)},
		{true, false, column("access_token", 4711, 3, 25)},
		{false, false, column("name", 4711, 2, 25)},
		{false, true, column("name", 4711, 2, 25)},
		{true, true, column("QUERY PLAN", 0, 0, 25)},
		{false, true, column("count", 0, 0, 20)},
	} {
		c := Cycle{}
		if tt.touched {
			c.Secrecy = sqlnorm.Hidden
		}
		if got := c.Column(tt.column); got != tt.hidden {
			t.Errorf("%s of %d.%d: hidden is %v", tt.column.Name, tt.column.TableOID, tt.column.Column, got)
		}
	}
	if !(Cycle{}).ColumnName([]byte("password=x")) || (Cycle{}).ColumnName([]byte("password")) || (Cycle{}).ColumnName([]byte("a=b")) {
		t.Error("names of columns")
	}
}

func TestValue(t *testing.T) {
	for v, want := range map[string]bool{
		"SCRAM-SHA-256$4096:x": true, "md57666dc9ed56a5f0ddbcd3efafbd698c9": true, "host=h password=x": true, "{user=x,sslpassword=x}": true,
		"postgresql://u:p@h/d": true, `<a password="x"/>`: true, `{"token" : "x"}`: true, "ALTER ROLE r PASSWORD 'x'": true, "Authorization: Basic x": true,
		"passfile = /x": true, "PGPASSWORD=x psql": true, "pwd=x": true,
		"": false, "x": false, "my password is long": false, "password": false, "https://example.com/a": false, "md5": false,
		"compass: north": false, `{"tokens": 5}`: false, "password_required": false, "postgresql://h/d": false,
	} {
		if got := Value([]byte(v)); got != want {
			t.Errorf("%q: %v", v, got)
		}
	}
}

func TestSettings(t *testing.T) {
	for _, name := range []string{"password", "crdb:session_revival_token_base64", "oauth_access_token", "totp", "app.secret", "sslpassword", "MY_TOKEN"} {
		if !Setting([]byte(name), []byte("x")) {
			t.Errorf("%s is shown", name)
		}
	}
	for _, name := range []string{"user", "database", "application_name", "DateStyle", "search_path", "_pq_.test"} {
		if Setting([]byte(name), []byte("x")) {
			t.Errorf("%s is hidden", name)
		}
	}
	if !Setting([]byte("application_name"), []byte("postgresql://u:p@h/d")) {
		t.Error("a URL is shown")
	}
	for v, want := range map[string]string{
		"-c search_path=a,b -c geqo=off":      "-c search_path=a,b -c geqo=off",
		"-c app.secret=x":                     "-c app.secret=<redacted>",
		"--my.thing=x  --statement_timeout=5": "--my.thing=<redacted>  --statement_timeout=5",
		"-capp.token=a\\ b -F":                "-capp.token=<redacted> -F",
		"endpoint=ep-cool":                    "endpoint=ep-cool",
		"what is this":                        "<redacted> <redacted> <redacted>",
		"-c primary_conninfo=x -cpassword=x":  "-c primary_conninfo=<redacted> -cpassword=<redacted>",
		"":                                    "",
	} {
		if got := string(Options(nil, []byte(v))); got != want {
			t.Errorf("%q became %q", v, got)
		}
	}
}

func TestLevels(t *testing.T) {
	sql := "ALTER ROLE r PASSWORD 'hunter2' VALID UNTIL '2030-01-01'"
	for level, want := range map[Level]string{
		None: sql, Secrets: "ALTER ROLE r PASSWORD '<redacted>' VALID UNTIL '2030-01-01'",
		All: "ALTER ROLE r PASSWORD '<redacted, 9 bytes>' VALID UNTIL '<redacted, 12 bytes>'",
	} {
		got, cycle := level.SQL(nil, []byte(sql), false)
		if string(got) != want || cycle.Repeats() != (level != None) {
			t.Errorf("%d: %q, %v", level, got, cycle)
		}
	}
	for _, name := range []string{"all", "secrets", "none"} {
		if _, err := ParseLevel(name); err != nil {
			t.Error(err)
		}
	}
	if _, err := ParseLevel("some"); err == nil || !strings.Contains(err.Error(), "secrets") {
		t.Error(err)
	}
}

// FuzzOptions: arguments stay apart, and nothing of a setting of others is shown.
func FuzzOptions(f *testing.F) {
	f.Add("-c app.x=", "y z")
	f.Fuzz(func(t *testing.T, before, after string) {
		const secret = "CANARYZQ"
		if strings.ContainsAny(before, "=") {
			return
		}
		v := before + " -c app.x=" + secret + " " + after
		if strings.HasSuffix(strings.ReplaceAll(before, `\\`, ""), `\`) || strings.Contains(before, secret) || strings.Contains(after, secret) {
			return
		}
		if got := Options(nil, []byte(v)); strings.Contains(string(got), secret) {
			t.Fatalf("%q became %q", v, got)
		}
	})
}

// TestMarksOfAnyType: what stands for a hidden value is shown as it is.
func TestMarksOfAnyType(t *testing.T) {
	h := &Handler{level: All}
	if got := string(h.mark(nil, []byte("x"))); got != "<redacted, 1 bytes>" {
		t.Error(got)
	}
	if h.mark(nil, nil) != nil {
		t.Error("NULL is hidden")
	}
}

// TestRowsThatAreShown: what is no secret stays, of the system's tables, of users'
// and of none.
func TestRowsThatAreShown(t *testing.T) {
	column := func(name string, table, oid uint32) messages.ColumnDescription {
		return messages.ColumnDescription{Name: []byte(name), TableOID: table, Column: 1, TypeOID: oid}
	}
	hides := func(secrecy sqlnorm.Secrecy, columns []messages.ColumnDescription, values ...string) (hidden string) {
		p := &policy{}
		var m messages.DataRow
		for i := range columns {
			p.columns = append(p.columns, columnPolicyOf(&columns[i]))
			if pairNames[string(columns[i].Name)] {
				p.named = append(p.named, i)
			}
			if pairValues[string(columns[i].Name)] {
				p.values = append(p.values, i)
			}
			m.Values.Add([]byte(values[i]))
		}
		const head = 5 + 2
		r := rowOf{policy: p, cycle: Cycle{secrecy}}
		r.asked = p.asks(m.Append(nil)[head:], len(values))
		for i, v := range values {
			if r.hides(i, []byte(v)) {
				hidden += string(columns[i].Name) + " "
			}
		}
		return hidden
	}
	setting := []messages.ColumnDescription{column("name", 12345, 25), column("setting", 12345, 25)}
	computed := []messages.ColumnDescription{column("a", 0, 25), column("n", 0, 20), column("owner", 0, 19)}
	user := []messages.ColumnDescription{column("title", 20000, 25), column("note", 20000, 1043)}
	activity := []messages.ColumnDescription{column("query", 12200, 25)}
	for _, tt := range []struct {
		want    string
		secrecy sqlnorm.Secrecy
		columns []messages.ColumnDescription
		values  []string
	}{
		{"", 0, setting, []string{"work_mem", "4096"}},
		{"", 0, setting, []string{"password_encryption", "scram-sha-256"}},
		{"setting ", 0, setting, []string{"app.password", "x"}},
		{"", 0, computed, []string{"hello", "5", "bob"}},
		{"", 0, computed, []string{"my password is long", "5", "bob"}},
		{"a ", sqlnorm.Names, computed, []string{"x", "5", "bob"}},
		{"a ", sqlnorm.Reads, computed, []string{"x", "5", "bob"}},
		{"a owner ", sqlnorm.Hidden, computed, []string{"x", "5", "bob"}},
		{"", sqlnorm.Hidden, user, []string{"the password", "secret: x"}},
		{"note ", 0, user, []string{"x", "SCRAM-SHA-256$4096:a$b:c"}},
		{"note ", 0, user, []string{"md5 sums", "md5c0ffeec0ffeec0ffeec0ffeec0ffee77"}},
		{"note ", 0, user, []string{"a=b", "host=h password=x"}},
		{"title ", 0, user, []string{`{"user": "u", "password": "x"}`, "the <b>password</b> is long"}},
		{"title ", 0, user, []string{"postgresql://u:x@h/db", "https://example.com/?a=b"}},
		{"title note ", forced, user, []string{"x", "y"}},
		{"", 0, activity, []string{"SELECT * FROM users WHERE id = 5"}},
		{"query ", 0, activity, []string{"SELECT pgp_sym_encrypt('x', 'y')"}},
	} {
		if got := hides(tt.secrecy, tt.columns, tt.values...); got != tt.want {
			t.Errorf("%q: hides %q, want %q", tt.values, got, tt.want)
		}
	}
}
