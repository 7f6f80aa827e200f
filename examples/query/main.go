// Command query runs a command on a PostgreSQL server, with parameters if there are
// any, and prints the rows. The password is taken from PGPASSWORD; a server that does
// not prove that it knows it does not get it.
//
//	query -addr HOST:PORT -user USER SQL [PARAMETER...]
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"

	"github.com/pgsniff/pgsniff/pkg/client"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:5432", "`address` of the server")
	user := flag.String("user", "postgres", "`role` to log in as")
	flag.Parse()
	config := client.Config{User: *user, Database: "postgres", Password: os.Getenv("PGPASSWORD"), ApplicationName: "query"}
	if config.Password != "" {
		config.RequireAuth = client.AuthSCRAM
	}
	if err := run(*addr, config, os.Stdout, flag.Arg(0), flag.Args()[min(1, flag.NArg()):]...); err != nil {
		log.Fatal(err)
	}
}

// run connects, runs one command and says goodbye.
func run(addr string, config client.Config, w io.Writer, sql string, parameters ...string) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	s := session{conn: conn, c: client.New(config), w: w}
	if err := s.do(s.c.DoStartup()); err != nil {
		return err
	}
	if len(parameters) == 0 {
		err = s.do(s.c.DoSimpleQuery(sql))
	} else if err = s.do(s.c.DoPrepare("", sql)); err == nil {
		var arguments []any
		for _, p := range parameters {
			arguments = append(arguments, p)
		}
		err = s.do(s.c.DoBindExecute(s.prepared, arguments, client.ExecuteOptions{}))
	}
	if goodbye, end := s.c.DoTerminate(); end == nil {
		_, _ = conn.Write(goodbye)
	}
	return err
}

type session struct {
	conn     net.Conn
	c        *client.Client
	w        io.Writer
	prepared *client.PreparedStatement
}

// do runs a request to its end.
func (s *session) do(request []byte, err error) (failure error) {
	if err != nil {
		return err
	}
	for event, err := range s.c.Run(s.conn, request) {
		if err != nil {
			return err
		}
		switch e := event.(type) {
		case *client.Row:
			values, err := e.Values()
			if err != nil {
				return err
			}
			_, _ = fmt.Fprintln(s.w, values...)
		case *client.PreparedStatement:
			s.prepared = e
		case *client.CommandComplete:
			_, _ = fmt.Fprintln(s.w, e.Tag)
		case *client.ServerError:
			failure = e
		}
	}
	return failure
}
