package analyze_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// zeekTraces are the captures of testdata/pcaps/zeek with what their names
// promise: connections as "state auth encryption errors=n", queries as "tag or
// SQLSTATE", notices by code.
var zeekTraces = map[string]struct {
	conns, queries, notices []string
}{
	"bad-backend-message-1":      {conns: []string{"reset none"}, notices: []string{"skipped"}},
	"bad-startup-message-1":      {conns: []string{"not_postgresql"}, notices: []string{"not_postgresql"}},
	"http-on-port-5432":          {conns: []string{"not_postgresql"}, notices: []string{"not_postgresql"}},
	"mysql-on-port-5432":         {conns: []string{"not_postgresql"}, notices: []string{"not_postgresql"}},
	"psql-aws-ssl-disable":       {conns: []string{"terminated md5 none"}, queries: []string{"SELECT 1"}},
	"psql-aws-ssl-disable-15432": {conns: []string{"terminated md5 none"}, queries: []string{"SELECT 1"}},
	"psql-aws-ssl-preferred":     {conns: []string{"closed tls"}, notices: []string{"encrypted"}},
	"psql-aws-ssl-require":       {conns: []string{"closed tls"}, notices: []string{"encrypted"}},
	"psql-aws-ssl-require-15432": {conns: []string{"closed tls"}, notices: []string{"encrypted"}},
	"psql-create-insert-select-delete-drop": {
		conns:   []string{"terminated scram-sha-256 none"},
		queries: []string{"DROP TABLE", "CREATE TABLE", "INSERT 0 1", "INSERT 0 1", "SELECT 2", "DELETE 2", "DROP TABLE"},
	},
	"psql-insert-fail-drop-fail": {
		conns:   []string{"terminated scram-sha-256 none errors=2"},
		queries: []string{"DROP TABLE", "CREATE TABLE", "42804", "DROP TABLE", "42P01"},
	},
	"psql-login":         {conns: []string{"open scram-sha-256 refused"}},
	"psql-login-fail":    {conns: []string{"failed scram-sha-256 none errors=1"}},
	"psql-login-no-role": {conns: []string{"failed trust refused errors=1"}},
	"psql-login-wrong":   {conns: []string{"failed scram-sha-256 refused errors=1"}},
	"psql-select-now":    {conns: []string{"terminated scram-sha-256 refused"}, queries: []string{"SELECT 1"}},
	// psql asks for a password after the first attempt without one.
	"psql-login-no-sslrequest": {conns: []string{"closed sasl none", "terminated scram-sha-256 none"}},
	// A web application with two pooled connections, which are left open; of its
	// queries only the first.
	"greenhouse-app": {conns: []string{"open md5 refused", "open md5 refused"}, queries: []string{
		"BEGIN", "SELECT 0", "ROLLBACK", "BEGIN", "SELECT 1", "SELECT 1", "SHOW", "SHOW", "ROLLBACK",
		"BEGIN", "SELECT 1", "COMMIT",
	}},
}

func TestZeekTraces(t *testing.T) {
	files, err := filepath.Glob(pcaps + "zeek/*.pcap")
	if err != nil || len(files) != len(zeekTraces) {
		t.Fatalf("%d traces, want %d (%v)", len(files), len(zeekTraces), err)
	}
	for _, path := range files {
		name := strings.TrimSuffix(filepath.Base(path), ".pcap")
		t.Run(name, func(t *testing.T) {
			want, ok := zeekTraces[name]
			if !ok {
				t.Fatal("nothing is known of this trace")
			}
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			conns, queries, notices := summary(t, mustHold(t, name, b, way{}))
			compare(t, "connections", conns, want.conns)
			compare(t, "notices", notices, want.notices)
			if name == "greenhouse-app" {
				queries = queries[:min(len(queries), len(want.queries))]
			}
			compare(t, "queries", queries, want.queries)
		})
	}
}

func compare(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\ngot  %q\nwant %q", what, got, want)
	}
}

// summary reduces output to what zeekTraces says.
func summary(t *testing.T, out []byte) (conns, queries, notices []string) {
	t.Helper()
	for line := range bytes.Lines(out) {
		var r struct {
			Type, State, Auth, Encryption, Code string
			Errors                              int
			Results                             []struct {
				Tag string `json:"command_tag"`
			}
			Error struct{ SQLState string }
		}
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		switch r.Type {
		case "connection":
			s := strings.Join(strings.Fields(r.State+" "+r.Auth+" "+r.Encryption), " ")
			if r.Errors > 0 {
				s += fmt.Sprint(" errors=", r.Errors)
			}
			conns = append(conns, s)
		case "notice":
			notices = append(notices, r.Code)
		case "query":
			s := r.Error.SQLState
			for _, x := range r.Results {
				s += x.Tag
			}
			queries = append(queries, s)
		}
	}
	return conns, queries, notices
}
