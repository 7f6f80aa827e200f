package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/hostile"
)

// authenticationRequests are those that the protocol defines, and what a client sends before
// the last message of some.
var authenticationRequests = []struct {
	name string
	say  [][]byte // of the server, the client, the server…
}{
	{"cleartext", [][]byte{hostile.Message('R', hostile.Int32(3))}},
	{"md5", [][]byte{hostile.Message('R', hostile.Int32(5), []byte("salt"))}},
	{"kerberos", [][]byte{hostile.Message('R', hostile.Int32(2))}},
	{"gss", [][]byte{hostile.Message('R', hostile.Int32(7))}},
	{"sspi", [][]byte{hostile.Message('R', hostile.Int32(9))}},
	{"gss, going on", [][]byte{hostile.Message('R', hostile.Int32(7)), hostile.Message('p', []byte("ticket")), hostile.Message('R', hostile.Int32(8), []byte("more"))}},
	{"sasl", [][]byte{hostile.Message('R', hostile.Int32(10), hostile.String("SCRAM-SHA-256"), []byte{0})}},
	{"sasl, going on", [][]byte{
		hostile.Message('R', hostile.Int32(10), hostile.String("SCRAM-SHA-256"), []byte{0}),
		hostile.Message('p', hostile.String("SCRAM-SHA-256"), hostile.Int32(5), []byte("n,,n=")),
		hostile.Message('R', hostile.Int32(11), []byte("r=x,s=eA==,i=4096")),
	}},
}

// TestNothingInPlaceOfAnAnswer: what a client sends where the answer to an authentication
// request is due may be the password, of whatever type it is and whatever form it has.
func TestNothingInPlaceOfAnAnswer(t *testing.T) {
	const secret = "CANARYZQ"
	bodies := [][]byte{
		hostile.String(secret), []byte(secret), hostile.String("SELECT '" + secret + "'"),
		append(append(hostile.String(""), hostile.String("SELECT '"+secret+"'")...), 0, 0),                                     // a Parse
		append(append(append(hostile.String(""), 0), 0, 0, 0, 1), append(hostile.Int32(len(secret)), secret+"\x00\x00"...)...), // a Bind
		append(append([]byte{'S'}, secret...), 0),                                                                              // a Describe
	}
	var p hostile.Packets
	n := uint32(0)
	for _, request := range authenticationRequests {
		for tag := range 256 {
			for _, body := range bodies {
				c := hostile.NewConn(n)
				n++
				p.Open(c)
				p.Send(c, hostile.Client, hostile.Startup("user", "u", "database", "d"))
				for i, b := range request.say {
					p.Send(c, []hostile.Side{hostile.Server, hostile.Client}[i%2], b)
				}
				p.Send(c, hostile.Client, hostile.Message(byte(tag), body))
				p.Send(c, hostile.Server, hostile.Message('E', []byte("SFATAL\x00C08P01\x00Mexpected password response, got message type 81\x00\x00")))
				p.Close(c)
			}
		}
	}
	file := filepath.Join(t.TempDir(), "early.pcap")
	if err := os.WriteFile(file, p.File(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, view := range []string{"messages", "queries", "connections", "stats"} {
		for _, format := range []string{"pretty", "json"} {
			out, errs, code := command("read", file, "-o", format, "--view", view, "--top", "0")
			if at := strings.Index(out+errs, secret); at >= 0 || code != ExitOK {
				t.Errorf("%s, %s, exit %d: %.600s", view, format, code, (out + errs)[max(0, at-400):])
			}
		}
	}
	for _, args := range [][]string{{"-o", "csvlog"}, {"-o", "pqtrace"}, {"-o", "sql"}, {"-o", "trace-events"}} {
		out, errs, _ := command(append([]string{"read", file}, args...)...)
		if strings.Contains(out+errs, secret) {
			t.Errorf("%q shows it", args)
		}
	}
}

// TestQueriesAfterALostLogin: where bytes were lost behind the request, the login may be among
// them, and what follows is no answer.
func TestQueriesAfterALostLogin(t *testing.T) {
	for _, request := range authenticationRequests {
		var p hostile.Packets
		c := hostile.NewConn(1)
		p.Open(c)
		p.Send(c, hostile.Client, hostile.Startup("user", "u", "database", "d"))
		for i, b := range request.say {
			p.Send(c, []hostile.Side{hostile.Server, hostile.Client}[i%2], b)
		}
		c.Skip(hostile.Client, len(hostile.Message('p', hostile.String("password"))))
		c.Skip(hostile.Server, len(hostile.Authenticated(1)))
		p.Send(c, hostile.Client, hostile.Query("SELECT 'shown'"))
		p.Send(c, hostile.Server, append(hostile.Complete("SELECT 1"), hostile.Ready()...))
		p.Close(c)
		file := filepath.Join(t.TempDir(), "lost.pcap")
		if err := os.WriteFile(file, p.File(), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, _, _ := command("read", file, "-o", "json", "--view", "messages,queries"); strings.Count(out, "SELECT 'shown'") < 2 {
			t.Errorf("%s: %s", request.name, out)
		}
	}
}
