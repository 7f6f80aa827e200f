//go:build linux && (amd64 || arm64)

package attach_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/attach"
	"github.com/pgsniff/pgsniff/internal/test/pgtest"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// versions are those that the tests run: with different OpenSSL, one from a
// distribution and one relocated.
var versions = []int{15, 18}

// postmaster is the pid of a server.
func postmaster(t testing.TB, s *pgtest.Server) int {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(s.DataDir, "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// seen is what was seen of a connection.
type seen struct {
	conn    attach.Conn // as it was last
	data    [2][]byte
	order   strings.Builder // F and B for each turn
	kinds   []attach.Kind
	missing [2]int64
	work    []attach.Work
	closed  bool
}

// recorder collects what a source gives, in a goroutine of its own.
type recorder struct {
	t      testing.TB
	source attach.Source
	done   chan struct{}
	asked  chan func() // what is to be done with the source, by the goroutine it belongs to
	mu     sync.Mutex
	conns  map[uint64]*seen
	last   int64 // time
}

// record attaches to a server. Where this system cannot, the test is skipped, or fails
// if CI=true.
func record(t testing.TB, s *pgtest.Server) *recorder {
	t.Helper()
	return recordProgram(t, filepath.Join(s.BinDir, "postgres"), postmaster(t, s))
}

func recordProgram(t testing.TB, program string, servers ...int) *recorder {
	t.Helper()
	return recordWith(t, attach.Options{Programs: []string{program}, Servers: servers, Times: true})
}

func recordWith(t testing.TB, opt attach.Options) *recorder {
	t.Helper()
	source, err := attach.Open(opt)
	var own *attach.Error
	switch {
	case errors.As(err, &own) && os.Getenv("CI") != "true":
		t.Skipf("this test attaches to a server: %v", err)
	case err != nil:
		t.Fatal(err)
	}
	r := &recorder{t: t, source: source, done: make(chan struct{}), asked: make(chan func()), conns: make(map[uint64]*seen)}
	go r.run()
	t.Cleanup(func() {
		source.Stop()
		<-r.done
		if err := source.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func (r *recorder) run() {
	defer close(r.done)
	var e attach.Event
	for {
		switch err := r.source.Next(&e); {
		case err == nil:
			r.take(&e)
		case errors.Is(err, attach.ErrNoEvent):
			select {
			case f := <-r.asked:
				f()
			default:
			}
			if err := r.source.Wait(time.Second); err != nil {
				r.t.Error(err)
				return
			}
		case errors.Is(err, io.EOF):
			return
		default:
			r.t.Error(err)
			return
		}
	}
}

func (r *recorder) take(e *attach.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.conns[e.Conn.ID]
	if c == nil {
		c = &seen{}
		r.conns[e.Conn.ID] = c
		if e.Kind != attach.Opened {
			r.t.Errorf("connection %d begins with %v", e.Conn.ID, e.Kind)
		}
	}
	if c.closed {
		r.t.Errorf("connection %d: %v after its end", e.Conn.ID, e.Kind)
	}
	c.conn = *e.Conn
	c.kinds = append(c.kinds, e.Kind)
	switch e.Kind {
	case attach.Data:
		c.data[e.Dir] = append(c.data[e.Dir], e.Data...)
		if letter := "FB"[e.Dir]; !strings.HasSuffix(c.order.String(), string(letter)) {
			c.order.WriteByte(letter)
		}
	case attach.Gap:
		c.missing[e.Dir] += e.N
	case attach.Worked:
		c.work = append(c.work, *e.Work)
	case attach.Closed:
		c.closed = true
	}
	r.last = e.Time
}

// stop ends the recording; the connections are then the caller's alone.
func (r *recorder) stop() []*seen {
	r.t.Helper()
	r.source.Stop()
	<-r.done
	if st := r.source.Stats(); st.Lost != 0 || st.Unreadable != 0 || st.Crowded != 0 {
		r.t.Errorf("not all was seen: %+v", st)
	}
	list := make([]*seen, 0, len(r.conns))
	for id := uint64(1); id <= uint64(len(r.conns)); id++ {
		list = append(list, r.conns[id])
	}
	return list
}

// tend calls the source's Tend.
func (r *recorder) tend() (err error) {
	done := make(chan struct{})
	r.asked <- func() { err = r.source.Tend(); close(done) }
	<-done
	return err
}

// ended waits until n connections are over.
func (r *recorder) ended(n int) []*seen {
	r.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		r.mu.Lock()
		closed := 0
		for _, c := range r.conns {
			if c.closed {
				closed++
			}
		}
		r.mu.Unlock()
		if closed >= n {
			return r.stop()
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%d of %d connections are over", closed, n)
		}
	}
}

// wait waits until what is true of one of the connections.
func (r *recorder) wait(what string, is func(*seen) bool) {
	r.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		r.mu.Lock()
		met := false
		for _, c := range r.conns {
			met = met || is(c)
		}
		r.mu.Unlock()
		if met {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("it never came about that %s", what)
		}
	}
}

// asked reports whether the connection's client sent these bytes as a Query.
func (c *seen) asked(sql string) bool {
	return strings.Contains(string(c.data[messages.Frontend]), sql+"\x00")
}
