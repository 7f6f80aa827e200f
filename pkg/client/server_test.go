package client

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strconv"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// users are roles by the method that they must authenticate with.
var users = map[AuthMethod]string{
	AuthTrust: "tina", AuthPassword: "paula", AuthMD5: "mia", AuthSCRAM: "sam",
}

const secret = "pässword" // not ASCII

func startServer(t *testing.T, version int) *pgtest.Server {
	t.Helper()
	return pgtest.Start(t, pgtest.WithVersion(version), pgtest.WithSSL(),
		pgtest.WithConf("max_prepared_transactions", "2"),
		pgtest.WithUser(users[AuthTrust], "", ""),
		pgtest.WithUser(users[AuthPassword], secret, "password"),
		pgtest.WithUser(users[AuthMD5], secret, "md5"),
		pgtest.WithUser(users[AuthSCRAM], secret, "scram-sha-256"))
}

func onServers(t *testing.T, f func(t *testing.T, s *pgtest.Server)) {
	if testing.Short() {
		t.Skip("needs a server")
	}
	for _, version := range []int{15, 18} {
		t.Run(fmt.Sprint("PostgreSQL", version), func(t *testing.T) { f(t, startServer(t, version)) })
	}
}

func address(s *pgtest.Server) string { return net.JoinHostPort(s.Host, strconv.Itoa(s.Port)) }

// overTLS negotiates TLS, or begins with it.
func overTLS(t testing.TB, c *Client, conn net.Conn, direct bool, chunk int) *driver {
	t.Helper()
	if !direct {
		out, err := c.DoSSLRequest()
		events := newDriver(t, c, conn, 1).must(out, err)
		if !find[*EncryptionResponse](t, events).Accepted {
			t.Fatal("TLS was refused")
		}
	}
	over := tls.Client(conn, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"postgresql"}})
	if err := over.Handshake(); err != nil {
		t.Fatal(err)
	}
	if err := c.TLSEstablished(over.ConnectionState()); err != nil {
		t.Fatal(err)
	}
	return newDriver(t, c, over, chunk)
}

// open starts a session.
func open(t testing.TB, s *pgtest.Server, config Config) *driver {
	t.Helper()
	if config.Database == "" {
		config.Database = "postgres"
	}
	d := newDriver(t, New(config), dial(t, address(s)), 4096)
	d.must(d.DoStartup())
	return d
}

func TestServerAuthentication(t *testing.T) {
	onServers(t, func(t *testing.T, s *pgtest.Server) {
		for method, user := range users {
			for _, encrypted := range []bool{false, true} {
				for _, chunk := range []int{1, 5, 4096} {
					c := New(Config{User: user, Database: "postgres", Password: secret, RequireAuth: method})
					d := newDriver(t, c, dial(t, address(s)), chunk)
					want := method
					if encrypted {
						d = overTLS(t, c, dial(t, address(s)), chunk == 5 && s.Version >= 17, chunk)
						if method == AuthSCRAM {
							want = AuthSCRAMPlus
						}
					}
					events := d.must(d.DoStartup())
					if got := find[*Authenticated](t, events).Method; got != want {
						t.Errorf("%v, encrypted %v: authenticated by %v", method, encrypted, got)
					}
					if v := c.ServerVersion(); v != s.FullName {
						t.Errorf("server version %q, want %q", v, s.FullName)
					}
					got := rows(t, d.must(d.DoSimpleQuery("SELECT session_user, ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")))
					if want := fmt.Sprint([][]string{{user, strconv.FormatBool(encrypted)[:1]}}); fmt.Sprint(got) != want {
						t.Errorf("got %v, want %v", got, want)
					}
					if out, err := c.DoTerminate(); err != nil || len(out) != 5 {
						t.Errorf("DoTerminate: %q, %v", out, err)
					}
				}
			}
		}
	})
}

func TestServerRefuses(t *testing.T) {
	onServers(t, func(t *testing.T, s *pgtest.Server) {
		for method, user := range users {
			if method == AuthTrust {
				continue
			}
			d := newDriver(t, New(Config{User: user, Database: "postgres", Password: "wrong"}), dial(t, address(s)), 4096)
			events, err := d.run(d.DoStartup())
			var refused *ServerError
			if !errors.As(err, &refused) || refused.SQLState != "28P01" || refused.Recoverable || find[*ServerError](t, events) != refused {
				t.Errorf("%v: %v after %v", method, err, names(events))
			}
			if d.State() != StateUnrecoverableError || !d.IsDead() {
				t.Errorf("%v: state %v", method, d.State())
			}
			_, err = d.DoSimpleQuery("SELECT 1")
			var stateError *StateError
			if !errors.As(err, &stateError) || !errors.As(err, &refused) {
				t.Errorf("%v: %v", method, err)
			}
		}
	})
}
