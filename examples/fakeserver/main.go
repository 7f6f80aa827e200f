// Command fakeserver plays a PostgreSQL server for tests of programs. ANSWERS.json holds,
// for each query that it knows, "columns", "rows", "tag", and "parameters": the OIDs of
// their types.
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

func main() {
	listen := flag.String("listen", "127.0.0.1:6432", "`address` to listen at")
	flag.Parse()
	var answers map[string]answer
	b, err := os.ReadFile(flag.Arg(0))
	l, err2 := net.Listen("tcp", *listen)
	if err = errors.Join(err, err2, json.Unmarshal(b, &answers)); err != nil {
		log.Fatal(err)
	}
	for {
		if conn, err := l.Accept(); err == nil {
			go func() { log.Print("a client has left: ", serve(conn, answers)) }()
		}
	}
}

// serve talks to one client until it hangs up or breaks the protocol.
func serve(conn net.Conn, answers map[string]answer) error {
	defer func() { _ = conn.Close() }()
	write := func(_ messages.Message, wire []byte) error { _, err := conn.Write(wire); return err }
	pg := connection.NewBackend(connection.MaxMessageSize(1<<20), connection.OnSend(write))
	named, failed := map[string]answer{}, false // after a failure all is passed over until a Sync
	for m, err := range pg.Read(conn) {
		if err != nil { // out of order, or not the protocol at all
			_, _ = pg.Send(messages.NewError("FATAL", "08P01", err.Error()))
			return err
		}
		if k := m.Kind(); k == messages.KindFlush || k == messages.KindTerminate || failed && k != messages.KindSync {
			continue
		}
		for _, reply := range replies(m, answers, named) {
			if _, err := pg.Send(reply); err != nil {
				return err
			}
			failed = reply.Kind() == messages.KindErrorResponse
		}
	}
	return nil
}

// replies answers a request. named holds the statements and portals by S or P and name.
func replies(m messages.Message, answers, named map[string]answer) (list []messages.Message) {
	switch m := m.(type) {
	case *messages.SSLRequest:
		return append(list, &messages.SSLResponse{}) // no TLS
	case *messages.StartupMessage:
		list = append(list, &messages.AuthenticationOk{})
		list = append(list, &messages.ParameterStatus{Name: []byte("client_encoding"), Value: []byte("UTF8")})
		list = append(list, &messages.ParameterStatus{Name: []byte("standard_conforming_strings"), Value: []byte("on")})
	case *messages.Query:
		list = answers[string(m.SQL)].replies(false, true, true)
	case *messages.Parse:
		named["S"+string(m.Statement)] = answers[string(m.SQL)]
		return append(list, &messages.ParseComplete{})
	case *messages.Bind:
		named["P"+string(m.Portal)] = named["S"+string(m.Statement)]
		return append(list, &messages.BindComplete{})
	case *messages.Describe:
		return named[string(m.Target)+string(m.Name)].replies(m.Target == messages.TargetStatement, true, false)
	case *messages.Execute:
		return named["P"+string(m.Portal)].replies(false, false, true)
	case *messages.Close:
		return append(list, &messages.CloseComplete{})
	}
	return append(list, &messages.ReadyForQuery{Status: messages.TxIdle})
}

type answer struct { // what the server says to a query
	Parameters []uint32
	Columns    []string
	Rows       [][]string
	Tag        string
}

func (a answer) replies(parameters, columns, result bool) (list []messages.Message) {
	if a.Tag == "" {
		return append(list, messages.NewError("ERROR", "0A000", "no answer is known"))
	}
	if parameters {
		list = append(list, &messages.ParameterDescription{ParameterOIDs: a.Parameters})
	}
	if columns && a.Columns != nil {
		list = append(list, messages.TextColumns(a.Columns...))
	} else if !result {
		list = append(list, &messages.NoData{})
	}
	if !result {
		return list
	}
	for _, row := range a.Rows {
		list = append(list, messages.TextRow(row...))
	}
	return append(list, &messages.CommandComplete{Tag: []byte(a.Tag)})
}
