package analyze_test

import (
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/test/hostile"
	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

var loggedDuration = regexp.MustCompile(`duration: ([0-9.]+) ms  (bind|execute) [^:]*: (select \d+, pg_sleep)`)

// TestDurationsOfServer holds durations to those that the server logs for the same
// statements: they are no less, since the network comes on top, and no more than what
// the client itself has seen from its request to the answer, in which its thinking
// between Flushes is not. Nothing here depends on how fast the machine is.
func TestDurationsOfServer(t *testing.T) {
	s := pgtest.Start(t, pgtest.WithConf("log_min_duration_statement", "0"))
	const think = 100 * time.Millisecond
	var p hostile.Packets
	c := talkTo(t, s, &p, 9)
	var seen []time.Duration

	// As asyncpg does: what was prepared is answered first, and executed later.
	c.send(append(append(hostile.Parse("a", "select 1, pg_sleep(0.02)"), hostile.Message('D', []byte{'S'}, hostile.String("a"))...), hostile.Message('H')...))
	c.awaitAll(&c.described, 1, 10*time.Second)
	time.Sleep(think)
	begun := time.Now()
	c.send(append(append(hostile.Message('B', hostile.String(""), hostile.String("a"), make([]byte, 6)), hostile.Execute("")...), hostile.Sync()...))
	c.await(2, 10*time.Second)
	seen = append(seen, time.Since(begun))

	// As psycopg does in its pipeline mode: several, one after the other, before one Sync.
	begun = time.Now()
	var pipeline []byte
	for _, sql := range []string{"select 2, pg_sleep(0.01)", "select 3, pg_sleep(0.03)"} {
		pipeline = append(append(append(pipeline, hostile.Parse("", sql)...),
			hostile.Message('B', hostile.String(""), hostile.String(""), make([]byte, 6))...), hostile.Execute("")...)
	}
	c.send(append(pipeline, hostile.Sync()...))
	c.await(3, 10*time.Second)
	seen = append(seen, time.Since(begun), time.Since(begun))
	c.close()

	log, err := os.ReadFile(s.LogFile)
	if err != nil {
		t.Fatal(err)
	}
	server := map[string]float64{} // milliseconds, by the beginning of the statement
	for _, m := range loggedDuration.FindAllStringSubmatch(string(log), -1) {
		ms, _ := strconv.ParseFloat(m[1], 64)
		server[m[3]] += ms
	}
	records := queryRecords(t, p.File(), way{quiet: true, ports: pgPorts})
	if len(records) != len(seen) || len(server) != len(seen) {
		t.Fatalf("%d records, %d statements in the log, want %d:\n%s", len(records), len(server), len(seen), log)
	}
	for i, r := range records {
		logged := time.Duration(server[(*r.SQL)[:len("select 1, pg_sleep")]] * float64(time.Millisecond))
		switch got := time.Duration(*r.Duration); {
		case got < logged:
			t.Errorf("%s: %v, the server took %v", *r.SQL, got, logged)
		case got > seen[i]:
			t.Errorf("%s: %v, the client has waited for %v", *r.SQL, got, seen[i])
		}
	}
}
