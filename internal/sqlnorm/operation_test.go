package sqlnorm

import "testing"

func TestOperation(t *testing.T) {
	tests := []struct{ sql, want string }{
		{"", ""},
		{" ; ", ""},
		{"select 1", "SELECT"},
		{"-- x\n/* y */ InSeRt into t values (1)", "INSERT"},
		{"((select 1) union (select 2))", "SELECT"},
		{"; update t set a = 1; delete from t", "UPDATE"},
		{"values (1)", "VALUES"},
		{"table t", "TABLE"},
		{"BEGIN; insert into t values (1)", "BEGIN"},
		{"selec 1", ""},
		{`"select" 1`, ""},
		{"'select'", ""},
		{"select_all", ""},
		{"CREATE_REPLICATION_SLOT s LOGICAL pgoutput", "CREATE_REPLICATION_SLOT"},
		{"CREATE_REPLICATION_SLOTS", ""},
		{"explain analyze delete from t", "EXPLAIN"},
		{"with a as (select 1) insert into t select * from a", "INSERT"},
		{"WITH RECURSIVE a(x, y) AS NOT MATERIALIZED (DELETE FROM t RETURNING *), b AS (SELECT 1) UPDATE t SET x = 1", "UPDATE"},
		{"with a as (with b as (delete from t) select 1) merge into t using a on true when matched then do nothing", "MERGE"},
		{"with delete as (select 1), values as (select 2) select * from delete, values", "SELECT"},
		{"with recursive update as (select 1) delete from t", "DELETE"},
		{`with "x" as (select ')') table "x"`, "TABLE"},
		{"with a as (select 1) (select * from a)", "SELECT"},
		{"with a as (select 1) ((values (1)))", "VALUES"},
		{"(with a as (insert into t values (1) returning *) select * from a)", "SELECT"},
		{"with recursive a as (select 1) search depth first by x set o cycle y set c using p select 1", "SELECT"},
		{"with a as (select 1", "WITH"},
		{"with a as (select 1); delete from t", "WITH"},
		{"with", "WITH"},
	}
	for _, tt := range tests {
		if got := Operation([]byte(tt.sql)); got != tt.want {
			t.Errorf("Operation(%q) = %q, want %q", tt.sql, got, tt.want)
		}
		normalized := Append(nil, []byte(tt.sql))
		if got := Operation(normalized); got != tt.want {
			t.Errorf("Operation(%q), normalised, = %q, want %q", normalized, got, tt.want)
		}
	}
}

func TestOperationNames(t *testing.T) {
	for lower, op := range operations {
		if got := Operation([]byte(lower + " x")); got != op && op != "WITH" {
			t.Errorf("Operation(%q) = %q", lower, got)
		}
		if len(op) > maxOperation {
			t.Errorf("%s is longer than maxOperation", op)
		}
	}
}
