package render

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/conversation"
)

// Records are compared whole: every key, in its order.
func TestMessageRecords(t *testing.T) {
	const head = `{"type":"message","ts":"2024-05-01T12:00:00.00%MS%000000Z","conn":1,"client":"10.0.0.1:40001","server":"[2001:db8::2]:5432",`
	var lines []string
	var out strings.Builder
	play(NewJSON(&out, Options{}), `
		F: Startup user ada database d application_name "psql 15" replication ""
		B: AuthOk ; Key 77 0x01020304 ; Param TimeZone UTC ; Ready I
		F: Parse s "SELECT $1, $2" 23 0 ; Bind pf=1,0 rf=1 c s 0x0000002a NULL ; Describe portal c ; Execute c 10 ; Sync
		B: ParseComplete ; BindComplete ; RowDescription a:23:1 "b c:25:0" ; Row 0xffffffff "" ; Suspended ; Ready T
	`)
	for line := range strings.Lines(out.String()) {
		if strings.HasPrefix(line, `{"type":"message"`) {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	want := []string{
		`0"frame":1,"dir":"frontend","msg":"StartupMessage","len":67,"phase":"startup","body":{"protocol_version":"3.0","parameters":{"user":"ada","database":"d","application_name":"psql 15","replication":""}}}`,
		`1"frame":2,"dir":"backend","msg":"AuthenticationOk","tag":"R","len":9,"phase":"authenticating","body":{}}`,
		`1"frame":2,"dir":"backend","msg":"BackendKeyData","tag":"K","len":13,"phase":"initialization","body":{"process_id":77,"secret_key":"<redacted>"}}`,
		`1"frame":2,"dir":"backend","msg":"ParameterStatus","tag":"S","len":18,"phase":"initialization","body":{"name":"TimeZone","value":"UTC"}}`,
		`1"frame":2,"dir":"backend","msg":"ReadyForQuery","tag":"Z","len":6,"phase":"initialization","tx":"I","body":{"status":"I"}}`,
		`2"frame":3,"dir":"frontend","msg":"Parse","tag":"P","len":31,"phase":"ready","tx":"I","query":1,"body":{"statement":"s","query":"SELECT $1, $2","parameter_oids":[23,0]}}`,
		`2"frame":3,"dir":"frontend","msg":"Bind","tag":"B","len":33,"phase":"extended_query","tx":"I","query":1,"body":{"portal":"c","statement":"s","parameter_formats":[1,0],"parameters":["42",null],"result_formats":[1]}}`,
		`2"frame":3,"dir":"frontend","msg":"Describe","tag":"D","len":8,"phase":"extended_query","tx":"I","query":1,"body":{"kind":"portal","name":"c"}}`,
		`2"frame":3,"dir":"frontend","msg":"Execute","tag":"E","len":11,"phase":"extended_query","tx":"I","query":1,"body":{"portal":"c","max_rows":10}}`,
		`2"frame":3,"dir":"frontend","msg":"Sync","tag":"S","len":5,"phase":"extended_query","tx":"I","query":1,"body":{}}`,
		`3"frame":4,"dir":"backend","msg":"ParseComplete","tag":"1","len":5,"phase":"extended_query","tx":"I","query":1,"body":{}}`,
		`3"frame":4,"dir":"backend","msg":"BindComplete","tag":"2","len":5,"phase":"extended_query","tx":"I","query":1,"body":{}}`,
		`3"frame":4,"dir":"backend","msg":"RowDescription","tag":"T","len":49,"phase":"extended_query","tx":"I","query":1,"body":{"fields":[{"name":"a","table_oid":0,"column":0,"type_oid":23,"type":"int4","type_size":-1,"type_modifier":-1,"format":1},{"name":"b c","table_oid":0,"column":0,"type_oid":25,"type":"text","type_size":-1,"type_modifier":-1,"format":0}]}}`,
		`3"frame":4,"dir":"backend","msg":"DataRow","tag":"D","len":19,"phase":"extended_query","tx":"I","query":1,"body":{"values":["-1",""]}}`,
		`3"frame":4,"dir":"backend","msg":"PortalSuspended","tag":"s","len":5,"phase":"extended_query","tx":"I","query":1,"body":{}}`,
		`3"frame":4,"dir":"backend","msg":"ReadyForQuery","tag":"Z","len":6,"phase":"extended_query","tx":"T","query":1,"body":{"status":"T"}}`,
	}
	for i, line := range lines {
		object(t, line)
		if i >= len(want) {
			t.Errorf("one more: %s", line)
			continue
		}
		if w := strings.Replace(head, "%MS%", want[i][:1], 1) + want[i][1:]; line != w {
			t.Errorf("got  %s\nwant %s", line, w)
		}
	}
	if len(lines) < len(want) {
		t.Errorf("%d records, want %d", len(lines), len(want))
	}
}

func TestQueryRecord(t *testing.T) {
	list := only(records(t, Options{}, `
		F: Startup user ada database d application_name app
		B: AuthOk ; Ready I
		F: Query BEGIN
		B: Complete BEGIN ; Ready T
		+4ms
		F: Parse s "SELECT * FROM t WHERE id = $1 AND name = 'x'" 23 ; Bind c s 7 ; Describe portal c ; Execute c ; Sync
		B: ParseComplete ; BindComplete ; RowDescription id:23:0 m:16400:0
		B: Row 7 happy ; Notice WARNING 01000 hm ; Row 8 NULL ; Complete "SELECT 2" ; Ready T
		F: Query "INSERT INTO t VALUES (1); COPY t FROM STDIN"
		B: Complete "INSERT 0 1" ; CopyIn
		F: CopyData "1\n"
		B: Error ERROR 22P02 "bad \"x\"" D=more P=7 F=x.c L=12 R=f Z=odd ; Ready E
		F: FunctionCall 1598 1
		B: Error ERROR 25P02 aborted ; Ready E
	`), "query", "")
	if len(list) != 4 {
		t.Fatalf("%d records", len(list))
	}
	x := list[1]
	for key, want := range map[string]string{
		"ts": `"2024-05-01T12:00:00.008000000Z"`, "conn": "1", "client": `"10.0.0.1:40001"`, "server": `"[2001:db8::2]:5432"`,
		"id": "2", "protocol": `"extended"`, "user": `"ada"`, "database": `"d"`, "application_name": `"app"`,
		"sql": `"SELECT * FROM t WHERE id = $1 AND name = 'x'"`, "normalized": `"select * from t where id = $1 and name = $2"`,
		"operation": `"SELECT"`, "statement": `"s"`, "portal": `"c"`, "params": `["7"]`, "param_types": `["int4"]`,
		"results": `[{"command_tag":"SELECT 2","rows":2,"bytes":37,"columns":[{"name":"id","type_oid":23,"type":"int4"},{"name":"m","type_oid":16400}]}]`,
		"rows":    "2", "bytes": "37", "notices": "1", "duration_ns": "2000000", "first_reply_ns": "1000000",
		"first_row_ns": "2000000", "pause_ns": "5000000", "paused_in_transaction": "true", "tx": `"T"`, "complete": "true",
	} {
		x.get(t, key, want)
	}
	if n := len(x.values["fingerprint"]); n != 18 {
		t.Errorf("fingerprint %s", x.values["fingerprint"])
	}
	if len(x.keys) != 29 {
		t.Errorf("%d keys: %q", len(x.keys), x.keys)
	}
	x = list[2]
	x.get(t, "protocol", `"simple"`)
	x.get(t, "results", `[{"command_tag":"INSERT 0 1","rows":0,"bytes":0}]`)
	x.get(t, "copy", `{"direction":"in","bytes":2,"messages":1}`)
	x.get(t, "error", `{"severity":"ERROR","sqlstate":"22P02","message":"bad \"x\"","detail":"more","position":"7","file":"x.c","line":"12","routine":"f","unknown_fields":{"Z":"odd"}}`)
	x.get(t, "failed_at", `"Query"`)
	x.get(t, "tx", `"E"`)
	for _, key := range []string{"params", "statement", "portal", "lost_bytes", "inferred", "truncated", "cancelled_by"} {
		x.get(t, key, "")
	}
	x = list[3]
	x.get(t, "protocol", `"function_call"`)
	x.get(t, "sql", "")
	x.get(t, "params", `["1"]`)
	x.get(t, "failed_at", `"FunctionCall"`)
}

func TestIncompleteQueryRecord(t *testing.T) {
	list := only(records(t, Options{}, conversation.Opening, `
		F: Bind "" nosuch 1 ; Execute "" ; Sync
		B: BindComplete ; Row 1
		B: gap 90
		B: Complete "SELECT 9" ; Ready I
		B: Row 0x00000001 0xff80 ; Complete "SELECT 1" ; Ready I
	`), "query", "")
	if len(list) != 2 {
		t.Fatalf("%d records", len(list))
	}
	x := list[0]
	x.get(t, "sql", "")
	x.get(t, "statement", `"nosuch"`)
	x.get(t, "complete", "false")
	x.get(t, "inferred", `["parse"]`)
	x.get(t, "lost_bytes", "90")
	x = list[1]
	for _, key := range []string{"protocol", "sql", "duration_ns", "first_reply_ns", "pause_ns"} {
		x.get(t, key, "")
	}
	x.get(t, "inferred", `["request"]`)
	x.get(t, "ts", `"2024-05-01T12:00:00.006000000Z"`)
}

func TestConnectionRecord(t *testing.T) {
	var out strings.Builder
	play(NewJSON(&out, Options{}), `
		F: Startup user ada database d application_name app
		B: AuthOk ; Key 77 0x01020304 ; Param server_version 15.4 ; Ready I
		F: Query BEGIN
		B: Complete BEGIN ; Ready T
		+7ms
		F: Query "SELECT 1"
		B: Row 1 ; Complete "SELECT 1" ; Ready T
		F: Query ROLLBACK
		B: Error ERROR 22012 no ; Ready I
		F: Terminate
	`)
	_, got, _ := strings.Cut(out.String(), `{"type":"connection",`)
	const want = `"ts":"2024-05-01T12:00:00.000000000Z","conn":1,"client":"10.0.0.1:40001","server":"[2001:db8::2]:5432",` +
		`"end":"2024-05-01T12:00:00.015000000Z","user":"ada","database":"d","application_name":"app","protocol_version":"3.0",` +
		`"server_version":"15.4","process_id":77,"auth":"trust","encryption":"none","state":"terminated","queries":3,"errors":1,` +
		`"transactions":1,"rows":1,"idle_in_transaction_ns":9000000,"frontend_bytes":1000,"backend_bytes":2000,"lost_bytes":7,` +
		`"retransmitted_bytes":11,"started_mid_stream":false}` + "\n"
	if got != want {
		t.Errorf("got  %swant %s", got, want)
	}
}

func TestNoticeRecord(t *testing.T) {
	list := only(records(t, Options{}, conversation.Opening, `
		F: Query "SELECT 1"
		B: gap 5
		B: gap -1
	`), "notice", "")
	if len(list) != 2 {
		t.Fatalf("%d notices", len(list))
	}
	list[0].get(t, "code", `"lost"`)
	list[0].get(t, "dir", `"backend"`)
	list[0].get(t, "bytes", "5")
	list[0].get(t, "text", `"5 bytes were not captured"`)
	list[1].get(t, "bytes", "")
}

func TestNotesAndUnknownMessages(t *testing.T) {
	list := records(t, Options{}, conversation.Opening, `
		F: raw "!\x00\x00\x00\x06\xff\"" ; Query "SELECT 1"
		B: ParseComplete ; raw "Z\x00\x00\x00\x07II" ; Complete "SELECT 1" ; Ready I
	`)
	odd := 0
	for _, r := range list {
		var notes []struct{ Code, Text string }
		if n := r.values["notes"]; n != "" {
			odd++
			if err := json.Unmarshal([]byte(n), &notes); err != nil || len(notes) == 0 || notes[0].Code == "" || notes[0].Text == "" {
				t.Errorf("notes %s: %v", n, err)
			}
		}
	}
	if odd == 0 {
		t.Error("nothing was odd")
	}
	for _, r := range only(list, "message", "Unknown") {
		r.get(t, "tag", `"!"`)
		r.get(t, "body", `{"data":{"hex":"ff22"}}`)
	}
}

func TestValues(t *testing.T) {
	long := strings.Repeat("ä", 40)
	script := `
		F: Parse s "SELECT 1" 23 0 ; Bind pf=1,0,1,0 "" s 0x0000002a "a\"\\\n\x01" 0xff00 NULL ; Execute "" ; Sync
		B: ParseComplete ; BindComplete ; RowDescription a:25:0 b:17:1 c:16400:1 d:25:0 e:25:0
		B: Row "` + long + `" 0xdeadbeef 0xff00ff "\xff\xfe" "" ; Complete "SELECT 1" ; Ready I
	`
	row := one(t, "DataRow", Options{}, conversation.Opening, script)
	row.get(t, "body", `{"values":["`+long+`","\\xdeadbeef",{"hex":"ff00ff"},{"hex":"fffe"},""]}`)
	row.get(t, "truncated", "")
	bind := one(t, "Bind", Options{}, conversation.Opening, script)
	if got, want := bind.values["body"], `{"portal":"","statement":"s","parameter_formats":[1,0,1,0],"parameters":["42","a\"\\\n\u0001",{"hex":"ff00"},null],"result_formats":[]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	// Cut between characters, with the true length; hex by the bytes it stands for.
	row = one(t, "DataRow", Options{MaxValueBytes: 7}, conversation.Opening, script)
	row.get(t, "body", `{"values":["äää","\\xdeadb",{"hex":"ff00ff"},{"hex":"fffe"},""]}`)
	row.get(t, "truncated", "true")
	row.get(t, "cut", `[{"field":"values[0]","length":80},{"field":"values[1]","length":10}]`)
	row = one(t, "DataRow", Options{MaxValueBytes: 1}, conversation.Opening, script)
	row.get(t, "body", `{"values":["","\\",{"hex":"ff"},{"hex":"ff"},""]}`)
	row.get(t, "cut", `[{"field":"values[0]","length":80},{"field":"values[1]","length":10},{"field":"values[2]","length":3},{"field":"values[3]","length":2}]`)
}

// Data that is no text is hex as a whole, wherever it is cut.
func TestDataIsTextOrHexAsAWhole(t *testing.T) {
	script := conversation.Opening + `
		F: Query "COPY t TO STDOUT"
		B: CopyOut ; CopyData "only ASCII at first \xff" ; CopyDone ; Complete "COPY 1" ; Ready I
	`
	one(t, "CopyData", Options{}, script).get(t, "body", `{"data":{"hex":"6f6e6c7920415343494920617420666972737420ff"}}`)
	one(t, "CopyData", Options{MaxValueBytes: 4}, script).get(t, "body", `{"data":{"hex":"6f6e6c79"}}`)
}

// A statement that is cut has its true length, whether its password is shown or not.
func TestCutSQL(t *testing.T) {
	sql := "ALTER ROLE ada PASSWORD 'correct horse battery staple' VALID UNTIL 'infinity'"
	script := conversation.Opening + `
		F: Query "` + sql + `"
		B: Complete "ALTER ROLE" ; Ready I
		F: Parse s "` + sql + `" ; Bind "" s ; Execute "" ; Sync
		B: ParseComplete ; BindComplete ; Complete "ALTER ROLE" ; Ready I
	`
	for _, secrets := range []bool{false, true} {
		list := records(t, Options{MaxValueBytes: 20, ShowSecrets: secrets}, script)
		for _, msg := range []string{"Query", "Parse"} {
			only(list, "message", msg)[0].get(t, "cut", `[{"field":"query","length":77}]`)
		}
		queries := only(list, "query", "")
		if len(queries) != 2 {
			t.Fatalf("%d queries", len(queries))
		}
		for _, q := range queries {
			q.get(t, "sql", `"ALTER ROLE ada PASSW"`)
			if !strings.HasPrefix(q.values["cut"], `[{"field":"sql","length":77}`) {
				t.Errorf("cut %s", q.values["cut"])
			}
		}
	}
}

// No key comes twice, whatever names the frontend chose.
func TestRepeatedNames(t *testing.T) {
	const script = `
		F: Startup user a "user#2" b user c user d "\xff" e "\xfe" f "" ""
		B: Error FATAL 28000 no Z=1 Z=2 "\xff=3" M=again
	`
	list := records(t, Options{}, script)
	body := object(t, only(list, "message", "StartupMessage")[0].values["body"])
	var p map[string]string
	if err := json.Unmarshal([]byte(body.values["parameters"]), &p); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"user": "a", "user#2": "b", "user#3": "c", "user#4": "d", "\ufffd": "e", "\ufffd#2": "f"} {
		if p[key] != want {
			t.Errorf("%q: %q, want %q; all: %q", key, p[key], want, p)
		}
	}
}

// Fields that open a door are not shown unless it is asked for. What is secret by
// its content was taken out before (internal/redact).
func TestSecrets(t *testing.T) {
	const script = `
		F: Startup user ada
		B: AuthMD5 saLt
		F: Password md5hunter2hash
		B: AuthOk ; Key 77 0xfeedbeef ; Ready I
	`
	secrets := []string{"hunter2", "feedbeef", "73614c74", "saLt"}
	for _, show := range []bool{false, true} {
		var out, text strings.Builder
		play(NewJSON(&out, Options{ShowSecrets: show}), script, "F: CancelRequest 77 0xfeedbeef")
		play(NewPretty(&text, PrettyOptions{Options: Options{ShowSecrets: show}, Flow: true}), script)
		for _, s := range secrets {
			if in := strings.Contains(out.String(), s); in && !show {
				t.Errorf("JSON shows %s", s)
			}
			if in := strings.Contains(text.String(), s); in && !show {
				t.Errorf("pretty shows %s", s)
			}
		}
		if show && (!strings.Contains(out.String(), "hunter2") || !strings.Contains(text.String(), "hunter2")) {
			t.Error("secrets are not shown although they are asked for")
		}
	}
}
