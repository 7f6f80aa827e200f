package app

import (
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/overview"
	"github.com/pgsniff/pgsniff/internal/screen"
	"github.com/pgsniff/pgsniff/internal/test/hostile"
	"github.com/pgsniff/pgsniff/internal/test/steptest"
)

// costOf names what TestScreenCostOf is to do: it runs in a process of its own, in which
// statements are counted.
const costOf = "PGSNIFF_COST_OF"

// The queries of preparedServer, and the frames that are drawn meanwhile.
const (
	costRate    = 40_000 // a second
	costFrames  = 4
	costSeconds = 5 // in the first one it is not known yet how many come
)

// preparedServer is the packets of 40,000 prepared queries a second, as pgbench asks them.
// It has frame called when a frame is due.
func preparedServer(frame func()) io.Reader {
	const conns, all = 4, costSeconds * costRate
	var open []*hostile.Conn
	n := 0
	return hostile.Stream(func(p *hostile.Packets) bool {
		for len(open) < conns {
			c := hostile.NewConn(uint32(len(open)))
			p.Open(c)
			p.Send(c, hostile.Client, hostile.Startup("user", "u", "database", "d", "application_name", "pgbench"))
			p.Send(c, hostile.Server, hostile.Authenticated(len(open)+1))
			p.Send(c, hostile.Client, join(hostile.Parse("P0", "select abalance from pgbench_accounts where aid = $1"), hostile.Sync()))
			p.Send(c, hostile.Server, join(hostile.Message('1'), hostile.Ready()))
			open = append(open, c)
		}
		if n%(costRate/costFrames) == 0 {
			frame()
		}
		c := open[n%conns]
		p.Send(c, hostile.Client, join(hostile.Bind("", "P0", fmt.Sprint(n*7919%100_000)), hostile.Message('D', hostile.String("P")), hostile.Execute(""), hostile.Sync()))
		p.Now += 12_000
		p.Send(c, hostile.Server, join(hostile.Message('2'), hostile.Columns("abalance"), hostile.Row("0"), hostile.Complete("SELECT 1"), hostile.Ready()))
		p.Now += int64(time.Second)/costRate - 12_000
		n++
		return n < all
	})
}

// drawn runs top on a terminal of 200 columns and 50 lines, whose frames come when the
// capture's time is there for them.
type drawn struct {
	frame chan chan time.Time
	out   atomic.Int64
	ended chan error
}

func (d *drawn) Write(b []byte) (int, error) {
	d.out.Add(int64(len(b)))
	return len(b), nil
}

// begin shows what a collector knows, until no more keys come.
func (d *drawn) begin(data *overview.Collector, keys io.Reader) {
	d.frame, d.ended = make(chan chan time.Time, 1), make(chan error, 1)
	opt := screen.Options{
		Data: data, Title: "lo", Live: true, In: keys, Out: d, Color: true, Size: func() (int, int) { return 200, 50 },
		After: func(time.Duration) <-chan time.Time {
			c := make(chan time.Time, 1)
			d.frame <- c
			return c
		},
	}
	go func() { d.ended <- screen.Run(opt) }()
}

// next has a frame drawn. It waits until the one before is.
func (d *drawn) next() { (<-d.frame) <- time.Time{} }

// TestScreenCostOf is what TestScreenCost has counted.
func TestScreenCostOf(t *testing.T) {
	switch os.Getenv(costOf) {
	case "":
		t.Skip("TestScreenCost runs it")
	case "top":
		d := &drawn{}
		keys, typing := io.Pipe()
		s := screenRunOf(true, preparedServer(d.next))
		s.opt.Workers = 1 // as live traffic has
		d.begin(s.data, keys)
		if err := runRead(s.env, s.opt, []string{"-"}); err != nil {
			t.Fatal(err)
		}
		if got := s.data.Summary().Calls; got < costSeconds*costRate {
			t.Errorf("%d queries", got)
		}
		_, _ = typing.Write([]byte("q"))
		if err := <-d.ended; err != nil || d.out.Load() < 2000 {
			t.Errorf("%v, %d bytes were drawn", err, d.out.Load())
		}
	case "packets": // what it takes to make them
		if _, err := io.Copy(io.Discard, preparedServer(func() {})); err != nil {
			t.Error(err)
		}
	case "stats":
		env := &Env{In: preparedServer(func() {}), Out: io.Discard, Err: io.Discard, Now: time.Now, Width: func() int { return 0 }, Getenv: func(string) string { return "" }}
		if code := Run(env, []string{"read", "-", "--view", "stats", "--workers", "1"}); code != ExitOK {
			t.Errorf("exit %d", code)
		}
	}
}

// TestScreenCost holds that a query of 40,000 a second takes top, with four frames a
// second on a large screen, no more statements of the program than --view stats and a
// tenth, though the first second, in which each one is looked at closer, is among it.
func TestScreenCost(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the tests with counters")
	}
	program := steptest.BuildTests(t, "../..", "./internal/app")
	count := func(of string) uint64 {
		t.Setenv(costOf, of)
		return program.Run(t, nil, "-test.run=^TestScreenCostOf$")
	}
	packets := count("packets")
	stats, top := count("stats")-packets, count("top")-packets
	t.Logf("stats: %d statements, top: %d, %.1f %%", stats, top, 100*float64(top)/float64(stats))
	if least := uint64(1000 * costSeconds * costRate); stats < least || top > stats+stats/10 {
		t.Errorf("top takes %d statements where stats takes %d", top, stats)
	}
}
