package sqlnorm

import "testing"

func TestInScript(t *testing.T) {
	for sql, want := range map[string]bool{
		"select 1":                         true,
		"select 1; select 2":               true,
		"select 1 -- note":                 true,
		"select '\\! id', E'\\n', $$\\!$$": true,
		"select \"a\\b\"":                  true,
		"select a::int, b[1:2], c[:n]":     true,
		"copy t to stdout":                 true,
		"select 1 \\! id":                  false,
		"select 1 \\g |id":                 false,
		"\\c other":                        false,
		"select 'open":                     false,
		"select \"open":                    false,
		"select $x$ open":                  false,
		"select 1 /* open":                 false,
		"select (1":                        false,
		"select 1)":                        false,
		"select :'x'":                      false,
		"select :\"x\"":                    false,
		"select a[1:ENCODING]":             false,
		"copy t from stdin":                false,
		"select 1; COPY t (a) FROM  STDIN with csv": false,
		"select '\xff'": false,
		"select '\x00'": false,
	} {
		if _, got := InScript([]byte(sql)); got != want {
			t.Errorf("%q: %v", sql, got)
		}
	}
	for sql, want := range map[string]int{"": 0, ";;": 0, "select 1": 1, "(select 1);": 1, "begin; (select 1); ;commit": 3, "select 1 -- ; x": 1} {
		if got, ok := InScript([]byte(sql)); got != want || !ok {
			t.Errorf("%q: %d statements", sql, got)
		}
	}
}
