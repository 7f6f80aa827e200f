package value_test

import (
	"bufio"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
	"github.com/pgsniff/pgsniff/internal/value"
)

var update = flag.Bool("update", false, "write testdata/postgres.tsv anew from a real server")

const (
	recordFile = "testdata/postgres.tsv"
	// recordLimit keeps values of more bytes out of the file.
	recordLimit = 400
)

// recorded is a value in both formats as a server sent it.
type recorded struct {
	zone string
	oid  uint32
	wire []byte
	text string
}

func (r recorded) session() *value.Session {
	return &value.Session{TimeZone: value.Zone(r.zone)}
}

// recordedValues reads what a server said once, for tests that have none.
func recordedValues(tb testing.TB) []recorded {
	tb.Helper()
	f, err := os.Open(recordFile)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	var all []recorded
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		column := strings.Split(lines.Text(), "\t")
		if len(column) != 4 {
			tb.Fatalf("%q has %d columns", lines.Text(), len(column))
		}
		oid, err := strconv.ParseUint(column[1], 10, 32)
		if err != nil {
			tb.Fatal(err)
		}
		wire, err := hex.DecodeString(column[2])
		if err != nil {
			tb.Fatal(err)
		}
		text, err := strconv.Unquote(column[3])
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, recorded{column[0], uint32(oid), wire, text})
	}
	if err := lines.Err(); err != nil {
		tb.Fatal(err)
	}
	return all
}

func TestRecordedValues(t *testing.T) {
	if *update {
		record(t)
	}
	all := recordedValues(t)
	if len(all) < 500 {
		t.Errorf("only %d values", len(all))
	}
	for _, r := range all {
		got, ok := value.Append([]byte("before "), r.oid, r.wire, r.session())
		if !ok || string(got) != "before "+r.text {
			t.Errorf("%s %x: %q, %v, want %q", value.TypeName(r.oid), r.wire, got, ok, r.text)
		}
	}
}

// record writes both formats of the edge values.
func record(t *testing.T) {
	s := pgtest.Start(t)
	conn := s.Connect(t, s.SuperUser, "postgres")
	lines := map[string]bool{}
	add := func(zone, sql string) {
		text, binary := query(t, conn, sql, 0), query(t, conn, sql, 1)
		for i, row := range binary.Rows {
			for j, b := range row {
				if b == nil || len(b) > recordLimit || len(text.Rows[i][j]) > recordLimit {
					continue
				}
				lines[fmt.Sprintf("%s\t%04d\t%x\t%+q", zone, binary.FieldDescriptions[j].DataTypeOID, b, text.Rows[i][j])] = true
			}
		}
	}
	for _, zone := range []string{"UTC", "America/St_Johns"} {
		exec(t, conn, "SET TIME ZONE '"+zone+"'")
		for _, e := range edgeValues {
			if zone == "UTC" || e.typ == "timestamptz" || e.typ == "tstzrange" {
				add(zone, e.query())
			}
		}
	}
	exec(t, conn, "SET TIME ZONE 'UTC'")
	for _, sql := range edgeQueries {
		if !strings.Contains(sql, " FROM pg_") {
			add("UTC", sql)
		}
	}
	sorted := make([]string, 0, len(lines))
	for line := range lines {
		sorted = append(sorted, line)
	}
	sort.Strings(sorted)
	header := "# Values as PostgreSQL " + s.FullName + " sends them: time zone, type, binary format, text format.\n"
	if err := os.WriteFile(recordFile, []byte(header+strings.Join(sorted, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}
