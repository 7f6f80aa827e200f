package app

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// traced are the captures whose client wrote a trace of its messages, NAME.log:
// libpq's PQtrace or pgproto3's Tracer.
var traced = []struct {
	name string
	// conns is how many connections the trace has, the first ones; 0: all. The
	// others' program has no trace.
	conns int
	// unread tells that the client resets connections before it has read all.
	unread bool
}{
	{name: "auth_md5"},
	{name: "auth_scram"},
	{name: "auth_scram_fail"},
	{name: "auth_scram_pg18_proto32"},
	{name: "base_mix"},
	{name: "cancel_pg18_proto32"},
	{name: "client_rst", unread: true},
	{name: "copy", conns: 1},
	{name: "ipv6"},
	{name: "large_objects", conns: 1},
	{name: "libpq_extended"},
	{name: "libpq_pipeline"},
	{name: "linux_sll"},
	{name: "linux_sll2"},
	{name: "lossy_real_server"},
	{name: "nanosecond"},
	{name: "notify_params"},
	{name: "pgx_modes"},
	{name: "pgx_types"},
	{name: "portal_suspend"},
	{name: "terminate_57P01"},
	{name: "tls13_aes128gcm"},
}

// traceLine is a message as a client traced it, or as we did.
type traceLine struct {
	dir  byte // F or B
	name string
	len  int // as the trace counts, see ours
}

func (l traceLine) String() string { return fmt.Sprintf("%c %s of %d bytes", l.dir, l.name, l.len) }

// trace is the log of a client.
type trace struct {
	lines    []traceLine
	pgproto3 bool // lengths include the type byte
}

// readFile returns a file of testdata/pcaps, which may be compressed.
func readFile(t *testing.T, name string) []byte {
	t.Helper()
	path := filepath.Join(pcaps, name)
	if b, err := os.ReadFile(path); err == nil {
		return b
	}
	f, err := os.Open(path + ".gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A trace's lines have time, direction and, by library, length and name or name
// and length. Values with line feeds go on in further lines, which are skipped.
var (
	pqtraceLine  = regexp.MustCompile(`^\d{4}-\d\d-\d\d [\d:.]+\t([FB])\t(\d+)\t([^\t]*)`)
	pgproto3Line = regexp.MustCompile(`^\d{4}-\d\d-\d\d [\d:.]+\t([FB])\t([A-Z]\w+)\t(\d+)`)
)

func readTrace(t *testing.T, name string) *trace {
	t.Helper()
	tr := new(trace)
	for _, line := range strings.Split(string(readFile(t, name+".log")), "\n") {
		if m := pqtraceLine.FindStringSubmatch(line); m != nil {
			n, _ := strconv.Atoi(m[2])
			tr.lines = append(tr.lines, traceLine{m[1][0], pqName(m[3]), n})
		} else if m := pgproto3Line.FindStringSubmatch(line); m != nil {
			n, _ := strconv.Atoi(m[3])
			tr.lines = append(tr.lines, traceLine{m[1][0], m[2], n})
			tr.pgproto3 = true
		}
	}
	if len(tr.lines) < 3 {
		t.Fatalf("%s.log: no trace", name)
	}
	return tr
}

// Names of what libpq traces without a name.
const (
	anyStartup  = "(startup)"  // "Unknown message: length is N", before version 16
	anyPassword = "(password)" // "Unknown message: 70", 'p' in hexadecimal
)

func pqName(name string) string {
	switch {
	case strings.HasPrefix(name, "Unknown message: length"):
		return anyStartup
	case strings.HasPrefix(name, "Unknown message: 70"):
		return anyPassword
	case name == "":
		return "CopyData" // has no name in the frontend's direction
	}
	return name
}

// message is what matters here of a message record.
type message struct {
	Conn  int    `json:"conn"`
	Dir   string `json:"dir"`
	Msg   string `json:"msg"`
	Tag   string `json:"tag"`
	Len   int    `json:"len"`
	Phase string `json:"phase"`
}

// decodeRecords decodes NDJSON.
func decodeRecords[T any](t *testing.T, out []byte) (all []T) {
	t.Helper()
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var r T
		err := d.Decode(&r)
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
}

// ours returns the messages of each connection, in the words of a trace and
// without what it is known to leave out.
func ours(t *testing.T, name string, tr *trace) [][]traceLine {
	out := output(t, withKeys(name, "read", capturePath(name), "--json")...)
	conns := map[int][]traceLine{}
	var order []int
	for _, m := range decodeRecords[message](t, out) {
		if m.Msg == "" || m.Msg == "CancelRequest" || tr.omits(&m) {
			continue
		}
		l := traceLine{m.Dir[0] - 'a' + 'A', m.Msg, m.Len}
		if m.Tag != "" && !tr.pgproto3 {
			l.len--
		}
		if conns[m.Conn] == nil {
			order = append(order, m.Conn)
		}
		conns[m.Conn] = append(conns[m.Conn], l)
	}
	var list [][]traceLine
	for _, id := range order {
		list = append(list, conns[id])
	}
	return list
}

// omits tells what a library does not trace: libpq reads the messages of the
// authentication, the data of COPY OUT and what ends a function call past its
// trace.
func (tr *trace) omits(m *message) bool {
	if m.Msg == "SSLResponse" || m.Msg == "GSSENCResponse" {
		return true
	}
	if tr.pgproto3 {
		// pgconn sends SSLRequest itself.
		return m.Msg == "SSLRequest"
	}
	if m.Dir != "backend" {
		return false
	}
	switch {
	case m.Msg == "CopyData", m.Msg == "AuthenticationOk", m.Msg == "ReadyForQuery" && m.Phase == "function_call":
		return true
	case strings.HasPrefix(m.Msg, "Authentication"):
		return !slices.ContainsFunc(tr.lines, func(l traceLine) bool { return strings.HasPrefix(l.name, "Authentication") })
	case m.Msg == "ErrorResponse":
		return strings.HasPrefix(m.Phase, "authenticating")
	}
	return false
}

// same reports whether a message is the one of a trace's line.
func same(line, m traceLine) bool {
	if line.dir != m.dir || line.len != m.len {
		return false
	}
	switch line.name {
	case anyStartup:
		return m.name == "StartupMessage" || m.name == "SSLRequest" || m.name == "GSSENCRequest"
	case anyPassword:
		return m.name == "PasswordMessage" || m.name == "SASLInitialResponse" || m.name == "SASLResponse"
	}
	return line.name == m.name
}

// TestTraces compares the messages of each direction, their order and lengths,
// with what the client's own library traced. A trace of several connections is
// some interleaving of theirs.
func TestTraces(t *testing.T) {
	for _, c := range traced {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tr := readTrace(t, c.name)
			conns := ours(t, c.name, tr)
			if c.conns > 0 {
				conns = conns[:c.conns]
			}
			for _, dir := range []byte("FB") {
				var lists [][]traceLine
				for _, conn := range conns {
					lists = append(lists, only(conn, dir))
				}
				if err := interleaved(only(tr.lines, dir), lists, c.unread && dir == 'B'); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func only(list []traceLine, dir byte) (out []traceLine) {
	for _, l := range list {
		if l.dir == dir {
			out = append(out, l)
		}
	}
	return out
}

// maxConns is how many connections a trace may hold.
const maxConns = 8

// interleaved reports whether lines are the messages of all lists, each list in
// its order, or with unread the first ones of each. It follows every way to take
// the next line.
func interleaved(lines []traceLine, lists [][]traceLine, unread bool) error {
	type place [maxConns]int
	if len(lists) > maxConns {
		return fmt.Errorf("%d connections are too many", len(lists))
	}
	places := map[place]bool{{}: true}
	for i, line := range lines {
		next := map[place]bool{}
		for p := range places {
			for c, list := range lists {
				if p[c] < len(list) && same(line, list[p[c]]) {
					q := p
					q[c]++
					next[q] = true
				}
			}
		}
		if len(next) == 0 {
			var have []string
			for p := range places {
				for c, list := range lists {
					if p[c] < len(list) {
						have = append(have, list[p[c]].String())
					}
				}
				break
			}
			return fmt.Errorf("message %d of the trace is %v; ours: %v", i+1, line, have)
		}
		if len(next) > 10000 {
			return fmt.Errorf("message %d of the trace: too many ways to get there", i+1)
		}
		places = next
	}
	for p := range places {
		rest := 0
		for c, list := range lists {
			rest += len(list) - p[c]
		}
		if rest == 0 || unread {
			return nil
		}
		for c, list := range lists {
			if p[c] < len(list) {
				return fmt.Errorf("%d messages more than in the trace, first %v", rest, list[p[c]])
			}
		}
	}
	return nil
}
