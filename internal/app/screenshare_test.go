package app

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/pgsniff/pgsniff/internal/flow"
	"github.com/pgsniff/pgsniff/internal/test/hostile"
)

// busyServer is the packets of some seconds of connections that ask 12,000 times a
// second in all, and of one that asks one by one for rows now and then.
func busyServer(seconds int) io.Reader {
	const busy, each = 12, 1000 // a second
	var open []*hostile.Conn
	var quiet *hostile.Conn
	connect := func(p *hostile.Packets, n int, application string) *hostile.Conn {
		c := hostile.NewConn(uint32(n))
		p.Open(c)
		p.Send(c, hostile.Client, hostile.Startup("user", "u", "database", "d", "application_name", application))
		p.Send(c, hostile.Server, hostile.Authenticated(n+1))
		return c
	}
	ask := func(p *hostile.Packets, c *hostile.Conn, sql, parameter string) {
		p.Send(c, hostile.Client, join(hostile.Parse("", sql), hostile.Bind("", "", parameter), hostile.Execute(""), hostile.Sync()))
		p.Now += 20_000
		p.Send(c, hostile.Server, join(hostile.Message('1'), hostile.Message('2'), hostile.Row("1"), hostile.Complete("SELECT 1"), hostile.Ready()))
	}
	n := 0
	return hostile.Stream(func(p *hostile.Packets) bool {
		if open == nil {
			for i := range busy {
				open = append(open, connect(p, i, "busy"))
			}
			quiet = connect(p, busy, "quiet")
		}
		ask(p, open[n%busy], "select balance from accounts where id = $1", fmt.Sprint(n*7919))
		if n%(busy*each/50) == 0 { // fifty times a second
			ask(p, quiet, "select name from users where id = $1", fmt.Sprint(n))
		}
		p.Now += int64(time.Second)/(busy*each) - 20_000
		n++
		return n < busy*each*seconds
	})
}

// screenRunOf is a screen's source of packets, without the screen.
func screenRunOf(live bool, packets io.Reader) *screenRun {
	env := &Env{In: packets, Out: io.Discard, Err: io.Discard, Now: time.Now, Width: func() int { return 0 }, Getenv: func(string) string { return "" }}
	o := &Options{}
	cmd := &cobra.Command{}
	o.add(cmd)
	o.selection.span = new(span)
	o.selection.span.add(cmd)
	s := &screenRun{env: env, opt: o, live: live, history: flow.NewHistory(historySize), begun: make(chan struct{}), broken: make(chan string, 1), requests: make(chan filterRequest, 1)}
	s.hook()
	return s
}

// screenData runs it.
func screenData(t *testing.T, live bool, packets io.Reader) *screenRun {
	t.Helper()
	s := screenRunOf(live, packets)
	if err := runRead(s.env, s.opt, []string{"-"}); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestScreenShare holds that findings of a server that is too busy for a look at each
// query are those of a part of the busy connections, and of all of those that ask seldom;
// that they are none that are not of the whole; and that the screen tells how many
// queries they are of.
func TestScreenShare(t *testing.T) {
	const seconds, burst = 4, 4000
	whole := screenData(t, false, busyServer(seconds)).data
	top := screenData(t, true, busyServer(seconds)).data
	in, of := top.Looked()
	if of != seconds*12_000+seconds*50 || in < seconds*500 || in > (seconds+1)*burst {
		t.Errorf("findings are of %d of %d queries", in, of)
	}
	if all, n := whole.Looked(); all != of || n != of {
		t.Errorf("of a file they are of %d of %d queries", all, n)
	}
	known := map[string]bool{}
	want := ""
	for _, f := range whole.Findings() {
		known[f.Code] = true
		if strings.HasPrefix(f.Title, "quiet ") {
			want += fmt.Sprintf("%s %d %s\n", f.Code, f.Count, f.Title)
		}
	}
	got := ""
	for _, f := range top.Findings() {
		if !known[f.Code] {
			t.Errorf("%s: %s; it is not found in the whole", f.Code, f.Title)
		}
		if strings.HasPrefix(f.Title, "quiet ") {
			got += fmt.Sprintf("%s %d %s\n", f.Code, f.Count, f.Title)
		}
	}
	if got != want || want == "" {
		t.Errorf("of the connection that asks seldom:\n%swant\n%s", got, want)
	}
}
