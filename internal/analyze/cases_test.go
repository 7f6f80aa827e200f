package analyze_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// smallCases are captures with what their query records have to say: SQL, command
// tags, SQLSTATE and whether they are complete.
var smallCases = map[string]string{
	// Which statement did the server run? Its log agrees.
	"statements/parse_between_bind_and_execute":       `SELECT 'from a'|SELECT 1||true`,
	"statements/parse_error_seen_before_bind_unnamed": `SELECT 1|SELECT 1||true; SELEC 2||42601|true`,
	"statements/parse_error_seen_before_bind_named":   `SELECT 1|SELECT 1||true; SELECT * FROM nosuch||42P01|true`,
	"statements/failed_parse_then_bind_pipelined":     `SELECT 2||42P05|true; SELECT 'old'|SELECT 1||true`,
	"statements/skipped_close_statement_pipelined":    `SELEC||42601|true; SELECT 'old'|SELECT 1||true`,
	"statements/sql_deallocate_prepare": `DEALLOCATE b|DEALLOCATE||true; PREPARE b AS SELECT 'by sql'|PREPARE||true;
		SELECT 'by sql'|SELECT 1||true`,
	"statements/skipped_bind_existing_portal": `BEGIN|BEGIN||true; SELECT generate_series(1,3)|||true; SAVEPOINT a|SAVEPOINT||true;
		SELEC||42601|true; ROLLBACK TO a|ROLLBACK||true; SELECT generate_series(1,3)|SELECT 2||true; COMMIT|COMMIT||true`,
	"statements/rollback_to_keeps_portal": `BEGIN|BEGIN||true; SELECT generate_series(1,3)|||true; SAVEPOINT a|SAVEPOINT||true;
		SELEC||42601|true; ROLLBACK TO a|ROLLBACK||true; SELECT generate_series(1,3)|SELECT 2||true; COMMIT|COMMIT||true`,
	"statements/execute_of_sql_cursor_portal": `BEGIN|BEGIN,DECLARE CURSOR||true; VALUES (1),(2)|SELECT 2||true; COMMIT|COMMIT||true`,
	// Whose reply is it?
	"pairing/copy_lost_G":           `copy t from stdin|COPY 2||false; select 1|SELECT 1||true`,
	"pairing/flush_units":           `select 2 as two|SELECT 1||true`,
	"pairing/gap_tail_13":           `select big|||false; select 1|SELECT 1||true; select 2|SELECT 1||true`,
	"pairing/gap_tail_20":           `select big|SELECT 1||false; select 1|SELECT 1||true; select 2|SELECT 1||true`,
	"pairing/join_QQ":               `select 1|||false; select 2|||false; select 3|SELECT 1||true`,
	"pairing/join_PBDE2S":           `select 1|||false; select 2|||false; select 3|SELECT 1||true`,
	"pairing/lost_startup_reply_QQ": `select 1|SELECT 1||true; select 2|SELECT 1||true; select 3|SELECT 1||true`,
	"pairing/mid_rfq_6":             `select 1|SELECT 1||true; select 2|SELECT 1||true`,
	"pairing/join_refused_parse": `deallocate ps3|||false; prepare ps2 as select 207, $1::int|||false; selec 211|||false; select 212/0|||false;
		select 214::int, $1::int||42P05|true; select 217|SELECT 1||true; select 219::int, $1::int||42P05|true; rollback|ROLLBACK,SELECT 1||true`,
	"pairing/keepalive_mid_s": `select 1|SELECT 1||true`,
	"pairing/mid_rfq_7":       `select 1|SELECT 1||true; select 2|SELECT 1||true`,
	"pairing/pgb52":           `SET statement_timeout=30000|SET||true; select 1|||false`,
	"pairing/neg_time":        `select 1|SELECT 1||true; select 2|SELECT 1||true`,
}

func TestSmallCases(t *testing.T) {
	for name, want := range smallCases {
		b, err := os.ReadFile(filepath.Join(pcaps, name+".pcap"))
		if err != nil {
			t.Fatal(err)
		}
		for _, quiet := range []bool{true, false} {
			var got []string
			for _, r := range queryRecords(t, b, way{quiet: quiet, ports: pgPorts}) {
				if r.SQL != nil && r.Duration != nil && *r.Duration < 0 {
					t.Errorf("%s: a negative duration", name)
				}
				if r.SQL == nil {
					continue
				}
				var tags []string
				for _, x := range r.Results {
					if x.Tag != nil {
						tags = append(tags, *x.Tag)
					}
				}
				state := ""
				if r.Error != nil {
					state = r.Error.SQLState
				}
				sql, _, _ := strings.Cut(*r.SQL, ";")
				got = append(got, fmt.Sprintf("%s|%s|%s|%v", sql, strings.Join(tags, ","), state, r.Complete))
			}
			if g := strings.Join(got, "; "); g != strings.Join(strings.Fields(want), " ") {
				t.Errorf("%s, quiet %v:\ngot  %s\nwant %s", name, quiet, g, want)
			}
		}
	}
}

// TestSkippedBindKeepsItsName binds statements that were never made, after an error: what
// the server passed over is told with the name that the client sent, also when other
// requests have come since.
func TestSkippedBindKeepsItsName(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(pcaps, "statements/skipped_bind_unknown_name.pcap"))
	if err != nil {
		t.Fatal(err)
	}
	bound := 0
	for _, r := range queryRecords(t, b, way{quiet: true, ports: pgPorts}) {
		if !r.Skipped || r.Statement == nil || *r.Statement == "" {
			continue
		}
		if bound++; !strings.HasPrefix(*r.Statement, "ps") {
			t.Errorf("query %d: statement %q", r.ID, *r.Statement)
		}
	}
	if bound == 0 {
		t.Error("no Bind of a named statement was skipped")
	}
}
