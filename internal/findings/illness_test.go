package findings_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/findings"
	"github.com/pgsniff/pgsniff/internal/sqlnorm"
)

// numbers are those of the servers' logs, pg_stat_statements and the programs' own
// counts: how often, and what the title has to say.
var numbers = map[string]struct {
	count uint64
	title string
}{
	"aborted_transaction_perl":       {48, "12 transactions, after 23505"},
	"admin_shutdown_restart_pg15":    {5, "32 new ones refused"},
	"backend_crash_kill9":            {5, "leaky-worker"},
	"cancel_storm_jdbc":              {6, "6 after 1.0"},
	"chatty_sqlalchemy_pre_ping":     {603, "75 %"},
	"cleartext_password_psycopg2":    {1, "legacy_plain"},
	"connection_churn_php":           {120, "120 connections"},
	"copy_slow_server":               {1, "more slowly than it comes"},
	"plan_flip_sql_prepare":          {9, "6th"},
	"pooler_queue_slow":              {8, "8 connections to it, 1 connection to 127.0.0.1:5432"},
	"pooler_wait_timeout":            {3, "gave up 3 queries of 3 clients"},
	"ssl_fallback_handshake":         {3, "failed in the handshake"},
	"ssl_fallback_encrypted":         {3, "failed in the handshake"},
	"deadlock_psycopg2":              {5, "5 deadlocks"},
	"delayed_ack_parse_bind":         {90, "90 times"},
	"failed_logins_no_role":          {8, "28000 and 3D000"},
	"lock_wait_ddl_queue":            {1, "5 statements of others waited"},
	"n_plus_one_peewee":              {95, "5 loops of 19"},
	"n_plus_one_two_children":        {160, "80 executions of one SELECT in 4 loops of 20"},
	"single_row_inserts_asyncpg":     {150, "150 rows into events one at a time, each between its own BEGIN and COMMIT"},
	"failed_logins_pgbouncer":        {7, "7 logins of 10.97.0.2 failed as nobody with 08P01"},
	"statement_leak_libpq_go":        {150, "150 alive on a connection, of 1 text; 0 Closes"},
	"idle_in_transaction_timeout":    {2, "1.50 s at most; the server ended 2 connections"},
	"pooler_queue_session":           {54, "18 connections to it, 2 connections to 10.97.0.1:5432"},
	"failed_logins_password":         {26, "28P01"},
	"gssenc_roundtrip_pg18":          {16, "round trip of 16"},
	"idle_disconnect_timeout":        {1, "idle for 5.9"},
	"idle_in_transaction_psycopg2":   {3, "3.20 s at most; 6 statements of others waited 13.0 s"},
	"literal_sql_php":                {1000, "1,000 texts"},
	"lock_wait_hot_row":              {42, "2.43 s at most"},
	"md5_auth_psycopg2":              {1, "legacy_md5"},
	"midstream_n_plus_one":           {270, "9 loops of 30"},
	"mixed_three":                    {2, "2.60 s at most"},
	"n_plus_one_django":              {160, "4 loops of 40"},
	"n_plus_one_sqlalchemy_tx":       {180, "3 loops of 60"},
	"plan_flip_jdbc":                 {11, "6th"},
	"pooler_queue_transaction":       {108, "2 connections to 10.88.0.1:5432"},
	"reparse_churn_libpq_go":         {400, "400 Parses for 400 executions"},
	"reparse_churn_perl":             {440, "440 Parses for 220 executions"},
	"refused_psql":                   {5, "5 connection attempts"},
	"no_answer_psql":                 {3, "3 connection attempts"},
	"retry_storm_psql":               {30, "30 in a row"},
	"retransmit_request_lost":        {5, "5 queries"},
	"rtt_bound_node":                 {300, "300 round trips of 20"},
	"serialization_failure_psycopg2": {85, "57 %"},
	"server_stall_once":              {1, "1 stall of 2.09 s"},
	"single_row_inserts_autocommit":  {1200, "1,200 rows into events"},
	"slow_consumer_psycopg3":         {1, ""},
	"slow_first_query":               {6, "6 connections"},
	"ssl_fallback_psycopg2":          {4, "4 connections"},
	"statement_leak_node":            {320, "320 alive"},
	"statement_timeout_django":       {7, "after 251 ms"},
	"tiny_fetch_size_jdbc":           {601, "6,000 rows in steps of 10"},
	"too_many_connections_pools":     {47, "api-gateway"},
	"unbounded_result_cancelled":     {2, "3,598 to 5,254 rows"},
	"unbounded_result_psycopg2":      {2, "10,922 each in 2"},
	"weak_tls11_libpq":               {1, "TLSv1.1"},
	"wide_result_activerecord":       {5, "avatar makes 560 kB"},
}

func TestIllnesses(t *testing.T) {
	all := truths(t)
	for name, want := range all {
		t.Run(name, func(t *testing.T) {
			list := diagnose(packets(t, "illness/"+name+".pcap.xz"), 1, nil)
			for i := range list {
				f := &list[i]
				allowed := slices.Contains(want.Illnesses, f.Code) || slices.Contains(want.May, f.Code)
				if f.Severity > findings.Info && !allowed {
					t.Errorf("%s is reported as a %s%s", f.Code, f.Severity, text(list))
				}
			}
			if want.Healthy || t.Failed() {
				return
			}
			if len(list) == 0 || list[0].Code != want.Illnesses[0] {
				t.Fatalf("%s is not the first finding%s", want.Illnesses[0], text(list))
			}
			for _, code := range want.Illnesses[1:] {
				if !slices.ContainsFunc(list, func(f findings.Finding) bool { return f.Code == code }) {
					t.Errorf("%s is missing%s", code, text(list))
				}
			}
			checkFirst(t, name, &list[0], &want)
		})
	}
	for name := range numbers {
		if _, ok := all[name]; !ok {
			t.Errorf("%s: no such capture", name)
		}
	}
}

func checkFirst(t *testing.T, name string, f *findings.Finding, want *truth) {
	t.Helper()
	if n, ok := numbers[name]; ok && (f.Count != n.count || !strings.Contains(f.Title, n.title)) {
		t.Errorf("want %d and %q%s", n.count, n.title, text([]findings.Finding{*f}))
	}
	clients := want.Findings[0].Clients
	if name == "backend_crash_kill9" {
		clients = clients[:1] // the others came after the crash
	}
	for _, client := range clients {
		if !slices.ContainsFunc(f.Connections, func(c findings.ConnRef) bool { return c.Client == client }) {
			t.Errorf("%s is not among its connections: %+v", client, f.Connections)
		}
	}
	for _, sql := range want.Findings[0].SQL {
		if !slices.ContainsFunc(f.Queries, func(q findings.QueryRef) bool { return like(q.Normalized, sql) }) {
			t.Errorf("%q is not among its queries: %+v", sql, f.Queries)
		}
	}
	if len(f.Evidence) == 0 || f.Advice == "" {
		t.Error("no evidence or advice")
	}
}

// like reports whether a statement is the one that the truth names, of which … may
// stand for a part.
func like(got, want string) bool {
	begin, end, cut := strings.Cut(want, "…")
	norm := func(s string) string { return strings.TrimSpace(string(sqlnorm.Append(nil, []byte(s)))) }
	if !cut {
		return norm(got) == norm(want)
	}
	if !strings.HasPrefix(got, norm(begin)) {
		return false
	}
	for _, word := range strings.Fields(norm(end)) {
		if !strings.HasPrefix(word, "$") && !strings.Contains(got, word) {
			return false
		}
	}
	return true
}

// TestWorkers wants the same findings from any number of goroutines.
func TestWorkers(t *testing.T) {
	for _, name := range []string{"mixed_three", "server_stall_once", "retransmit_request_lost", "idle_disconnect_timeout"} {
		list := packets(t, "illness/"+name+".pcap.xz")
		if one, two := text(diagnose(list, 1, nil)), text(diagnose(list, 2, nil)); one != two {
			t.Errorf("%s: with one goroutine%s\nwith two%s", name, one, two)
		}
	}
}
