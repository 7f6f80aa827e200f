package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/hostile"
)

// TestOtherProtocols: nothing of what is not PostgreSQL is taken for a message, on
// any port, named or not.
func TestOtherProtocols(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "foreign", "*.pcap"))
	if err != nil || len(files) < 6 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		for _, ports := range []string{"--any-port", "--port=3306,9092,9000,18913,18993"} {
			out, errs, code := command("read", ports, "--strict", "-o", "json", file)
			if code != ExitOK || strings.Contains(out, `"type":"message"`) {
				t.Errorf("%s %s: exit %d, %s%s", ports, file, code, out, errs)
			}
			if ports == "--any-port" && out != "" {
				t.Errorf("%s: %s", file, out)
			}
		}
	}
}

// TestNothingOfAnUnknownLoginIsShown: before the client is known, what nobody
// understands may be a password.
func TestNothingOfAnUnknownLoginIsShown(t *testing.T) {
	for name, secret := range map[string]string{
		"opengauss_sha256": "SECRETPROOF", "sasl_plainpw": "hunter2secret", "redshift_digest": "SECRETDIGEST",
	} {
		everyOutput(func(args ...string) {
			out, errs, code := command(append([]string{"read", "--any-port", capturePath(name)}, args...)...)
			hex := "534543524554" // SECRET
			if code != ExitUsage && (strings.Contains(out+errs, secret) || strings.Contains(out, hex)) {
				t.Errorf("%s, %q shows %s", name, args, secret)
			}
		})
	}
}

// TestForeignMessagesByName: what other servers and proposals define, and PostgreSQL
// does not, is told by its name, and of what answers an unknown request nothing is shown.
func TestForeignMessagesByName(t *testing.T) {
	const secret = "CANARYZQ"
	in := func(startup []byte, more func(p *hostile.Packets, c *hostile.Conn)) string {
		var p hostile.Packets
		c := hostile.NewConn(1)
		p.Open(c)
		p.Send(c, hostile.Client, startup)
		more(&p, c)
		p.Close(c)
		file := filepath.Join(t.TempDir(), "foreign.pcap")
		if err := os.WriteFile(file, p.File(), 0o600); err != nil {
			t.Fatal(err)
		}
		out, _, _ := command("read", file, "-o", "json", "--view", "messages,queries,connections")
		return out
	}
	asks := func(code int, answer byte) func(p *hostile.Packets, c *hostile.Conn) {
		return func(p *hostile.Packets, c *hostile.Conn) {
			p.Send(c, hostile.Server, hostile.Message('R', hostile.Int32(code), make([]byte, 12)))
			p.Send(c, hostile.Client, hostile.Message(answer, hostile.String(secret)))
			p.Send(c, hostile.Server, hostile.Authenticated(1))
		}
	}
	then := func(from hostile.Side, tag byte) func(p *hostile.Packets, c *hostile.Conn) {
		return func(p *hostile.Packets, c *hostile.Conn) {
			p.Send(c, hostile.Server, hostile.Authenticated(1))
			p.Send(c, from, hostile.Message(tag, []byte("body")))
		}
	}
	gauss := hostile.Startup("user", "u", "database", "d")
	gauss[7] = 51 // version 3.51
	redshift := hostile.Startup("user", "u", "client_protocol_version", "2")
	plain := hostile.Startup("user", "u")
	proposal := hostile.Startup("user", "u", "_pq_.report_prep_stmt_dealloc", "on")
	for _, tt := range []struct {
		startup []byte
		more    func(p *hostile.Packets, c *hostile.Conn)
		want    string
	}{
		{redshift, asks(13, 'd'), "Redshift asks for a digest of the password (13), which PostgreSQL does not have"},
		{redshift, asks(13, 'd'), "Redshift's answer to an authentication request"},
		{redshift, asks(14, 'i'), "Redshift asks for a token of an identity provider (14)"},
		{redshift, asks(14, 'i'), "Redshift's answer to an authentication request"},
		{gauss, asks(13, 'p'), "openGauss asks for SM3 authentication"},
		{plain, asks(13, 'p'), "an authentication request with the code 13, which PostgreSQL does not define; Redshift's asks for a digest, openGauss's for SM3"},
		{plain, asks(13, 'Q'), "an authentication request with the code 13, which PostgreSQL does not define; Redshift's asks"},
		{plain, asks(99, 'Q'), "the protocol does not define an authentication request with the code 99"},
		{plain, asks(99, 'H'), "an authentication request with the code 99"},
		{gauss, asks(12, 'Q'), "openGauss asks for RFC_SHA256"},
		{gauss, then(hostile.Client, 'U'), "openGauss's batch Bind and Execute, which PostgreSQL does not have"},
		{gauss, then(hostile.Client, 'J'), "openGauss's trace ID"},
		{gauss, then(hostile.Client, 'g'), "GaussDB's global transaction ID"},
		{gauss, then(hostile.Client, 'h'), "a message of openGauss's own"},
		{plain, then(hostile.Client, 'U'), "the protocol does not define a message of type 'U'"},
		{proposal, then(hostile.Server, 'i'), "undefined here; report_prep_stmt_dealloc, which the client asked for, is a proposal, in which this is PrepStmtDealloc"},
		{proposal, then(hostile.Server, 'j'), "undefined here; it may be of the extension report_prep_stmt_dealloc"},
		{plain, then(hostile.Server, 'i'), "the protocol does not define a message of type 'i'"},
	} {
		out := in(tt.startup, tt.more)
		if !strings.Contains(out, tt.want) || strings.Contains(out, secret) {
			t.Errorf("not %q in\n%s", tt.want, out)
		}
		if asked := strings.Contains(tt.want, "asks"); asked && !strings.Contains(out, `"auth":"unknown"`) {
			t.Errorf("auth is not unknown in\n%s", out)
		}
	}
}
