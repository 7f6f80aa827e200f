// Command logproxy stands between clients and a PostgreSQL server and prints what
// they say to each other, with the request that each reply answers.
//
//	logproxy -listen HOST:PORT -server HOST:PORT
package main

import (
	"flag"
	"log"
	"net"
	"os"
	"sync"

	"github.com/pgsniff/pgsniff/pkg/connection"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:6432", "`address` to listen at")
	server := flag.String("server", "127.0.0.1:5432", "`address` of the server")
	flag.Parse()
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(serve(l, *server, log.New(os.Stdout, "", log.Lmicroseconds)))
}

func serve(l net.Listener, server string, log *log.Logger) error {
	for {
		client, err := l.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer func() { _ = client.Close() }()
			upstream, err := net.Dial("tcp", server)
			if err != nil {
				log.Print(err)
				return
			}
			defer func() { _ = upstream.Close() }()
			// Lenient: it watches, and leaves it to the two to say what they do not like.
			p := &proxy{log: log, client: connection.NewBackend(connection.Lenient()), server: connection.NewFrontend(connection.Lenient())}
			go p.pass(client, upstream, client, p.client, p.server)
			p.pass(upstream, client, client, p.server, p.client)
		}()
	}
}

// proxy is one client's way to the server.
type proxy struct {
	log    *log.Logger
	mu     sync.Mutex // guards what follows: each direction has its goroutine
	client *connection.BackendConnection
	server *connection.FrontendConnection
}

// pass reads messages from one side and sends them to the other, until either hangs
// up.
func (p *proxy) pass(from, to, client net.Conn, in, out connection.Connection) {
	defer func() { _ = to.Close() }()
	buf := make([]byte, 32<<10)
	var queue []byte
	for {
		n, err := from.Read(buf)
		p.mu.Lock()
		queue = queue[:0]
		for m, err := range in.Receive(buf[:n]) {
			if err != nil {
				p.log.Printf("! %v", err)
			}
			switch m.(type) {
			case nil:
				p.mu.Unlock()
				return // it cannot be read any further
			case *messages.SSLRequest, *messages.GSSENCRequest:
				refusal, _ := p.client.Send(&messages.SSLResponse{}) // or nobody could read on
				_, _ = client.Write(refusal)
				continue
			}
			queue, _ = out.Append(queue, m)
			if in != connection.Connection(p.server) {
				p.log.Printf("> %v", m)
			} else if request, ok := p.server.Answered(); ok {
				p.log.Printf("< %v (to %v, unit %d)", m, request.Kind, request.Exchange)
			} else {
				p.log.Printf("< %v", m)
			}
		}
		p.mu.Unlock()
		if _, failed := to.Write(queue); failed != nil || err != nil {
			return
		}
	}
}
