// Command authproxy is an authenticating proxy for PostgreSQL: an example of a
// program on one connection.BackendConnection and one connection.FrontendConnection.
//
//	authproxy -listen HOST:PORT -server HOST:PORT -role ROLE -clients FILE
//
// Clients log in at the proxy by SCRAM-SHA-256 with a name and password of FILE
// ("name:password" a line). The proxy logs in at the server as ROLE, with the
// password in PGPASSWORD, and from then on passes on every message in both
// directions. Both sides are checked: a client that breaks the protocol's order
// is told so and disconnected. There is no encryption: it is made for the
// loopback interface.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"strings"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:6432", "`address` to listen at")
	server := flag.String("server", "127.0.0.1:5432", "`address` of the server")
	role := flag.String("role", "postgres", "log in at the server as this `role`")
	clients := flag.String("clients", "", "`file` of the clients' names and passwords")
	flag.Parse()
	if err := run(*listen, *server, *role, *clients); err != nil {
		fmt.Fprintln(os.Stderr, "authproxy:", err)
		os.Exit(1)
	}
}

func run(listen, server, role, clients string) error {
	f, err := os.Open(clients)
	if err != nil {
		return err
	}
	passwords, err := readPasswords(f)
	_ = f.Close()
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	p := &Proxy{Server: server, Role: role, Password: os.Getenv("PGPASSWORD"), Clients: passwords, Log: log.Default()}
	return p.Serve(l)
}

// readPasswords reads lines of "name:password".
func readPasswords(r io.Reader) (map[string]string, error) {
	passwords := make(map[string]string)
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if lines.Text() == "" {
			continue
		}
		name, password, ok := strings.Cut(lines.Text(), ":")
		if !ok {
			return nil, fmt.Errorf("a line without a colon in the file of passwords")
		}
		passwords[name] = password
	}
	return passwords, lines.Err()
}
