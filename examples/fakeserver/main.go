// Command fakeserver plays a PostgreSQL server for tests of programs. ANSWERS.json
// holds, for each query that it knows, "columns", "rows" and "tag".
//
//	fakeserver -listen HOST:PORT ANSWERS.json
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"log"
	"net"
	"os"

	"github.com/pgsniff/pgsniff/pkg/connection"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

type answer struct { // what the server says to a query
	Columns []string
	Rows    [][]string
	Tag     string
}

func main() {
	listen := flag.String("listen", "127.0.0.1:6432", "`address` to listen at")
	flag.Parse()
	answers := map[string]answer{}
	b, err := os.ReadFile(flag.Arg(0))
	if err == nil {
		err = json.Unmarshal(b, &answers)
	}
	l, err2 := net.Listen("tcp", *listen)
	if err = errors.Join(err, err2); err != nil {
		log.Fatal(err)
	}
	for {
		if conn, err := l.Accept(); err == nil {
			go func() { log.Print(serve(conn, answers)) }()
		}
	}
}

// serve talks to one client until it hangs up or breaks the protocol.
func serve(conn net.Conn, answers map[string]answer) error {
	defer func() { _ = conn.Close() }()
	write := func(_ messages.Message, wire []byte) error { _, err := conn.Write(wire); return err }
	pg := connection.NewBackend(connection.MaxMessageSize(1<<20), connection.OnSend(write))
	statements := map[string]string{} // texts by name
	for m, err := range pg.Read(conn) {
		if err != nil { // out of order, or not the protocol at all
			_, _ = pg.Send(messages.NewError("FATAL", "08P01", err.Error()))
			return err
		}
		for _, reply := range replies(m, answers, statements) {
			if _, err := pg.Send(reply); err != nil {
				return err
			}
		}
	}
	return nil
}

func replies(m messages.Message, answers map[string]answer, statements map[string]string) []messages.Message {
	idle := &messages.ReadyForQuery{Status: messages.TxIdle}
	switch m := m.(type) {
	case *messages.SSLRequest:
		return []messages.Message{&messages.SSLResponse{}} // no TLS
	case *messages.StartupMessage:
		return []messages.Message{&messages.AuthenticationOk{}, idle}
	case *messages.Query:
		return append(answers[string(m.SQL)].replies(true), idle)
	case *messages.Parse:
		statements[string(m.Statement)] = string(m.SQL)
		return []messages.Message{&messages.ParseComplete{}}
	case *messages.Bind:
		statements[""] = statements[string(m.Statement)] // what the portal runs
		return []messages.Message{&messages.BindComplete{}}
	case *messages.Describe:
		return []messages.Message{messages.TextColumns(answers[statements[""]].Columns...)}
	case *messages.Execute:
		return answers[statements[""]].replies(false)
	case *messages.Sync:
		return []messages.Message{idle}
	}
	return nil
}

func (a answer) replies(described bool) (list []messages.Message) {
	if a.Tag == "" {
		return []messages.Message{messages.NewError("ERROR", "0A000", "no answer is known")}
	}
	if described && a.Columns != nil {
		list = append(list, messages.TextColumns(a.Columns...))
	}
	for _, row := range a.Rows {
		list = append(list, messages.TextRow(row...))
	}
	return append(list, &messages.CommandComplete{Tag: []byte(a.Tag)})
}
