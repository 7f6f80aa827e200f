package client

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/tracker"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

func TestStateNames(t *testing.T) {
	seen := map[string]State{}
	for s := range State(tracker.NumStates) {
		name := s.String()
		if other, double := seen[name]; double || name == "" || name == "unknown" || name != strings.ToLower(name) {
			t.Errorf("state %d is called %q, as %d", s, name, other)
		}
		seen[name] = s
	}
	if State(tracker.NumStates).String() != "unknown" {
		t.Error(State(tracker.NumStates))
	}
}

// requests are all Do methods, and the states in which they are in order.
var requests = []struct {
	name   string
	do     func(c *Client) ([]byte, error)
	states []State
}{
	{"DoSSLRequest", (*Client).DoSSLRequest, []State{StateStartup}},
	{"DoStartup", (*Client).DoStartup, []State{StateStartup}},
	{"DoSimpleQuery", func(c *Client) ([]byte, error) { return c.DoSimpleQuery("x") }, []State{StateReady}},
	{"DoPrepare", func(c *Client) ([]byte, error) { return c.DoPrepare("", "x") }, []State{StateReady}},
	{"DoBindExecute", func(c *Client) ([]byte, error) {
		return c.DoBindExecute(&PreparedStatement{}, nil, ExecuteOptions{})
	}, []State{StateReady}},
	{"DoContinue", func(c *Client) ([]byte, error) { return c.DoContinue(&Portal{}, 1) }, []State{StateReady, StatePortalSuspended}},
	{"DoSync", (*Client).DoSync, []State{StatePortalSuspended}},
	{"DoCloseStatement", func(c *Client) ([]byte, error) { return c.DoCloseStatement("") }, []State{StateReady, StatePortalSuspended}},
	{"DoClosePortal", func(c *Client) ([]byte, error) { return c.DoClosePortal("") }, []State{StateReady, StatePortalSuspended}},
	{"DoCopyData", func(c *Client) ([]byte, error) { return c.DoCopyData(nil) }, []State{StateCopyIn, StateCopyBoth}},
	{"DoCopyDone", (*Client).DoCopyDone, []State{StateCopyIn, StateCopyBoth}},
	{"DoCopyFail", func(c *Client) ([]byte, error) { return c.DoCopyFail("") }, []State{StateCopyIn, StateCopyBoth}},
	{"DoFunctionCall", func(c *Client) ([]byte, error) { return c.DoFunctionCall(1, false) }, []State{StateReady}},
}

// TestRequestsOutOfOrder leads a client into every state there is and tries all
// requests that it does not allow.
func TestRequestsOutOfOrder(t *testing.T) {
	seen := map[State]bool{}
	look := func(c *Client) {
		before := c.State()
		if seen[before] {
			return
		}
		seen[before] = true
		for _, r := range requests {
			if allows(r.states, before) {
				continue
			}
			out, err := r.do(c)
			var e *StateError
			if !errors.As(err, &e) || e.Op != r.name || e.State != before || out != nil || c.State() != before {
				t.Errorf("%s in %v: %q, %v; now in %v", r.name, before, out, err, c.State())
			}
		}
	}
	for method := AuthTrust; method <= AuthSCRAM; method++ {
		d := newDriver(t, New(Config{User: "alice", Password: secret, Token: bearerToken}), newBackend(method), 1)
		d.look = look
		if _, err := work(d); err != nil {
			t.Fatal(err)
		}
		look(d.Client)
	}
	broken := New(Config{User: "alice"})
	look(broken)
	_ = broken.Lost(nil)
	look(broken)
	failing := newBackend(AuthSCRAM)
	failing.instead = map[int][]byte{8: errorBytes("ERROR")}
	d := worker(t, failing, 1)
	d.look = look
	if _, err := work(d); err != nil {
		t.Fatal(err)
	}
	// What the server in memory does not do, the scenarios with real ones do.
	for _, s := range []State{
		StateEncryptionSent, StateEncryptionAccepted, StateSyncSent, StateCopyBoth, StateCopyBothEnded,
	} {
		seen[s] = true
	}
	for s := range State(tracker.NumStates) {
		if !seen[s] {
			t.Errorf("state %v was not reached", s)
		}
	}
}

func allows(states []State, s State) bool {
	for _, allowed := range states {
		if s == allowed {
			return true
		}
	}
	return false
}

func TestStartupPacket(t *testing.T) {
	startup := func(c Config) (string, error) {
		out, err := New(c).DoStartup()
		if err != nil {
			return "", err
		}
		return strings.ReplaceAll(string(out[8:]), "\x00", "|"), nil
	}
	for _, test := range []struct {
		config Config
		want   string
	}{
		{Config{User: "a"}, "user|a|database|a|client_encoding|UTF8|DateStyle|ISO|IntervalStyle|postgres||"},
		{Config{User: "a", Database: "b", ApplicationName: "c", Parameters: map[string]string{
			"options": "-c x=y", "datestyle": "German", "INTERVALSTYLE": "", "empty": "",
		}}, "user|a|database|b|application_name|c|datestyle|German|empty||options|-c x=y|client_encoding|UTF8||"},
	} {
		if got, err := startup(test.config); got != test.want || err != nil {
			t.Errorf("got %s, %v\nwant %s", got, err, test.want)
		}
	}
	if _, err := startup(Config{}); !errors.Is(err, ErrNoUser) {
		t.Error(err)
	}
	if _, err := startup(Config{User: "a\x00b"}); !errors.Is(err, messages.ErrNUL) {
		t.Error(err)
	}
	if _, err := startup(Config{User: "a", Parameters: map[string]string{"User": "b"}}); err == nil {
		t.Error("a second user")
	}
	if _, err := startup(Config{User: "a", ProtocolVersion: 0x00030001}); err == nil {
		t.Error("version 3.1")
	}
}

func TestParametersAreBounded(t *testing.T) {
	d := newDriver(t, New(Config{User: "alice"}), newBackend(AuthTrust), 1000)
	d.must(d.DoStartup())
	report := func(name, value string) {
		d.Receive((&messages.ParameterStatus{Name: []byte(name), Value: []byte(value)}).Append(nil))
		if e, err := d.NextEvent(); err != nil || e.(*ParameterStatus).Value != value {
			t.Fatal(e, err)
		}
	}
	for i := range 10000 {
		report("p"+strconv.Itoa(i), "v")
	}
	report("long", strings.Repeat("x", maxParameterBytes))
	if len(d.parameters) != maxParameters {
		t.Errorf("%d parameters are kept", len(d.parameters))
	}
	report("client_encoding", "LATIN1") // known before
	if d.ClientEncoding() != "LATIN1" {
		t.Error(d.ClientEncoding())
	}
}

// TestNoInputOrOutput checks that the package imports nothing that does, and
// starts no goroutines.
func TestNoInputOrOutput(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		n++
		tree, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range tree.Imports {
			path, _ := strconv.Unquote(i.Path.Value)
			if path == "log/slog" || path == "sync/atomic" {
				continue // the program's own logger; for DoCancel
			}
			switch first, _, _ := strings.Cut(path, "/"); first {
			case "net", "os", "syscall", "sync", "bufio", "log":
				t.Errorf("%s imports %s", f.Name(), path)
			}
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			switch n.(type) {
			case *ast.GoStmt, *ast.ChanType, *ast.SelectStmt:
				t.Errorf("%s: %T", f.Name(), n)
			}
			return true
		})
	}
	if n < 10 {
		t.Errorf("only %d files", n)
	}
}

// A zero Client says what to call instead.
func TestZeroClient(t *testing.T) {
	for _, r := range requests {
		if out, err := r.do(new(Client)); out != nil || !errors.Is(err, errNotMade) {
			t.Errorf("%s: %q, %v", r.name, out, err)
		}
	}
}
