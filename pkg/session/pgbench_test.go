package session

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// relay stands between clients and a server, and tells sessions what passes, in
// causal order: each piece before it is passed on.
type relay struct {
	sync.Mutex
	*recorder
	shared   *Shared
	frame    uint64
	sessions []*Session
	done     sync.WaitGroup
	server   string
	listener net.Listener
}

func newRelay(t *testing.T, server string) *relay {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{recorder: &recorder{}, server: server, listener: l}
	r.shared = NewShared(Config{Exchanges: true}, exchange.Limits{}, r)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r.Lock()
			r.frame++
			s := r.shared.New(Opening{ID: uint64(len(r.sessions) + 1), At: r.stamp()})
			r.sessions = append(r.sessions, s)
			r.Unlock()
			r.done.Add(1)
			go r.pass(c, s)
		}
	}()
	t.Cleanup(func() { _ = l.Close() })
	return r
}

func (r *relay) stamp() Stamp { return Stamp{Time: time.Now().UnixNano(), Frame: r.frame} }

func (r *relay) pass(client net.Conn, s *Session) {
	defer r.done.Done()
	server, err := net.Dial("tcp", r.server)
	if err != nil {
		_ = client.Close()
		return
	}
	var both sync.WaitGroup
	both.Add(2)
	go r.copy(&both, s, messages.Frontend, server, client)
	go r.copy(&both, s, messages.Backend, client, server)
	both.Wait()
	r.Lock()
	s.End(EndFIN, r.stamp(), Traffic{})
	r.Unlock()
}

func (r *relay) copy(done *sync.WaitGroup, s *Session, d messages.Direction, to, from net.Conn) {
	defer done.Done()
	defer func() { _ = to.Close() }()
	b := make([]byte, 16<<10)
	for {
		n, err := from.Read(b)
		if n > 0 {
			r.Lock()
			r.frame++
			s.Data(d, b[:n], r.stamp())
			r.Unlock()
			if _, err := to.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// wait ends the capture.
func (r *relay) wait() {
	r.done.Wait()
	_ = r.listener.Close()
	r.shared.Finish()
}

var processed = regexp.MustCompile(`number of transactions actually processed: (\d+)`)

// pgbench's own count of transactions is that of its connections.
func TestTransactionsOfPgbench(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a server")
	}
	server := pgtest.Start(t)
	pgbench := pgtest.Tool(t, "pgbench")
	pipelined := filepath.Join(t.TempDir(), "pipelined")
	if err := os.WriteFile(pipelined, []byte("\\startpipeline\nSELECT 1;\nSELECT 2;\n\\endpipeline\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	address := net.JoinHostPort(server.Host, strconv.Itoa(server.Port))
	bench := func(address string, args ...string) string {
		host, port, _ := net.SplitHostPort(address)
		args = append([]string{"-h", host, "-p", port, "-U", server.SuperUser, "-n"}, args...)
		out, err := exec.Command(pgbench, append(args, "postgres")...).CombinedOutput()
		if err != nil {
			t.Fatalf("pgbench %q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	bench(address, "-i", "-q")
	for _, mode := range []string{"simple", "extended", "prepared"} {
		for script, queries := range map[string]uint64{"-btpcb-like": 7, "-bselect-only": 1, "-f" + pipelined: 2} {
			if mode == "simple" && queries == 2 {
				continue // there are no pipelines in it
			}
			t.Run(mode+" "+filepath.Base(script), func(t *testing.T) {
				r := newRelay(t, address)
				const clients = 3
				out := bench(r.listener.Addr().String(), "-M", mode, script, "-c", strconv.Itoa(clients), "-t", "20")
				r.wait()
				m := processed.FindStringSubmatch(out)
				if m == nil {
					t.Fatalf("no count in\n%s", out)
				}
				var got exchange.Totals
				for i, total := range r.totals {
					if i < len(r.totals)-clients {
						continue // the connection that asks for the scale comes first, and ends first
					}
					got.Transactions += total.Transactions
					got.Queries += total.Queries
				}
				if fmt.Sprint(got.Transactions) != m[1] {
					t.Errorf("%d transactions in %d queries, pgbench says %s", got.Transactions, got.Queries, m[1])
				}
				for _, x := range r.exchanges {
					if strings.Contains(x, "incomplete") || strings.Contains(x, "error=") {
						t.Errorf("exchange %s", x)
					}
				}
				if want := queries * got.Transactions; got.Queries != want {
					t.Errorf("%d queries, want %d", got.Queries, want)
				}
			})
		}
	}
}
