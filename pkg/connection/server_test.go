package connection_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
	"github.com/pgsniff/pgsniff/pkg/connection"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// talk is a conversation with a real server, watched from both sides by strict
// connections and by a lenient one: what the server does is in order.
type talk struct {
	t          *testing.T
	net        net.Conn
	front, lax *connection.FrontendConnection
	back       *connection.BackendConnection
	log        []string
	odd        int
}

func (k *talk) oddity(format string, args ...any) {
	k.odd++
	k.log = append(k.log, "! "+fmt.Sprintf(format, args...))
}

// send writes messages. A COPY that has failed may be learned of before its data is
// sent: then they are refused here, and the server drops them.
func (k *talk) send(list ...messages.Message) {
	var out []byte
	for _, m := range list {
		b, err := k.front.Send(m)
		if err != nil {
			if _, data := m.(*messages.CopyData); !data && m.Kind() != messages.KindCopyDone && m.Kind() != messages.KindCopyFail {
				k.oddity("sending %v: %v", m, err)
			}
			continue
		}
		out = append(out, b...)
		k.log = append(k.log, "> "+m.Kind().String())
		for m, err := range k.back.Receive(b) {
			if err != nil {
				k.oddity("the backend's side of %v: %v", m, err)
			}
		}
		if _, err := k.lax.Send(m); err != nil {
			k.oddity("lenient, sending %v: %v", m, err)
		}
	}
	if _, err := k.net.Write(out); err != nil {
		k.t.Fatal(err)
	}
}

// read takes what comes until stop says so, or nothing has come for a while.
func (k *talk) read(wait time.Duration, stop func(messages.Message) bool) {
	buf := make([]byte, 32<<10)
	for {
		_ = k.net.SetReadDeadline(time.Now().Add(wait))
		n, err := k.net.Read(buf)
		stopped := false
		for m, err := range k.front.Receive(buf[:n]) {
			if err != nil {
				k.oddity("receiving %v: %v", m, err)
			}
			if m == nil {
				return
			}
			k.log = append(k.log, "< "+m.Kind().String())
			if _, err := k.back.Send(m); err != nil {
				k.oddity("the backend's side of %v: %v", m, err)
			}
			for m, err := range k.lax.Receive(m.Append(nil)) {
				if err != nil {
					k.oddity("lenient, receiving %v: %v", m, err)
				}
			}
			stopped = stopped || stop(m)
		}
		if stopped {
			return
		}
		if err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				k.oddity("the end: %v", err)
			}
			return
		}
	}
}

func (k *talk) until(kind messages.Kind) {
	k.read(10*time.Second, func(m messages.Message) bool { return m.Kind() == kind })
}

// answered reads until a query has been answered whose only value this is: a server may
// take longer than a drain waits.
func (k *talk) answered(value string) {
	seen := false
	k.read(10*time.Second, func(m messages.Message) bool {
		row, ok := m.(*messages.DataRow)
		seen = seen || ok && string(row.Values[0]) == value
		return seen && m.Kind() == messages.KindReadyForQuery
	})
}

// drain takes what comes soon, so that requests cross replies at other places.
func (k *talk) drain() { k.read(60*time.Millisecond, func(messages.Message) bool { return false }) }

// begin opens a connection; replication is a further startup parameter, if not empty.
func begin(t *testing.T, s *pgtest.Server, replication string) *talk {
	t.Helper()
	conn, err := net.Dial("tcp", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	k := &talk{
		t: t, net: conn, front: connection.NewFrontend(), lax: connection.NewFrontend(connection.Lenient()), back: connection.NewBackend(),
	}
	parameters := []string{"user", s.SuperUser, "database", "postgres"}
	if replication != "" {
		parameters = append(parameters, "replication", replication)
	}
	m := &messages.StartupMessage{}
	for i := 0; i < len(parameters); i += 2 {
		m.Parameters = append(m.Parameters, messages.Pair{Name: []byte(parameters[i]), Value: []byte(parameters[i+1])})
	}
	k.send(m)
	k.until(messages.KindReadyForQuery)
	return k
}

func query(sql string) messages.Message { return &messages.Query{SQL: []byte(sql)} }

func extended(sql string) []messages.Message {
	return []messages.Message{&messages.Parse{SQL: []byte(sql)}, &messages.Bind{}, &messages.Execute{}}
}

func (k *talk) check(what string) {
	k.t.Helper()
	outstanding := 0
	for range k.front.Outstanding() {
		outstanding++
	}
	if k.odd > 0 || !k.front.IsReady() || !k.back.IsReady() || !k.lax.IsReady() || outstanding > 0 {
		k.t.Errorf("%s: ready %v, %v, %v, %d outstanding\n%s", what, k.front.IsReady(), k.back.IsReady(), k.lax.IsReady(),
			outstanding, strings.Join(k.log, "\n"))
	}
}

func onServers(t *testing.T, test func(t *testing.T, s *pgtest.Server)) {
	t.Run("any", func(t *testing.T) { test(t, pgtest.Start(t)) })
	t.Run("18", func(t *testing.T) { test(t, pgtest.Start(t, pgtest.WithVersion(18))) })
}

// A COPY IN fails, or does not, while its frontend sends data, Syncs and further work.
func TestServersAroundCopy(t *testing.T) {
	conversations := uint64(40)
	if testing.Short() {
		conversations = 8
	}
	sync := &messages.Sync{}
	onServers(t, func(t *testing.T, s *pgtest.Server) {
		for seed := range conversations {
			r := rand.New(rand.NewPCG(seed, 1))
			k := begin(t, s, "")
			k.send(query("CREATE TEMP TABLE x (a int)"))
			k.until(messages.KindReadyForQuery)
			isExtended := r.IntN(3) > 0
			if isExtended {
				k.send(extended("COPY x FROM STDIN")...)
				k.send([]messages.Message{sync, &messages.Flush{}}[r.IntN(2)])
			} else {
				k.send(query("COPY x FROM STDIN"))
			}
			k.until(messages.KindCopyInResponse)
			var list []messages.Message
			for range r.IntN(5) {
				list = append(list, []messages.Message{
					&messages.CopyData{Data: []byte("1\n")}, &messages.CopyData{Data: []byte("2\n")},
					&messages.CopyData{Data: []byte("bad\n")}, sync, &messages.Flush{},
				}[r.IntN(5)])
			}
			end := messages.Message(&messages.CopyDone{})
			if r.IntN(6) == 0 {
				end = &messages.CopyFail{Message: []byte("enough")}
			}
			if list = append(list, end); isExtended || r.IntN(3) == 0 {
				list = append(list, sync)
			}
			for range r.IntN(3) {
				switch r.IntN(3) {
				case 0:
					list = append(append(list, extended("SELECT 7")...), sync)
				case 1:
					list = append(list, query("SELECT 8"))
				default:
					list = append(list, sync)
				}
			}
			if i := r.IntN(len(list)); r.IntN(3) == 0 {
				k.send(list[:i]...)
				k.drain()
				list = list[i:]
			}
			k.send(list...)
			k.drain()
			k.send(query("SELECT 99"))
			k.answered("99")
			k.check(fmt.Sprintf("seed %d", seed))
			_ = k.net.Close()
		}
	})
}

// What servers do beyond the manual's flow, or send ahead of it, is in order.
func TestServersAreOdd(t *testing.T) {
	onServers(t, func(t *testing.T, s *pgtest.Server) {
		k := begin(t, s, "true")
		k.send(query("BASE_BACKUP (LABEL 'x', CHECKPOINT 'fast', MANIFEST 'no')"))
		k.until(messages.KindReadyForQuery)
		k.check("base backup")

		k = begin(t, s, "")
		k.send(query("CREATE TEMP TABLE x (a int)"))
		k.until(messages.KindReadyForQuery)
		k.send(query("COPY x FROM STDIN"), &messages.CopyData{Data: []byte("1\n")}, &messages.CopyDone{}, query("SELECT 1"))
		k.answered("1")
		k.check("data before CopyInResponse")

		k.send(append(extended("COPY x FROM STDIN"), &messages.Flush{})...)
		k.until(messages.KindCopyInResponse)
		k.send(&messages.CopyData{Data: []byte("bad\n")}, &messages.Sync{})
		k.until(messages.KindErrorResponse)
		k.send(append(extended("SELECT 7"), &messages.Sync{})...)
		k.answered("7")
		k.check("a Sync that crosses a failing COPY, and work after it")
	})
}
