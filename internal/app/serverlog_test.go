package app

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// truth is what a capture's client and server said of it themselves.
type truth struct {
	Connections []struct {
		Local string `json:"local"`
		Ops   []op   `json:"ops"`
	} `json:"connections"`
	ServerLog []struct {
		Client string     `json:"client"`
		Events []logEvent `json:"events"`
	} `json:"server_log"`
}

// logEvent is an entry of the server's log (log_statement = all, and
// log_min_duration_statement = 0 for the parameters).
type logEvent struct {
	Log      string `json:"log"`
	Detail   string `json:"detail"`
	Severity string `json:"severity"`
	SQLState string `json:"sqlstate"`
}

// query is what matters here of a query record.
type query struct {
	Type      string            `json:"type"`
	Client    string            `json:"client"`
	Conn      int               `json:"conn"`
	ID        int               `json:"id"`
	Protocol  string            `json:"protocol"`
	SQL       *string           `json:"sql"`
	Statement string            `json:"statement"`
	Portal    string            `json:"portal"`
	Function  uint32            `json:"function_oid"`
	Params    []json.RawMessage `json:"params"`
	Results   []struct {
		Tag       *string `json:"command_tag"`
		Rows      int     `json:"rows"`
		Suspended bool    `json:"suspended"`
	} `json:"results"`
	Rows  int `json:"rows"`
	Error *struct {
		SQLState string `json:"sqlstate"`
		Severity string `json:"severity"`
		Message  string `json:"message"`
	} `json:"error"`
	FailedAt string `json:"failed_at"`
	Copy     *struct {
		Direction string `json:"direction"`
		Bytes     int    `json:"bytes"`
		Messages  int    `json:"messages"`
	} `json:"copy"`
	Tx       string   `json:"tx"`
	Complete bool     `json:"complete"`
	Skipped  bool     `json:"skipped"`
	Inferred []string `json:"inferred"`
}

// truths returns the names of the captures that have a truth.
func truths(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(pcaps, "*.truth.json*"))
	if err != nil || len(files) < 16 {
		t.Fatal(len(files), err)
	}
	for i, f := range files {
		files[i], _, _ = strings.Cut(filepath.Base(f), ".")
	}
	return files
}

func readTruth(t *testing.T, name string) *truth {
	t.Helper()
	tr := new(truth)
	if err := json.Unmarshal(readFile(t, name+".truth.json"), tr); err != nil {
		t.Fatal(err)
	}
	return tr
}

// queriesOf returns a capture's query records by client.
func queriesOf(t *testing.T, name string) map[string][]query {
	t.Helper()
	out := output(t, withKeys(name, "read", capturePath(name), "--json", "--view", "queries", "--max-value-bytes", "0")...)
	byClient := map[string][]query{}
	for _, q := range decodeRecords[query](t, out) {
		if q.Type == "query" {
			byClient[q.Client] = append(byClient[q.Client], q)
		}
	}
	return byClient
}

// The entries of the log that tell of work. Others tell of connections, or of
// Parse and Bind.
var (
	logStatement = regexp.MustCompile(`(?s)^statement: (.*)$`)
	logExecute   = regexp.MustCompile(`(?s)^execute (fetch from )?([^:]*): (.*)$`)
	logFunction  = regexp.MustCompile(`^fastpath function call: .*\(OID (\d+)\)$`)
	logReplicate = regexp.MustCompile(`(?s)^received replication command: (.*)$`)
)

// workOf puts log entries into the words that loggedAs uses.
func workOf(events []logEvent) (work []string) {
	for _, e := range events {
		switch {
		case e.Severity == "ERROR":
			work = append(work, "error "+e.SQLState)
		case logStatement.MatchString(e.Log):
			work = append(work, "simple "+logStatement.FindStringSubmatch(e.Log)[1])
		case logFunction.MatchString(e.Log):
			work = append(work, "function "+logFunction.FindStringSubmatch(e.Log)[1])
		case logReplicate.MatchString(e.Log):
			work = append(work, "replication "+logReplicate.FindStringSubmatch(e.Log)[1])
		case logExecute.MatchString(e.Log):
			m := logExecute.FindStringSubmatch(e.Log)
			name := strings.TrimPrefix(m[2], "<unnamed>")
			// Version 18 begins with a capital letter.
			detail := strings.Replace(e.Detail, "Parameters:", "parameters:", 1)
			work = append(work, fmt.Sprintf("execute %s%s: %s %s", m[1], name, m[3], detail))
		}
	}
	return work
}

// unlogged are the errors that the server finds before it logs the work: in
// the message, the SQL's syntax, the number of a function, the transaction.
var unlogged = map[string]string{
	"42601": "simple", "08P01": "simple", "42883": "function_call", "25P02": "function_call",
}

// serverLog writes what the server must have logged for the queries of a
// connection.
type serverLog struct {
	begun map[string]bool // portals
}

func (s *serverLog) of(q *query) (work []string) {
	sql := ""
	if q.SQL != nil {
		sql = *q.SQL
	}
	switch {
	case q.Error != nil && unlogged[q.Error.SQLState] == q.Protocol:
	case q.Protocol == "simple", q.Protocol == "replication" && !replicationCommand.MatchString(sql):
		work = append(work, "simple "+sql)
	case q.Protocol == "replication":
		work = append(work, "replication "+sql)
	case q.Protocol == "function_call":
		work = append(work, fmt.Sprintf("function %d", q.Function))
	case q.FailedAt == "Parse", q.FailedAt == "Bind", q.FailedAt == "Describe", sql == "":
	default:
		work = append(work, fmt.Sprintf("execute %s: %s %s", s.portal(q), sql, logParams(q.Params)))
	}
	if q.Error != nil && q.Error.Severity == "ERROR" {
		work = append(work, "error "+q.Error.SQLState)
	}
	return work
}

// replicationCommand matches the commands of a walsender's own grammar (manual:
// "Streaming Replication Protocol"); SQL on such a connection is logged as SQL.
var replicationCommand = regexp.MustCompile(`^(IDENTIFY|SHOW|TIMELINE|CREATE_REP|READ_REP|START_REP|DROP_REP|ALTER_REP|BASE_BACKUP)`)

// portal names what an Execute runs: statement, portal, and whether it goes on
// with a portal.
func (s *serverLog) portal(q *query) string {
	name := q.Statement
	if q.Portal != "" {
		name += "/" + q.Portal
	}
	if s.begun[name] {
		name = "fetch from " + name
	}
	if n := len(q.Results); n > 0 {
		if s.begun == nil {
			s.begun = map[string]bool{}
		}
		// The clients use no portal's name twice but the empty one.
		s.begun[strings.TrimPrefix(name, "fetch from ")] = q.Portal != "" || q.Results[n-1].Suspended
	}
	return name
}

// logParams writes parameters as the server logs them.
func logParams(params []json.RawMessage) string {
	if len(params) == 0 {
		return ""
	}
	var list []string
	for i, p := range params {
		var s *string
		v := "NULL"
		if json.Unmarshal(p, &s) != nil {
			v = "(not text)"
		} else if s != nil {
			v = "'" + strings.ReplaceAll(*s, "'", "''") + "'"
		}
		list = append(list, fmt.Sprintf("$%d = %s", i+1, v))
	}
	return "parameters: " + strings.Join(list, ", ")
}

// TestServerLogs compares our queries with the server's own log of the same
// connections: SQL, kind, statement, portal, parameters, errors, in order.
func TestServerLogs(t *testing.T) {
	compared := 0
	for _, name := range truths(t) {
		tr := readTruth(t, name)
		byClient := queriesOf(t, name)
		logs := map[string][]string{} // a client's port may be used again
		for _, c := range tr.ServerLog {
			client := bracketed(c.Client)
			logs[client] = append(logs[client], workOf(c.Events)...)
		}
		for client, want := range logs {
			var ours []string
			var log serverLog
			for i := range byClient[client] {
				q := &byClient[client][i]
				if q.Skipped {
					continue
				}
				work := log.of(q)
				if !q.Complete && len(q.Results) == 0 && (len(work) == 0 || entry(want, len(ours)) != work[0]) {
					continue // sent when the server had gone
				}
				ours = append(ours, work...)
			}
			compared += len(want)
			for i := range max(len(ours), len(want)) {
				if g, w := entry(ours, i), entry(want, i); g != w && !reformatted(name, g, w) {
					t.Errorf("%s, %s, entry %d:\nours   %s\nserver %s", name, client, i+1, g, w)
					break
				}
			}
		}
	}
	if compared < 800 {
		t.Errorf("only %d entries were compared", compared)
	}
}

func entry(entries []string, i int) string {
	if i < len(entries) {
		return entries[i]
	}
	return "(no more)"
}

// bracketed writes an address with a port as we do.
func bracketed(address string) string {
	if i := strings.LastIndexByte(address, ':'); strings.Count(address, ":") > 1 {
		return "[" + address[:i] + "]" + address[i:]
	}
	return address
}

// reformatted tells of differences that are the log's: it prints parameters
// from the values that it made of them, in the session's format, and converts
// text from the encoding that the client claims.
func reformatted(capture, ours, server string) bool {
	if head, _, long := strings.Cut(server, "...<"); long {
		return strings.HasPrefix(ours, head) // shortened when it was kept
	}
	switch capture {
	case "client_jdbc", "pgx_types", "pgx_modes", "tls13_aes128gcm":
		a, _, _ := strings.Cut(ours, " parameters:")
		b, _, _ := strings.Cut(server, " parameters:")
		return a == b && strings.Count(ours, ", $") == strings.Count(server, ", $")
	case "notify_params": // client_encoding = LATIN1, and the client sends UTF-8
		var latin1 []rune
		for _, c := range []byte(ours) {
			latin1 = append(latin1, rune(c))
		}
		return string(latin1) == server
	}
	return false
}
