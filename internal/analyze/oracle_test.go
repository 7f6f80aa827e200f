package analyze_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/test/hostile"
	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// oracleTime is how long TestServerAgrees talks to each server; by hand for hours:
//
//	go test ./internal/analyze -run TestServerAgrees -oracle 2h -oracle-seed 0 -timeout 0
var (
	oracleTime = flag.Duration("oracle", 3*time.Second, "how long TestServerAgrees talks to each server")
	oracleSeed = flag.Uint64("oracle-seed", 1, "the first seed of TestServerAgrees; 0: of the clock")
)

// onceWrong are seeds of conversations of which something wrong was said.
var onceWrong = []uint64{770228, 770284, 770644, 770756, 771042, 771351, 771435, 771554, 772618, 772729, 772884, 31000051, 31001901, 32000628, 32001660, 32002382, 32004827, 32011168, 33000307, 183}

// TestServerAgrees has random conversations with real servers and holds the records to
// the server's own log: what was executed and what failed, in that order, with that
// SQL. All are complete; and without a packet none is wrong.
func TestServerAgrees(t *testing.T) {
	for _, version := range []int{15, 18} {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			s := pgtest.Start(t, pgtest.WithVersion(version), pgtest.WithConf("log_min_duration_statement", "0"),
				pgtest.WithConf("log_destination", "jsonlog"), pgtest.WithConf("logging_collector", "on"),
				pgtest.WithConf("log_filename", "oracle.log"), pgtest.WithConf("log_rotation_size", "0"),
				pgtest.WithConf("log_min_messages", "warning"), pgtest.WithConf("fsync", "off"), pgtest.WithConf("log_disconnections", "on"))
			seed := *oracleSeed
			if seed == 0 {
				seed = uint64(time.Now().UnixNano())
			}
			log := &serverLog{path: filepath.Join(s.DataDir, "log", "oracle.json"), events: map[int][]string{}}
			for _, once := range onceWrong {
				converse(t, s, log, once)
			}
			n := 0
			for end := time.Now().Add(*oracleTime); time.Now().Before(end) && !t.Failed(); seed, n = seed+1, n+1 {
				converse(t, s, log, seed)
			}
			t.Logf("%d conversations", n)
		})
	}
}

// converse has one conversation and compares.
func converse(t *testing.T, s *pgtest.Server, log *serverLog, seed uint64) {
	t.Helper()
	var p hostile.Packets
	c := talkTo(t, s, &p, 7)
	if c.ready == 0 {
		time.Sleep(100 * time.Millisecond) // it is coming up
		return
	}
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 1)), c: c}
	g.talk()
	c.close()
	capture := p.File()
	got := recordedEvents(t, capture)
	var want []string
	for range 100 { // the log is written by a process of its own
		if want = log.of(t, c.pid); len(want) > 0 && want[len(want)-1] == logGone {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if len(want) == 0 || want[len(want)-1] != logGone {
		// Both servers have been seen to crash from what is sent here in a failed
		// transaction; they come up again.
		t.Logf("seed %d: the backend has not ended in good order", seed)
		time.Sleep(time.Second)
		return
	}
	want = want[:max(len(want)-1, 0)]
	if n := len(want); n > 0 && want[n-1] == logFatal { // what was outstanding is not in the log
		want = want[:n-1]
		got = got[:min(len(got), n-1)]
	}
	for n := len(got); c.reset && n > 0 && strings.HasPrefix(got[n-1], "incomplete: "); n-- {
		got, want = got[:n-1], want[:min(len(want), n-1)] // the log has an answer that never came
	}
	if diff := differ(got, want); diff != "" {
		t.Errorf("seed %d, %s: %s", seed, keepCapture(seed, capture), diff)
		return
	}
	f, err := hostile.ParsePcap(capture)
	if err != nil {
		t.Fatal(err)
	}
	whole := truthOf(t, f, way{quiet: true, ports: pgPorts})
	for range 4 {
		i := g.IntN(len(f.Records))
		whole.hold(t, fmt.Sprintf("seed %d without packet %d", seed, i+1), without(f, i, 1))
	}
	if t.Failed() {
		t.Logf("the whole is in %s", keepCapture(seed, capture))
	}
}

// keepCapture keeps a capture to look at, and returns where.
func keepCapture(seed uint64, capture []byte) string {
	path := filepath.Join(os.TempDir(), fmt.Sprintf("pgsniff-oracle-%d.pcap", seed))
	_ = os.WriteFile(path, capture, 0o600)
	return path
}

// differ says where two lists of events are not the same.
func differ(got, want []string) string {
	for i := range max(len(got), len(want)) {
		g, w := "nothing", "nothing"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		// The log does not always know which statement an error is of; nor do the packets
		// tell in a failed transaction whether a Query came as far as to close the portal.
		stated, sql, _ := strings.Cut(w, ": ")
		if g == stated+": "+defined.ReplaceAllString(sql, "") {
			continue // executed by its name
		}
		if g != w && !((g == "error 25P02: " || g == "error 55000: ") && strings.HasPrefix(w, g)) && !(strings.HasPrefix(w, "error ") && strings.HasSuffix(w, ":") && strings.HasPrefix(g, w)) {
			return fmt.Sprintf("event %d is %q, the server says %q", i+1, g, w)
		}
	}
	return ""
}

// recordedEvents are the query records as the server's log would have them.
func recordedEvents(t *testing.T, capture []byte) (list []string) {
	t.Helper()
	for _, r := range queryRecords(t, capture, way{quiet: true, ports: pgPorts}) {
		sql := ""
		if r.SQL != nil {
			sql = *r.SQL
		}
		switch {
		case !r.Complete:
			list = append(list, "incomplete: "+sql)
		case r.Skipped:
		case r.Error == nil && r.SQL == nil && len(r.Results) == 0: // a portal without a statement
		case r.Error != nil:
			list = append(list, "error "+r.Error.SQLState+": "+sql)
		default:
			list = append(list, "ran: "+sql)
		}
	}
	return list
}

// serverLog reads the events of each backend from the server's log, as it grows.
type serverLog struct {
	path   string
	read   int64
	events map[int][]string
}

// The events of a backend that has ended, and of one that gave up before that.
const (
	logGone  = "gone"
	logFatal = "fatal"
)

// defined is what comes before a statement or a query that SQL has given a name.
var defined = regexp.MustCompile(`^(prepare \w+ as|declare \w+ cursor for) `)

var executed = regexp.MustCompile(`(?s)^duration: [0-9.]+ ms  (statement|execute (?:fetch from )?[^:]*): (.*)$`)

func (l *serverLog) of(t *testing.T, pid int) []string {
	t.Helper()
	f, err := os.Open(l.path)
	if err != nil {
		return nil
	}
	defer f.Close()
	b, err := io.ReadAll(io.NewSectionReader(f, l.read, 1<<30))
	if err != nil {
		return nil
	}
	for line := range bytes.Lines(b) {
		if line[len(line)-1] != '\n' {
			break
		}
		l.read += int64(len(line))
		var e struct {
			PID       int    `json:"pid"`
			Severity  string `json:"error_severity"`
			State     string `json:"state_code"`
			Message   string
			Statement string
		}
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		switch m := executed.FindStringSubmatch(e.Message); {
		case e.Severity == "ERROR":
			l.events[e.PID] = append(l.events[e.PID], "error "+e.State+": "+e.Statement)
		case m != nil:
			sql := m[2]
			if m[1] != "statement" && m[1] != "execute <unnamed>" { // what SQL has named
				sql = defined.ReplaceAllString(sql, "")
			}
			l.events[e.PID] = append(l.events[e.PID], "ran: "+sql)
		case e.Severity == "FATAL":
			l.events[e.PID] = append(l.events[e.PID], logFatal)
		case strings.HasPrefix(e.Message, "disconnection:"):
			l.events[e.PID] = append(l.events[e.PID], logGone)
		}
	}
	events := l.events[pid]
	for i := range events {
		if strings.HasSuffix(events[i], ": ") {
			events[i] = strings.TrimSuffix(events[i], " ")
		}
	}
	return events
}
