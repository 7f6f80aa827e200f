package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/hostile"
	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// TestReportedSettings: what the server reports of its settings is honoured from there
// on: binary dates and intervals are shown as it would print them, and where
// backslashes are escapes a constant ends where the server lets it end.
func TestReportedSettings(t *testing.T) {
	var p hostile.Packets
	c := hostile.NewConn(1)
	p.Open(c)
	p.Send(c, hostile.Client, hostile.Startup("user", "u", "database", "d"))
	setting := func(name, v string) []byte { return hostile.Message('S', hostile.String(name), hostile.String(v)) }
	b := append(hostile.Message('R', hostile.Int32(0)), setting("DateStyle", "German, DMY")...)
	b = append(append(b, setting("IntervalStyle", "sql_standard")...), setting("standard_conforming_strings", "off")...)
	p.Send(c, hostile.Server, append(b, hostile.Ready()...))
	column := func(name string, oid int) []byte {
		return append(append(append(hostile.String(name), make([]byte, 6)...), hostile.Int32(oid)...), 0, 8, 255, 255, 255, 255, 0, 1)
	}
	interval := append(append(make([]byte, 8), hostile.Int32(0)...), hostile.Int32(-14)...)
	row := append(append(hostile.Int16(2), append(hostile.Int32(4), hostile.Int32(8825)...)...), append(hostile.Int32(16), interval...)...)
	p.Send(c, hostile.Client, hostile.Query(`SELECT 'it\'s -- ', 5, d, i FROM t WHERE a = 'b\\'`))
	p.Send(c, hostile.Server, append(append(hostile.Message('T', hostile.Int16(2), column("d", 1082), column("i", 1186)), hostile.Message('D', row)...), append(hostile.Complete("SELECT 1"), hostile.Ready()...)...))
	p.Send(c, hostile.Client, hostile.Query(`UPDATE t SET a = 'x\' WHERE token = ', token = 'CANARYZQ'`))
	p.Send(c, hostile.Server, append(append(hostile.Complete("UPDATE 1"), setting("standard_conforming_strings", "on")...), hostile.Ready()...))
	p.Send(c, hostile.Client, hostile.Query(`SELECT 'C:\' AS a, 5`))
	p.Send(c, hostile.Server, append(hostile.Complete("SELECT 1"), hostile.Ready()...))
	p.Close(c)
	file := filepath.Join(t.TempDir(), "settings.pcap")
	if err := os.WriteFile(file, p.File(), 0o600); err != nil {
		t.Fatal(err)
	}
	// Of a text that takes secrets, all is hidden behind a constant that ends elsewhere if
	// the setting has changed by then: servers report that afterwards.
	out, _, _ := command("read", file, "-o", "json", "--view", "messages,queries")
	for _, want := range []string{
		`"values":["29.02.2024","-1-2"]`, `"normalized":"select $1, $2, d, i from t where a = $3"`, `"normalized":"update t set a = $1"`, `"normalized":"select $1 as a, $2"`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("not %s in\n%s", want, out)
		}
	}
	if strings.Contains(out, "CANARYZQ") {
		t.Error("a secret is shown")
	}
	out, _, _ = command("read", file)
	if !strings.Contains(out, "d=29.02.2024 i=-1-2") {
		t.Errorf("pretty:\n%s", out)
	}
}

// TestEscapesAgainstServer: texts with backslashes of sessions with and without
// standard_conforming_strings, normalised as the server's own tokens have it: the
// server names the columns of its constants, and runs them.
func TestEscapesAgainstServer(t *testing.T) {
	s := pgtest.Start(t, pgtest.WithConf("standard_conforming_strings", "off"), pgtest.WithConf("escape_string_warning", "off"))
	file, _ := playAttacks(t, s, []attack{
		say(`SELECT 'a\'b', 'c'`, `SELECT 'x\\', 5`, `SELECT N'a\'b', 1`, `SET standard_conforming_strings = on`, `SELECT 'a\', 'b'`),
	})
	out, _, _ := command("read", file, "-o", "json", "--view", "queries")
	for _, want := range []string{`"normalized":"select $1, $2","`, `"normalized":"set standard_conforming_strings = on"`} {
		if !strings.Contains(out, want) {
			t.Errorf("not %s in\n%s", want, out)
		}
	}
	if n := strings.Count(out, `"normalized":"select $1, $2","`); n != 4 || strings.Contains(out, `"error"`) {
		t.Errorf("%d alike in\n%s", n, out)
	}
}
