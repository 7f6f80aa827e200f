package app

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/test/hostile"
	"github.com/pgsniff/pgsniff/internal/test/steptest"
)

// costOf names what TestScreenCostOf is to do, and for how many seconds: it runs in a
// process of its own, in which statements are counted.
const costOf, costSeconds = "PGSNIFF_COST_OF", "PGSNIFF_COST_SECONDS"

// preparedServer is the packets of some seconds of 40,000 prepared queries a second, as
// pgbench asks them.
func preparedServer(seconds int) io.Reader {
	const conns, each = 4, 40_000
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
		c := open[n%conns]
		p.Send(c, hostile.Client, join(hostile.Bind("", "P0", fmt.Sprint(n*7919%100_000)), hostile.Message('D', hostile.String("P")), hostile.Execute(""), hostile.Sync()))
		p.Now += 12_000
		p.Send(c, hostile.Server, join(hostile.Message('2'), hostile.Columns("abalance"), hostile.Row("0"), hostile.Complete("SELECT 1"), hostile.Ready()))
		p.Now += int64(time.Second)/each - 12_000
		n++
		return n < each*seconds
	})
}

// TestScreenCostOf is what TestScreenCost has counted.
func TestScreenCostOf(t *testing.T) {
	seconds, _ := strconv.Atoi(os.Getenv(costSeconds))
	switch os.Getenv(costOf) {
	case "":
		t.Skip("TestScreenCost runs it")
	case "top":
		s := screenData(t, true, preparedServer(seconds))
		if got, want := s.data.Summary().Calls, uint64(40_000*seconds); got < want {
			t.Errorf("%d of %d queries", got, want)
		}
	case "packets": // what it takes to make them
		if _, err := io.Copy(io.Discard, preparedServer(seconds)); err != nil {
			t.Error(err)
		}
	case "stats":
		env := &Env{In: preparedServer(seconds), Out: io.Discard, Err: io.Discard, Now: time.Now, Width: func() int { return 0 }, Getenv: func(string) string { return "" }}
		if code := Run(env, []string{"read", "-", "--view", "stats", "--workers", "1"}); code != ExitOK {
			t.Errorf("exit %d", code)
		}
	}
}

// TestScreenCost holds that a query of 40,000 a second takes top no more statements of the
// program than --view stats and a tenth; what is done once, and in the first second, when
// it is not known how many come, does not count.
func TestScreenCost(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the tests with counters")
	}
	program := steptest.BuildTests(t, "../..", "./internal/app")
	count := func(of string) uint64 {
		t.Setenv(costOf, of)
		var n [2]uint64
		for i, seconds := range []string{"2", "3"} {
			t.Setenv(costSeconds, seconds)
			n[i] = program.Run(t, nil, "-test.run=^TestScreenCostOf$")
		}
		return n[1] - n[0]
	}
	packets := count("packets")
	stats, top := count("stats")-packets, count("top")-packets
	t.Logf("stats: %d statements, top: %d, %.1f %%", stats, top, 100*float64(top)/float64(stats))
	if top > stats+stats/10 {
		t.Errorf("top takes %d statements where stats takes %d", top, stats)
	}
}
