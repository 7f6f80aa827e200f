package app

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/metrics"
	"github.com/pgsniff/pgsniff/internal/test/hostile"
	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// attack is what one connection to a real server says: its secret stands where %s is.
type attack struct {
	startup []string // parameters besides user and database
	say     []string // one query after the other
	bind    []string // what is bound to the parameters of the last query; nil: it is simple
	copied  string   // what is sent for COPY … FROM STDIN
	secret  string   // where it is not the canary
	refused bool     // the server refuses the connection
	hex     bool     // the secret is in hexadecimal digits
	binary  bool     // results are asked for in binary
	call    []string // a function's OID and its arguments, for a FunctionCall after the queries
	fails   string   // why the client gives up COPY … FROM STDIN
	header  bool     // the header of what is copied tells alone: where that is lost, nothing does
	// copiedThen is sent in a message of its own behind copied.
	copiedThen string
}

func say(queries ...string) attack { return attack{say: queries} }

func bind(sql string, values ...string) attack { return attack{say: []string{sql}, bind: values} }

// attackServer starts a server that has what the attacks are about.
func attackServer(t *testing.T) *pgtest.Server {
	t.Helper()
	s := pgtest.Start(t, pgtest.WithConf("max_prepared_transactions", "5"), pgtest.WithConf("wal_level", "logical"))
	for _, sql := range []string{
		"CREATE EXTENSION dblink", "CREATE EXTENSION pgcrypto", "CREATE EXTENSION postgres_fdw", "CREATE EXTENSION hstore",
		"CREATE ROLE bob LOGIN", `CREATE ROLE "we'ird"`,
		"CREATE ROLE hashed PASSWORD 'SCRAM-SHA-256$4096:Q05SWVNBTFQwMDAwMDAwMA==$Q05SWVNUT1JFRDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA=:Q05SWVNFUlZFUjAwMDAwMDAwMDAwMDAwMDAwMDAwMDA='",
		"CREATE ROLE hashed5 PASSWORD 'md5c0ffeec0ffeec0ffeec0ffeec0ffee77'",
		"CREATE TABLE users (id int PRIMARY KEY, name text NOT NULL, password text UNIQUE, token text, n int)",
		"CREATE TABLE config (key text, value text)", "CREATE TABLE docs (id int, data jsonb, note text)", "CREATE TABLE plain (a text)",
		"CREATE SERVER loop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', dbname 'postgres')",
		"CREATE PUBLICATION pub FOR TABLE plain",
		"CREATE FUNCTION set_password(who text, pw text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('ALTER ROLE %I PASSWORD %L NONSENSE', who, pw); END $$",
		"CREATE FUNCTION user_lookup(INOUT i_username text, OUT uname text, OUT phash text) LANGUAGE sql SECURITY DEFINER AS $$ SELECT rolname::text, rolname::text, rolpassword FROM pg_authid WHERE rolname = i_username $$",
		"CREATE FOREIGN DATA WRAPPER w9",
		"CREATE TABLE hacct (id int, login text, passwd text)", "CREATE TABLE users2 (id int, user_pass text)",
		"CREATE TABLE kv (k text, v text)", "INSERT INTO kv VALUES ('smtp_password', 'CNRYCONFIGQZ')",
		"CREATE TABLE meta (meta_key text, meta_value text)", "INSERT INTO meta VALUES ('smtp_password', 'CNRYCONFIGQZ')",
		"INSERT INTO config VALUES ('smtp_password', 'CNRYCONFIGQZ')",
		"CREATE TABLE hs (h hstore)", "INSERT INTO hs VALUES ('password=>CNRYHSTOREQZ')",
		"CREATE FUNCTION app_setting(text) RETURNS text LANGUAGE sql AS 'SELECT value FROM config WHERE key = $1'",
	} {
		s.Exec(t, sql)
	}
	return s
}

// playAttacks plays the attacks against the server, each on a connection of its own, and
// writes what both sides said as a capture.
func playAttacks(t *testing.T, s *pgtest.Server, list []attack) (path string, secrets []string) {
	t.Helper()
	var p hostile.Packets
	for i, a := range list {
		canary := fmt.Sprintf("CNRY%03dQZ", i)
		c := &talker{t: t, p: &p, conn: hostile.NewConn(uint32(i)), copied: copied(a, canary)}
		c.play(s, a, canary)
		if secret := a.secret; secret != "" {
			canary = secret
		}
		secrets = append(secrets, canary)
	}
	path = filepath.Join(t.TempDir(), "attacks.pcap")
	if err := os.WriteFile(path, p.File(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path, secrets
}

// copied returns the messages that give a COPY its data.
func copied(a attack, canary string) []byte {
	put := func(text string) []byte { return []byte(strings.ReplaceAll(text, "%s", canary)) }
	b := hostile.Message('d', put(a.copied))
	if a.copiedThen != "" {
		b = append(b, hostile.Message('d', put(a.copiedThen))...)
	}
	if a.fails != "" {
		return append(b, hostile.Message('f', put(a.fails), []byte{0})...)
	}
	return append(b, hostile.Message('c')...)
}

// talker is a client that records what it hears and says.
type talker struct {
	t      *testing.T
	p      *hostile.Packets
	conn   *hostile.Conn
	net    net.Conn
	copied []byte
}

func (c *talker) play(s *pgtest.Server, a attack, canary string) {
	c.t.Helper()
	put := func(text string) string { return strings.ReplaceAll(text, "%s", canary) }
	var err error
	if c.net, err = net.Dial("tcp", net.JoinHostPort(s.Host, strconv.Itoa(s.Port))); err != nil {
		c.t.Fatal(err)
	}
	defer c.net.Close()
	c.p.Open(c.conn)
	parameters := []string{"user", s.SuperUser, "database", "postgres"}
	for i := 0; i < len(a.startup); i += 2 {
		if at := slices.Index(parameters, a.startup[i]); at >= 0 {
			parameters[at+1] = put(a.startup[i+1])
			continue
		}
		parameters = append(parameters, put(a.startup[i]), put(a.startup[i+1]))
	}
	c.send(hostile.Startup(parameters...))
	if !c.hear() {
		if !a.refused {
			c.t.Fatalf("the server refuses %v", a.startup)
		}
		c.p.Close(c.conn)
		return
	}
	for i, sql := range a.say {
		if i < len(a.say)-1 || a.bind == nil {
			c.send(hostile.Query(put(sql)))
		} else {
			c.send(extended(put(sql), a.bind, put, a.binary))
		}
		if !c.hear() {
			c.t.Fatalf("%s: the server ends the connection", sql)
		}
	}
	if len(a.call) > 0 {
		c.send(functionCall(a.call, put))
		if !c.hear() {
			c.t.Fatalf("function %s: the server ends the connection", a.call[0])
		}
	}
	c.send(hostile.Message('X'))
	c.p.Close(c.conn)
}

func functionCall(call []string, put func(string) string) []byte {
	oid, _ := strconv.Atoi(call[0])
	list := hostile.Int16(len(call) - 1)
	for _, v := range call[1:] {
		v = put(v)
		list = append(append(list, hostile.Int32(len(v))...), v...)
	}
	return hostile.Message('F', hostile.Int32(oid), hostile.Int16(0), list, hostile.Int16(0))
}

func extended(sql string, values []string, put func(string) string, binary bool) []byte {
	b := hostile.Parse("", sql)
	list := append(append(hostile.String(""), hostile.String("")...), hostile.Int16(0)...)
	list = append(list, hostile.Int16(len(values))...)
	for _, v := range values {
		v = put(v)
		list = append(append(list, hostile.Int32(len(v))...), v...)
	}
	formats := hostile.Int16(0)
	if binary {
		formats = append(hostile.Int16(1), hostile.Int16(1)...)
	}
	b = append(b, hostile.Message('B', list, formats)...)
	b = append(b, hostile.Message('D', []byte{'P', 0})...)
	return append(append(b, hostile.Execute("")...), hostile.Sync()...)
}

func (c *talker) send(b []byte) {
	c.p.Send(c.conn, hostile.Client, b)
	if _, err := c.net.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

// hear takes messages up to the next ReadyForQuery, and gives what a COPY asks for;
// false if there is none.
func (c *talker) hear() bool {
	for {
		head := make([]byte, 5)
		if _, err := io.ReadFull(c.net, head); err != nil {
			return false
		}
		b := append(head, make([]byte, int(binary.BigEndian.Uint32(head[1:]))-4)...)
		if _, err := io.ReadFull(c.net, b[5:]); err != nil {
			c.t.Fatal(err)
		}
		c.p.Send(c.conn, hostile.Server, b)
		switch b[0] {
		case 'Z':
			return true
		case 'G':
			c.send(c.copied)
		}
	}
}

// allAttacks are all of them.
func allAttacks() []attack {
	return slices.Concat(attacks, moreAttacks, furtherAttacks, attacksByKind, attacksOfAStranger)
}

// TestAttacks plays statements that carry secrets against a real server and looks
// for those in all that is shown of it.
func TestAttacks(t *testing.T) {
	if testing.Short() {
		t.Skip("long: all views and outputs of some hundred connections")
	}
	s := attackServer(t)
	attacks := allAttacks()
	file, secrets := playAttacks(t, s, attacks)
	shown := shownSecrets{secrets: secrets, where: map[string][]string{}}
	everyOutput(func(args ...string) {
		args = append([]string{"read", "--port", "5432", file}, args...)
		out, errs, code := command(args...)
		if code == ExitUsage {
			return // no such view in this format
		}
		shown.look(args[3:], out+errs)
	})
	shown.elsewhere(t, file)
	shown.withLosses(t, file, attacks)
	for i, secret := range secrets {
		if found := shown.where[secret]; found != nil {
			shown.where[secret] = nil
			t.Errorf("%q %q shows %s:\n%s", attacks[i].startup, attacks[i].say, secret, strings.Join(found, ""))
		}
	}
	out, _, _ := command("read", file, "-o", "json", "--redact", "none")
	for i, secret := range secrets {
		if !strings.Contains(out, secret) && !attacks[i].hex {
			t.Errorf("%d: %q is not in the capture at all", i, attacks[i].say)
		}
	}
}

// shownSecrets is where secrets were found that should not be.
type shownSecrets struct {
	secrets []string
	where   map[string][]string
}

// canaryForm is what stands for the secrets of most attacks.
var canaryForm = regexp.MustCompile(`^CNRY[0-9]{3}QZ$`)

// look looks for the secrets in what a command printed, as text and in hexadecimal digits.
func (s *shownSecrets) look(args []string, text string) {
	own := map[string]int{}
	for i, secret := range s.secrets {
		if !canaryForm.MatchString(secret) {
			for line := range strings.Lines(text) {
				s.found(args, i, line, strings.Index(line, secret))
			}
			continue
		}
		own[secret] = i
	}
	const size = len("CNRY000QZ")
	for line := range strings.Lines(text) {
		for at := 0; ; at++ {
			n := strings.Index(line[at:], "CNRY")
			if n < 0 {
				break
			}
			at += n
			if i, ok := own[line[at:min(len(line), at+size)]]; ok {
				s.found(args, i, line, at)
			}
		}
		for at := 0; ; at++ {
			n := strings.Index(line[at:], "434e5259")
			if n < 0 {
				break
			}
			at += n
			b, _ := hex.DecodeString(line[at:min(len(line), at+2*size)])
			if i, ok := own[string(b)]; ok {
				s.found(args, i, line, at)
			}
		}
	}
}

// found takes note that secret i stands in a line, if at is not negative.
func (s *shownSecrets) found(args []string, i int, line string, at int) {
	secret := s.secrets[i]
	if at >= 0 && len(s.where[secret]) < 3 {
		s.where[secret] = append(s.where[secret], fmt.Sprintf("%d %q: %.1000s\n", i, args, line[max(0, at-300):]))
	}
}

// withLosses looks at what is shown of the same connections where some of the servers' packets
// are missing, and where they are joined behind the beginning: what was asked is known.
func (s *shownSecrets) withLosses(t *testing.T, file string, attacks []attack) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := hostile.ParsePcap(b)
	if err != nil {
		t.Fatal(err)
	}
	secrets := *s
	secrets.secrets = slices.Clone(s.secrets)
	for i := range attacks {
		if attacks[i].header {
			secrets.secrets[i] = canaryOfNone
		}
	}
	const every, startup = 7, 8 // messages of a server
	for offset := range every + 1 {
		count := map[string]int{}
		lossy := whole.Clone()
		lossy.Records = nil
		for i := range whole.Records {
			const addresses, ports, payload = 12, 20, 40 // as hostile.Packets writes them
			packet := whole.Records[i].Data
			flow := string(packet[addresses : ports+4])
			count[flow]++
			n, server := count[flow], binary.BigEndian.Uint16(packet[ports:]) == 5432
			if offset == every && n <= 2 || offset < every && server && len(packet) > payload && n > startup && n%every == offset {
				continue
			}
			lossy.Records = append(lossy.Records, whole.Records[i])
		}
		if len(lossy.Records) == len(whole.Records) {
			t.Fatal("nothing is lost")
		}
		cut := filepath.Join(t.TempDir(), "lossy.pcap")
		if err := os.WriteFile(cut, lossy.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		out, errs, _ := command("read", "--port", "5432", cut, "-o", "json", "--view", "messages,queries", "--max-value-bytes", "0", "--rows", "0")
		if strings.Count(out, "\n") < len(attacks) {
			t.Errorf("with losses, little is shown: %.300s", errs)
		}
		secrets.look([]string{fmt.Sprintf("loss %d", offset)}, out+errs)
	}
}

// canaryOfNone is no attack's.
const canaryOfNone = "CNRYNONE"

// elsewhere looks in what is no view of a format: what is searched for, a page of HTML,
// metrics that are served, rows of Parquet files.
func (s *shownSecrets) elsewhere(t *testing.T, file string) {
	t.Helper()
	for _, view := range []string{"messages", "queries"} {
		out, _, code := command("read", file, "-o", "json", "--view", view, "--grep", "CNRY[0-9]{3}QZ")
		if out != "" || code == ExitUsage {
			t.Errorf("--grep in %s finds %.1000s (exit %d)", view, out, code)
		}
	}
	page := filepath.Join(t.TempDir(), "page.html")
	if _, errs, code := command("report", file, "-o", page); code != ExitOK {
		t.Fatalf("report: exit %d: %s", code, errs)
	}
	html, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	s.look([]string{"report"}, string(html))
	for _, cmd := range []string{"diagnose", "summary"} {
		out, errs, _ := command(cmd, file)
		s.look([]string{cmd}, out+errs)
	}
	s.look([]string{"parquet"}, parquetRows(t, "read", file))
	scrapeMetrics(t)
	served, _, _ := command("read", file, "-o", metrics.Name)
	if !strings.Contains(served, "# TYPE") {
		t.Errorf("no metrics: %.200s", served)
	}
	s.look([]string{"metrics"}, served)
}
