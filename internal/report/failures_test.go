package report

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/record"
)

// TestWithoutValues holds that no value is left in what servers say with it, in whichever
// language and however the value looks.
func TestWithoutValues(t *testing.T) {
	values := []string{"Smith", `Sm"ith`, `"Smith`, `Smith"`, "«Smith» Smith", "Smith “ Smith", "17 Smith", strings.Repeat("Smith ", 300)}
	for _, text := range []string{
		`invalid input syntax for type integer: "%s"`, `value "%s" is out of range for type integer`, `relation "%s" does not exist`,
		"ungültige Eingabesyntax für Typ integer: »%s«", "ungültige Eingabesyntax für Typ integer: „%s“", "la relation « %s » n'existe pas",
		"отношение \"%s\" не существует", "リレーション\"%s\"は存在しません", "無効な値 「%s」 です",
	} {
		for _, v := range values {
			full := fmt.Sprintf(text, v)
			before, _, _ := strings.Cut(text, "%s")
			for cutAt := len(full); cutAt > len(before); cutAt -= 1 + cutAt/50 {
				got := withoutValues(cut([]byte(full), cutAt))
				if strings.Contains(got, "Smi") || strings.Contains(got, "ith") {
					t.Errorf("%.200q, cut to %d, is shown as %q", full, cutAt, got)
				}
				if !strings.HasPrefix(got, strings.TrimRight(before, quotes+" ")) {
					t.Errorf("of %.200q only %q is left", full, got)
				}
			}
		}
	}
	for text, want := range map[string]string{
		"division by zero": "division by zero",
		"character with byte sequence 0xe2 0x82 has no equivalent": "character with byte sequence … … has no equivalent",
		"time 12:30:01.5 is not in 2026-11-29":                     "time … is not in …",
	} {
		if got := withoutValues(text); got != want {
			t.Errorf("%q is shown as %q", text, got)
		}
	}
}

// TestRaised holds which errors may say anything: of the server's own functions, by the
// names that they report, and of codes that are not the server's.
func TestRaised(t *testing.T) {
	for _, e := range []errorText{
		{state: "P0001", routine: "exec_stmt_raise"},
		{state: "P0001"},
		{state: "23505", routine: "exec_stmt_raise"},
		{state: "38000"},
		{state: "22012", routine: "PLy_output"},
		{state: "XX000"},
		{state: "MY001"},
		{state: "99999"},
		{},
		{state: "    "},
		{state: " 22 2"},
	} {
		if !e.raised() {
			t.Errorf("%q of %q is shown", e.state, e.routine)
		}
	}
	for _, e := range []errorText{
		{state: "22012", routine: "int4div"}, {state: "42P01", routine: "parserOpenTable"}, {state: "28P01"}, {state: "57P01"}, {state: "23505"},
	} {
		if e.raised() {
			t.Errorf("%q of %q is not shown", e.state, e.routine)
		}
	}
}

// TestGroups holds that groups beyond the bound are added up as they would be one by one.
func TestGroups(t *testing.T) {
	var g groups
	const many = maxGroups + 7
	for i := range many {
		g.add(fmt.Sprint("name ", i), &record.Query{Rows: 3, Duration: 5, Error: []byte("x")})
	}
	var all group
	for _, k := range g.sorted() {
		all.Calls, all.Errors, all.Rows, all.Total = all.Calls+k.Calls, all.Errors+k.Errors, all.Rows+k.Rows, all.Total+k.Total
	}
	if all != (group{Calls: many, Errors: many, Rows: 3 * many, Total: 5 * many}) || len(g.sorted()) != maxGroups+1 {
		t.Errorf("%+v in %d groups", all, len(g.sorted()))
	}
}
