// Command pgclient runs commands on a PostgreSQL server: an example of a client
// on connection.FrontendConnection.
//
//	pgclient [-addr HOST:PORT] [-user USER] [-database NAME] [-pipeline] SQL [PARAMETER...]
//
// With parameters, or with -pipeline, where each argument is a command, it uses
// the extended query protocol. COPY FROM STDIN reads standard input, COPY TO
// STDOUT writes to standard output. The password is taken from PGPASSWORD. There
// is no encryption: it is made for the loopback interface.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"os"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "pgclient:", err)
		os.Exit(1)
	}
}

func run() error {
	addr := flag.String("addr", "127.0.0.1:5432", "the server's `address`")
	user := flag.String("user", "postgres", "log in as this `role`")
	database := flag.String("database", "postgres", "`name` of the database")
	pipeline := flag.Bool("pipeline", false, "run all arguments as commands of one pipeline")
	flag.Parse()
	args := flag.Args()
	if len(args) == 0 {
		return fmt.Errorf("nothing to run; see -help")
	}
	c, err := Connect(*addr, *user, *database, os.Getenv("PGPASSWORD"))
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	stdout := bufio.NewWriter(os.Stdout)
	c.CopyIn, c.CopyOut = os.Stdin, stdout

	var results []Result
	switch {
	case *pipeline:
		results, err = c.Pipeline(args...)
	case len(args) > 1:
		results, err = c.Query(args[0], args[1:]...)
	default:
		results, err = c.Simple(args[0])
	}
	for _, r := range results {
		for _, row := range r.Rows {
			for i, value := range row {
				if i > 0 {
					fmt.Fprint(stdout, "\t")
				}
				fmt.Fprintf(stdout, "%s", value)
			}
			fmt.Fprintln(stdout)
		}
		fmt.Fprintln(stdout, r.Tag)
	}
	if err != nil {
		_ = stdout.Flush()
		return err
	}
	return stdout.Flush()
}
