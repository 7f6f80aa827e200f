package app

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"testing"
)

// op is one thing that a client did, as it wrote it down itself.
type op struct {
	Op        string            `json:"op"`
	Mode      string            `json:"mode"`
	SQL       string            `json:"sql"`
	Statement string            `json:"statement"`
	Params    []json.RawMessage `json:"params"`
	Formats   []int             `json:"param_formats"`
	Results   json.RawMessage   `json:"results"` // []result, of libpq
	TxAfter   string            `json:"tx_after"`
	PgxMode   string            `json:"pgx_mode"`
	CopySent  *int              `json:"copydata_messages_sent"`
	CopyBytes *int              `json:"copydata_bytes_sent"`

	// pgx
	Tag   string            `json:"tag"`
	NRows *int              `json:"nrows"`
	Rows  []json.RawMessage `json:"rows"`
	Error *struct {
		SQLState string `json:"sqlstate"`
	} `json:"error"`
}

// result is a PGresult.
type result struct {
	Status  string            `json:"status"`
	Tag     string            `json:"tag"`
	NTuples int               `json:"ntuples"`
	Columns []column          `json:"columns"`
	Rows    []json.RawMessage `json:"rows"`
	Error   *struct {
		SQLState string `json:"sqlstate"`
	} `json:"error"`
}

type column struct {
	Format int `json:"format"`
}

// row is a DataRow record.
type row struct {
	Client string `json:"client"`
	Conn   int    `json:"conn"`
	Query  int    `json:"query"`
	Body   struct {
		Values json.RawMessage `json:"values"`
	} `json:"body"`
}

// rowsOf returns the values of the rows of each query.
func rowsOf(t *testing.T, name string) map[[2]int][]string {
	t.Helper()
	out := output(t, withKeys(name, "read", capturePath(name), "--json", "--type", "DataRow", "--max-value-bytes", "0")...)
	rows := map[[2]int][]string{}
	for _, r := range decodeRecords[row](t, out) {
		key := [2]int{r.Conn, r.Query}
		rows[key] = append(rows[key], canonical(r.Body.Values))
	}
	return rows
}

// canonical writes JSON without its spelling.
func canonical(raw json.RawMessage) string {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return err.Error()
	}
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// checked counts what TestClients has compared.
type checked struct{ queries, rows, params, tags, errors int }

// TestClients compares our queries with what the clients did and got: SQL,
// parameters, command tags, rows and their values, SQLSTATEs, transaction status,
// COPY.
func TestClients(t *testing.T) {
	var n checked
	for _, name := range truths(t) {
		tr := readTruth(t, name)
		byClient, rows := queriesOf(t, name), rowsOf(t, name)
		for _, c := range tr.Connections {
			queries := byClient[bracketed(c.Local)]
			for i := range c.Ops {
				o := &c.Ops[i]
				if !compared[o.Op] || o.PgxMode == "simple" { // whose SQL has the values in it
					continue
				}
				at := slices.IndexFunc(queries, o.is)
				if at < 0 {
					if unanswered[o.SQL] {
						continue
					}
					t.Errorf("%s, %s: no query %q", name, c.Local, o.SQL)
					continue
				}
				q := queries[at]
				queries = queries[at+1:]
				n.queries++
				for _, fault := range compareOp(o, &q, rows[[2]int{q.Conn, q.ID}], &n) {
					t.Errorf("%s, %s, query %d, %.60q: %s", name, c.Local, q.ID, o.SQL, fault)
				}
			}
		}
	}
	t.Logf("%+v", n)
	if n.queries < 300 || n.rows < 1000 || n.params < 50 || n.tags < 200 || n.errors < 25 {
		t.Errorf("too little was compared: %+v", n)
	}
}

// is reports whether a query is the one of o.
func (o *op) is(q query) bool {
	if o.Op == "exec_prepared" {
		return q.Statement == o.Statement && q.Protocol == "extended" && q.FailedAt != "Parse"
	}
	// pgx takes a statement's name for SQL.
	return q.SQL != nil && (*q.SQL == o.SQL || o.PgxMode != "" && q.Statement == o.SQL)
}

// unanswered are queries that no server saw or heeded.
var unanswered = map[string]bool{
	"select 'after gssenc N'": true, // the server took GSSAPI encryption, which the client has not
	"select 'ssl N, gss N'":   true,
	"select 'skipped'":        true, // after an error in its pipeline
}

// compared are the operations that are queries.
var compared = map[string]bool{
	"query": true, "query_params": true, "exec_prepared": true, "copy_in": true, "copy_out": true,
	"send_query": true, "select_all_types": true, "insert_all_types": true,
}

// compareOp returns what differs.
func compareOp(o *op, q *query, rows []string, n *checked) (faults []string) {
	differs := func(what string, got, want any) {
		if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
			faults = append(faults, fmt.Sprintf("%s: %s, not %s", what, g, w))
		}
	}
	if len(o.TxAfter) == 1 { // libpq also says "active" and "unknown"
		differs("tx", q.Tx, o.TxAfter)
	}
	if len(o.Params) > 0 && !slices.Contains(o.Formats, 1) {
		n.params++
		differs("params", texts(q.Params), texts(o.Params))
	}
	if o.CopySent != nil && *o.CopySent > 0 {
		switch {
		case q.Copy != nil:
			differs("CopyData", q.Copy.Messages, *o.CopySent)
			differs("CopyData bytes", q.Copy.Bytes, *o.CopyBytes)
		case q.Error == nil: // the server did not refuse it
			faults = append(faults, "no copy")
		}
	}
	var results []result
	if json.Unmarshal(o.Results, &results) == nil && len(results) > 0 {
		return append(faults, compareResults(results, q, rows, n)...)
	}
	if o.Tag == "" && o.NRows == nil && o.Error == nil {
		return faults // its results came with those of a pipeline
	}
	state := ""
	if o.Error != nil {
		state = o.Error.SQLState
		n.errors++
	}
	differs("SQLSTATE", sqlState(q), state)
	if o.Tag != "" {
		n.tags++
		differs("tags", tags(q), []string{o.Tag})
	}
	if o.NRows != nil {
		differs("rows", q.Rows, *o.NRows)
	}
	for i, want := range o.Rows {
		if i < len(rows) {
			n.rows++
			if !sameRow(rows[i], want) {
				differs("row", rows[i], canonical(want))
			}
		}
	}
	return faults
}

// sameRow compares values with those of pgx, which has those in binary as the
// wire does. Integers are compared; what text belongs to other types is tested
// elsewhere, against a server.
func sameRow(ours string, want json.RawMessage) bool {
	var a, b []any
	if json.Unmarshal([]byte(ours), &a) != nil || json.Unmarshal(want, &b) != nil || len(a) != len(b) {
		return false
	}
	for i := range a {
		if wire, ok := b[i].(map[string]any); ok {
			bytes, err := hex.DecodeString(fmt.Sprint(wire["hex"]))
			n, errNumber := strconv.ParseInt(fmt.Sprint(a[i]), 10, 64)
			if err != nil || errNumber == nil && len(bytes) == 4 && uint32(n) != binary.BigEndian.Uint32(bytes) {
				return false
			}
		} else if a[i] != b[i] {
			return false
		}
	}
	return true
}

// compareResults compares with what libpq returned for a query.
func compareResults(results []result, q *query, rows []string, n *checked) (faults []string) {
	differs := func(what string, got, want any) {
		if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
			faults = append(faults, fmt.Sprintf("%s: %s, not %s", what, g, w))
		}
	}
	var want []string
	tuples, state, streamed, gone := 0, "", false, false
	for _, r := range results {
		if r.Tag != "" {
			want = append(want, r.Tag)
		}
		if r.Error != nil {
			state = r.Error.SQLState
			gone = state == "" // libpq's own error: it lost the connection
		}
		if r.Status != "PGRES_TUPLES_OK" {
			streamed = streamed || r.Status == "PGRES_SINGLE_TUPLE"
			continue
		}
		text := !slices.ContainsFunc(r.Columns, func(c column) bool { return c.Format != 0 })
		for i, row := range r.Rows {
			if text && tuples+i < len(rows) {
				n.rows++
				if got := rows[tuples+i]; got != `[{"hex":"636166e9"}]` { // café in LATIN1
					differs("row", got, canonical(row))
				}
			}
		}
		tuples += r.NTuples
	}
	if state != "" {
		n.errors++
	}
	if !gone {
		differs("SQLSTATE", sqlState(q), state)
	}
	if len(want) > 0 {
		n.tags++
		have := tags(q)
		if len(have) > len(want) && q.Copy != nil {
			have = have[:len(want)] // libpq hands out the results after each COPY
		}
		differs("tags", have, want)
	}
	if !streamed && state == "" && q.Copy == nil {
		differs("rows", q.Rows, tuples)
	}
	return faults
}

func sqlState(q *query) string {
	if q.Error == nil {
		return ""
	}
	return q.Error.SQLState
}

func tags(q *query) (list []string) {
	for _, r := range q.Results {
		if r.Tag != nil {
			list = append(list, *r.Tag)
		}
	}
	return list
}

func texts(params []json.RawMessage) (list []string) {
	for _, p := range params {
		list = append(list, canonical(p))
	}
	return list
}
