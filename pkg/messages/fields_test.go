package messages_test

import (
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/samples"
)

// The names and forms of the fields are what users rely on in the JSON output.
var visited = map[string]string{
	"StartupMessage 3.0": `protocol_version="3.0"; parameters={"user":"alice" "database":"app" "application_name":"psql"}`,
	"StartupMessage 3.2, option, empty value, name twice": `protocol_version="3.2"; ` +
		`parameters={"user":"bob" "_pq_.test_option":"on" "options":"" "user":"carol"}`,
	"StartupMessage 3.9999, replication": `protocol_version="3.9999"; parameters={"user":"r" "replication":"database"}`,
	"StartupMessage without parameters":  `protocol_version="3.0"; parameters={}`,
	"StartupMessageV2": `protocol_version="2.0"; ` +
		`parameters={"database":"app" "user":"alice" "options":"-c geqo=off" "tty":"tty0"}`,
	"ErrorResponseV2":         `message="FATAL:  unsupported frontend protocol 2.0: server supports 3.0 to 3.0\n"`,
	"SSLRequest":              ``,
	"GSSENCRequest":           ``,
	"SSLResponse accepted":    `accepted=true`,
	"SSLResponse refused":     `accepted=false`,
	"GSSENCResponse accepted": `accepted=true`,
	"GSSENCResponse refused":  `accepted=false`,
	"NegotiateProtocolVersion": `newest_version="3.2"; ` +
		`unsupported_options=["_pq_.a" "_pq_.bc"]`,
	"NegotiateProtocolVersion, minor number alone, no options": `newest_version="3.0"; unsupported_options=[]`,
	"ParameterStatus":                 `name="server_version"; value="18.1 (Debian 18.1-1)"`,
	"BackendKeyData, 4 byte key":      `process_id=4711; secret_key=secret hex "\xca\xef\x149"`,
	"CancelRequest, 4 byte key":       `process_id=4711; secret_key=secret hex "\xca\xef\x149"`,
	"AuthenticationOk":                ``,
	"AuthenticationMD5Password":       `salt=secret hex "\x00\xfe\x124"`,
	"AuthenticationGSSContinue":       "data=secret hex \"`\\x00\\xff\"",
	"AuthenticationSASL":              `mechanisms=["SCRAM-SHA-256-PLUS" "SCRAM-SHA-256"]`,
	"AuthenticationSASLContinue":      `data=secret "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"`,
	"AuthenticationSASLFinal":         `data=secret "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="`,
	"PasswordMessage":                 `password=secret "s3cret"`,
	"SASLInitialResponse":             `mechanism="SCRAM-SHA-256"; data="n,,n=,r=fyko+d2lbbFgONRv9qkxdawL"`,
	"SASLInitialResponse, token":      `mechanism="OAUTHBEARER"; data=secret "n,,\x01auth=Bearer c2VjcmV0\x01\x01"`,
	"SASLInitialResponse, no data":    `mechanism="SCRAM-SHA-256"`,
	"SASLInitialResponse, empty data": `mechanism="SCRAM-SHA-256"; data=""`,
	"SASLResponse": `data=secret "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,` +
		`p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="`,
	"GSSResponse":                  "data=secret hex \"`\\x82\\x00\\x01\"",
	"Query, LATIN1":                `query="SELECT '\xfc'"`,
	"CommandComplete INSERT 0 1":   `command_tag="INSERT 0 1"`,
	"ReadyForQuery in transaction": `status="T"`,
	"EmptyQueryResponse":           ``,
	"RowDescription": `fields=["id" 16384.1 type 23 size 4 mod -1 format 0, "?column?" 0.0 type 25 size -1 mod -1 format 1, ` +
		`"ctid" 4294967294.-1 type 1043 size -2 mod 44 format 0]`,
	"DataRow":                `values=("1" NULL "" "\x00\xff\x80")`,
	"Parse":                  `statement="stmt_1"; query="SELECT $1, $2"; parameter_oids=oids [23 0]`,
	"Bind":                   `portal="c1"; statement="stmt_1"; parameter_formats=[0 1]; parameters=("42" NULL) as [0 1]; result_formats=[1]`,
	"Bind, nothing":          `portal=""; statement=""; parameter_formats=[]; parameters=() as []; result_formats=[]`,
	"Describe statement":     `kind="statement"; name="stmt_1"`,
	"Close portal":           `kind="portal"; name="c1"`,
	"Execute":                `portal="c1"; max_rows=100`,
	"ParameterDescription":   `parameter_oids=oids [23 4026531841]`,
	"CopyInResponse, binary": `format=1; column_formats=[1 1 0]`,
	"CopyOutResponse":        `format=0; column_formats=[0 0]`,
	"CopyBothResponse":       `format=0; column_formats=[]`,
	"CopyData from frontend": `data=data "1\tone\n"`,
	"CopyFail":               `message="no more input"`,
	"FunctionCall": `function_oid=952; argument_formats=[1]; ` +
		`arguments=("\x00\x00\x00\x01" NULL) as [1]; result_format=1`,
	"FunctionCallResponse, NULL":  `result=NULL`,
	"FunctionCallResponse, empty": `result=""`,
	"ErrorResponse": `severity="ERROR"; severity_localized="FEHLER"; sqlstate="42P01"; ` +
		`message="Relation »x« existiert nicht"; position="15"; file="parse_relation.c"; line="1449"; routine="parserOpenTable"`,
	"ErrorResponse, every field": `severity="ERROR"; sqlstate="23505"; message="m"; detail="d"; hint="h"; position="1"; ` +
		`internal_position="2"; internal_query="SELECT"; where="w"; schema="public"; table="t"; column="c"; data_type="int4"; ` +
		`constraint="n_pkey"; file="f"; line="3"; routine="r"`,
	"ErrorResponse, unknown field and one twice": `severity="FATAL"; sqlstate="57P01"; message="first"; ` +
		`unknown_fields={"Z":"future" "M":"second"}`,
	"NoticeResponse":        `severity="NOTICE"; sqlstate="00000"; message=""`,
	"NotificationResponse":  `process_id=4711; channel="jobs"; payload="{\"id\": 1}"`,
	"Terminate":             ``,
	"Unknown from frontend": `data=data "\x01\x02"`,
}

func TestVisit(t *testing.T) {
	left := len(visited)
	for _, s := range samples.All() {
		want, ok := visited[s.Name]
		if !ok {
			continue
		}
		left--
		m := newFor(s)
		if err := m.Decode(s.Body()); err != nil {
			t.Fatal(err)
		}
		var d dump
		m.Visit(&d)
		if d.String() != want {
			t.Errorf("%s:\nvisited %s\nwant    %s", s.Name, d.String(), want)
		}
	}
	if left != 0 {
		t.Errorf("%d expectations have no sample", left)
	}
}
