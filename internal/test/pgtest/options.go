package pgtest

import (
	"fmt"
	"strings"
)

// Option changes how Start makes a server.
type Option func(*config)

type config struct {
	version int // 0: any
	ssl     bool
	hba     []string
	conf    [][2]string
	users   []role
}

type role struct{ name, password, method string }

// WithVersion asks for a major version, such as 18, instead of whatever is
// installed.
func WithVersion(major int) Option {
	return func(c *config) { c.version = major }
}

// WithSSL switches TLS on, with a self-made certificate for localhost and
// 127.0.0.1 (Server.CertFile).
func WithSSL() Option {
	return func(c *config) { c.ssl = true }
}

// WithHBA puts lines into pg_hba.conf before the ones that trust everybody on
// loopback. The superuser always gets in through the Unix socket.
func WithHBA(lines ...string) Option {
	return func(c *config) { c.hba = append(c.hba, lines...) }
}

// WithConf sets a parameter in postgresql.conf; value is written as a quoted
// string. Later settings override earlier ones and the package's own.
func WithConf(name, value string) Option {
	return func(c *config) { c.conf = append(c.conf, [2]string{name, value}) }
}

// WithUser creates a role that may log in and replicate. method is how it must
// authenticate over TCP: "scram-sha-256" or "md5", which is also how the password
// is stored, or "password" for the password in clear. With an empty method the
// role is trusted. Lines of WithHBA come before that rule.
func WithUser(name, password, method string) Option {
	return func(c *config) { c.users = append(c.users, role{name, password, method}) }
}

// hbaFile returns the whole pg_hba.conf.
func (c *config) hbaFile() string {
	lines := []string{"local all,replication " + superUser + " trust"}
	lines = append(lines, c.hba...)
	for _, u := range c.users {
		if u.method != "" {
			lines = append(lines, fmt.Sprintf("host all,replication %s all %s", quoteIdent(u.name), u.method))
		}
	}
	lines = append(lines,
		"local all,replication all trust",
		"host all,replication all 127.0.0.1/32 trust",
		"host all,replication all ::1/128 trust")
	return strings.Join(lines, "\n") + "\n"
}

// confFile returns what is appended to postgresql.conf.
func (c *config) confFile(socketDir string, port int) string {
	settings := [][2]string{
		{"listen_addresses", "127.0.0.1"},
		{"port", fmt.Sprint(port)},
		{"unix_socket_directories", socketDir},
		{"fsync", "off"},
		{"synchronous_commit", "off"},
		{"full_page_writes", "off"},
		{"shared_buffers", "16MB"},
		{"timezone", "UTC"},
		{"log_timezone", "UTC"},
		{"lc_messages", "C"},
	}
	if c.ssl {
		settings = append(settings, [][2]string{
			{"ssl", "on"},
			{"ssl_cert_file", certName},
			{"ssl_key_file", keyName},
		}...)
	}
	var b strings.Builder
	for _, s := range append(settings, c.conf...) {
		fmt.Fprintf(&b, "%s = %s\n", s[0], quoteLiteral(s[1]))
	}
	return b.String()
}

func (u role) createSQL() string {
	sql := "CREATE ROLE " + quoteIdent(u.name) + " LOGIN REPLICATION"
	if u.password != "" {
		sql += " PASSWORD " + quoteLiteral(u.password)
	}
	encryption := "scram-sha-256"
	if u.method == "md5" {
		encryption = "md5"
	}
	return "SET password_encryption = " + quoteLiteral(encryption) + "; " + sql
}

func quoteIdent(s string) string   { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
func quoteLiteral(s string) string { return `'` + strings.ReplaceAll(s, `'`, `''`) + `'` }
