package main

import (
	"bytes"
	"errors"
	"net"
	"strconv"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
	"github.com/pgsniff/pgsniff/pkg/client"
)

func TestQueries(t *testing.T) {
	for _, version := range []int{0, 18} {
		options := []pgtest.Option{
			pgtest.WithUser("alice", "pw-scram", "scram-sha-256"), pgtest.WithUser("clear", "pw-clear", "password"),
		}
		if version > 0 {
			options = append(options, pgtest.WithVersion(version))
		}
		t.Run(strconv.Itoa(version), func(t *testing.T) {
			s := pgtest.Start(t, options...)
			addr := net.JoinHostPort(s.Host, strconv.Itoa(s.Port))
			alice := client.Config{User: "alice", Password: "pw-scram", Database: "postgres", RequireAuth: client.AuthSCRAM}
			for _, tt := range []struct {
				config     client.Config
				sql        string
				parameters []string
				want, code string
			}{
				{alice, "SELECT current_user, NULL; SELECT 2", nil, "alice <nil>\nSELECT 1\n2\nSELECT 1\n", ""},
				{alice, "SELECT $1::int + $2::int", []string{"40", "2"}, "42\nSELECT 1\n", ""},
				{alice, "SELECT 1/0", nil, "", "22012"},
				{alice, "SELECT $1::int/0", []string{"1"}, "", "22012"},
				{client.Config{User: "alice", Password: "wrong", Database: "postgres"}, "SELECT 1", nil, "", "28P01"},
			} {
				var out bytes.Buffer
				err := run(addr, tt.config, &out, tt.sql, tt.parameters...)
				var e *client.ServerError
				errors.As(err, &e)
				if out.String() != tt.want || (err != nil) != (tt.code != "") || tt.code != "" && (e == nil || e.SQLState != tt.code) {
					t.Errorf("%s %q: %q, %v", tt.sql, tt.parameters, out.String(), err)
				}
			}
			stranger := client.Config{User: "clear", Password: "pw-clear", Database: "postgres", RequireAuth: client.AuthSCRAM}
			if err := run(addr, stranger, new(bytes.Buffer), "SELECT 1"); !errors.Is(err, client.ErrMethodRefused) {
				t.Errorf("a server that asks for the password in clear: %v", err)
			}
		})
	}
}
