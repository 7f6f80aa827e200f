//go:build linux && (amd64 || arm64)

package app

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// to returns the records of connections to a port.
func to(records []jsonLine, port int) (list []jsonLine) {
	conns := make(map[any]bool)
	for _, c := range ofType(records, "connection", 0) {
		server, _ := c["server"].(string)
		conns[c["conn"]] = strings.HasSuffix(server, ":"+strconv.Itoa(port))
	}
	for _, r := range records {
		if conns[r["conn"]] {
			list = append(list, r)
		}
	}
	return list
}

// asks runs psql, with input that asks for much.
func asks(t *testing.T, where string) {
	t.Helper()
	var input strings.Builder
	input.WriteString("select 'begin';\nselect repeat('y', 2000000);\nselect '" + strings.Repeat("z", 30_000) + "';\n")
	for n := range 60 {
		fmt.Fprintf(&input, "select %d;\n", n)
	}
	input.WriteString("copy (select i, repeat('x', 100) from generate_series(1, 3000) i) to stdout;\nselect 1/0;\n")
	cmd := exec.Command(pgtest.Tool(t, "psql"), "-X", "-q", where)
	cmd.Stdin = strings.NewReader(input.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// sealed checks connection records of what was read from OpenSSL.
func sealed(t *testing.T, records []jsonLine, packets bool) {
	t.Helper()
	list := ofType(records, "connection", 0)
	if len(list) == 0 {
		t.Error("no connection")
	}
	for _, c := range list {
		if c["encryption"] != "tls" || c["decrypted"] != true || c["decrypted_by"] != "attach" || c["started_mid_stream"] != false || c["lost_bytes"] != 0.0 {
			t.Errorf("%v", c)
		}
		if version, _ := c["tls_version"].(string); packets && !strings.HasPrefix(version, "TLSv1.") {
			t.Errorf("%v", c)
		}
	}
}

// ofClients leaves out what a pooler asks the server for by itself.
func ofClients(log []string) []string {
	return slices.DeleteFunc(slices.Clone(log), func(sql string) bool { return sql == "SET application_name='psql';" })
}

// A pooler is seen on both sides: each statement that the server logged came from a
// client, and went to the server. Where the server is looked into, too, that is told once.
func TestAttachPooler(t *testing.T) {
	for _, way := range []struct {
		version         int
		packets, server bool
	}{{15, false, false}, {15, true, true}, {18, true, false}, {18, false, true}} {
		s := attachServer(t, way.version)
		needAttach(t, s)
		earlier := logged(t, s)
		port, pid := startBouncer(t, s, true)
		args := []string{"--attach=" + strconv.Itoa(pid), "--view", "queries,connections", "--max-value-bytes", "0"}
		if way.server {
			args = append(args, "--attach="+postmasterPID(t, s))
		}
		if way.packets {
			args = append(args, "-i", "lo", "--port", fmt.Sprintf("%d,%d", s.Port, port))
		}
		i := startInside(t, args...)
		if way.packets {
			i.stderr.waitFor(t, "capturing on lo")
		}
		for range 2 {
			asks(t, fmt.Sprintf("host=127.0.0.1 port=%d sslmode=require dbname=postgres user=%s", port, s.SuperUser))
		}
		records := i.stop(t)
		log := logged(t, s)
		everyStatement(t, to(records, s.Port), log, len(earlier))
		sealed(t, to(records, s.Port), way.packets)
		everyStatement(t, to(records, port), ofClients(log), len(ofClients(earlier)))
		sealed(t, to(records, port), way.packets)
	}
}

// A client is seen, from its next connection on.
func TestAttachPsql(t *testing.T) {
	s := attachServer(t, 15)
	needAttach(t, s)
	cmd := exec.Command(pgtest.Tool(t, "psql"), "-X", "-q", fmt.Sprintf("host=%s port=%d dbname=postgres user=%s", s.SocketDir, s.Port, s.SuperUser))
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var out sharedBuffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	say := func(text string) {
		t.Helper()
		if _, err := io.WriteString(in, text); err != nil {
			t.Fatal(err)
		}
	}
	say("select 'is ' || 'there';\n")
	out.waitFor(t, "is there")
	before := len(loggedAll(t, s, 1))
	i := startInside(t, "--attach="+strconv.Itoa(cmd.Process.Pid), "--view", "queries,connections")
	say(fmt.Sprintf("\\connect \"host=%s port=%d dbname=postgres user=%s sslmode=require\"\n", s.Host, s.Port, s.SuperUser))
	for n := range 120 {
		say(fmt.Sprintf("select %d;\n", n))
	}
	_ = in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, out.b.Bytes())
	}
	records := i.stop(t)
	everyStatement(t, records, loggedAll(t, s, before+120), before)
	sealed(t, records, false)
}

// nodeClient is a client in Node.js, which receives and sends by itself and gives OpenSSL
// only what came. It has another connection with TLS meanwhile, that is none of
// PostgreSQL's.
const nodeClient = `
const net = require('net'), tls = require('tls'), fs = require('fs');
const [host, port, user, key, cert] = process.argv.slice(2);
const packet = (tag, text) => {
  const body = Buffer.from(text + '\0');
  const b = Buffer.alloc(body.length + 4 + (tag ? 1 : 0));
  let at = 0;
  if (tag) b.write(tag, at++);
  b.writeInt32BE(body.length + 4, at);
  body.copy(b, at + 4);
  return b;
};
const other = tls.createServer({ key: fs.readFileSync(key), cert: fs.readFileSync(cert) }, s => s.on('data', d => s.write(d)));
function client(n, done) {
  const raw = net.connect(port, host, () => raw.write(Buffer.from([0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f])));
  raw.once('data', () => {
    const begin = () => s.write(packet('', '\0\x03\0\0user\0' + user + '\0database\0postgres\0'));
    const version = n % 2 ? 'TLSv1.2' : 'TLSv1.3';
    const s = tls.connect({ socket: raw, rejectUnauthorized: false, maxVersion: version }, () => { if (n < 2) begin(); });
    if (n >= 2) begin(); // before the handshake is over, as node-postgres does
    let seen = Buffer.alloc(0), left = 60;
    s.on('data', d => {
      seen = Buffer.concat([seen, d]);
      while (seen.length >= 5) {
        const size = seen.readInt32BE(1) + 1;
        if (seen.length < size) return;
        if (seen[0] === 0x5a) {
          if (left-- === 0) { s.end(packet('X', '').subarray(0, 5).fill(Buffer.from([0x58, 0, 0, 0, 4]))); return; }
          s.write(packet('Q', 'select ' + n + ', ' + left + ', repeat(\'x\', 50000)'));
        }
        seen = seen.subarray(size);
      }
    });
    s.on('close', done);
  });
}
// The first is alone: no thread of this program has called OpenSSL before.
process.stdin.once('data', () => client(2, () => {
  other.listen(0, '127.0.0.1', () => {
    const o = tls.connect({ port: other.address().port, host: '127.0.0.1', rejectUnauthorized: false }, () => o.write('hello'));
    let open = 3, echoes = 0;
    o.on('data', d => { echoes++; o.write(d); });
    for (const n of [0, 1, 3]) client(n, () => { if (--open === 0) { console.log('echoes', echoes > 0); process.exit(0); } });
  });
}));
console.log('ready');
`

// A program that has OpenSSL within, and sends and receives by itself, is seen, too.
func TestAttachNode(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("this test runs Node.js")
	}
	s := attachServer(t, 18)
	needAttach(t, s)
	script := filepath.Join(t.TempDir(), "client.js")
	if err := os.WriteFile(script, []byte(nodeClient), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, packets := range []bool{false, true} {
		before := len(logged(t, s))
		cmd := exec.Command(node, script, s.Host, strconv.Itoa(s.Port), s.SuperUser, filepath.Join(s.DataDir, "server.key"), filepath.Join(s.DataDir, "server.crt"))
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		var out sharedBuffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill() })
		out.waitFor(t, "ready")
		args := []string{"--attach=" + strconv.Itoa(cmd.Process.Pid), "--view", "queries,connections", "--max-value-bytes", "0"}
		if packets {
			args = append(args, "-i", "lo", "--port", strconv.Itoa(s.Port))
		}
		i := startInside(t, args...)
		if packets {
			i.stderr.waitFor(t, "capturing on lo")
		}
		if _, err := io.WriteString(in, "go\n"); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil || !strings.Contains(out.b.String(), "echoes true") {
			t.Fatalf("%v\n%s", err, out.b.Bytes())
		}
		records := i.stop(t)
		everyStatement(t, records, logged(t, s), before)
		sealed(t, records, packets)
		if n := len(ofType(records, "connection", 0)); n != 4 {
			t.Errorf("%d connections", n)
		}
		for _, c := range ofType(records, "connection", 0) {
			if c["started_mid_stream"] != false || c["user"] != s.SuperUser {
				t.Errorf("its beginning was not seen: %v", c)
			}
		}
	}
}
