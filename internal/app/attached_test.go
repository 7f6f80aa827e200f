package app

import (
	"bytes"
	"errors"
	"testing"

	"github.com/pgsniff/pgsniff/internal/attach"
)

// peerless is a source that does not know who is at the other end of Unix sockets.
type peerless struct {
	attach.Source
	why error
}

func (s peerless) Stats() attach.Stats { return attach.Stats{Peerless: s.why} }

// Whoever attaches is told what is left out, and why.
func TestPeerless(t *testing.T) {
	why := errors.New("a reason\x1b[2J")
	const first = "pgsniff: attached to PostgreSQL 18 (pid 7)\n"
	for _, c := range []struct {
		why   error
		quiet bool
		want  string
	}{
		{nil, false, first},
		{why, false, first + `pgsniff: who the clients of Unix sockets are is left out (peer_pid, peer_uid, peer_program): a reason\x1b[2J` + "\n"},
		{why, true, ""},
	} {
		var stderr bytes.Buffer
		r := &run{env: &Env{Err: &stderr}, opt: &Options{}, attached: &attached{Source: peerless{why: c.why}}}
		r.opt.Quiet = c.quiet
		r.attachedTo(attach.Options{}, []attach.Server{{PID: 7, Version: "18"}})
		if got := stderr.String(); got != c.want {
			t.Errorf("%q\nwant %q", got, c.want)
		}
	}
}
