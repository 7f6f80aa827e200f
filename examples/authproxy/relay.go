package main

import (
	"errors"
	"io"
	"os"
	"time"
)

// relay passes on messages in both directions until one side hangs up or breaks
// the protocol.
func (s *session) relay() error {
	type end struct {
		err        error
		fromServer bool
	}
	ends := make(chan end, 2)
	go func() { ends <- end{s.pump(&s.client, &s.server), false} }()
	go func() { ends <- end{s.pump(&s.server, &s.client), true} }()
	first := <-ends
	now := time.Now()
	if first.fromServer {
		_ = s.client.net.SetReadDeadline(now)
	} else {
		_ = s.server.net.SetDeadline(now)
	}
	second := <-ends
	if errors.Is(first.err, io.EOF) && !errors.Is(second.err, os.ErrDeadlineExceeded) {
		return second.err
	}
	return first.err
}

// pump passes on what from says.
func (s *session) pump(from, to *peer) error {
	var data []byte // what came before this began is in the connection
	for {
		if err := s.pass(from, to, data); err != nil {
			return err
		}
		n, err := from.net.Read(from.in)
		if n == 0 && err != nil {
			return err
		}
		data = from.in[:n]
	}
}

// pass passes on one chunk. Both connections see all messages in the same order;
// only writing is left out of the lock, so that a side which does not read holds
// up nothing but its own direction.
func (s *session) pass(from, to *peer, data []byte) error {
	s.mu.Lock()
	err := error(nil)
	for m, broken := range from.pg.Receive(data) {
		if err = broken; err == nil {
			err = to.send(m)
		}
		if err != nil {
			break
		}
	}
	s.mu.Unlock()
	return errors.Join(to.flush(), err)
}
