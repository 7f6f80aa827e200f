package session

import (
	"strconv"
	"testing"
)

const (
	short = "0x0a0b0c0d"
	long  = "0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
)

func keyed(key string) string {
	return `
		F: Startup user u database d
		B: AuthOk ; Key 77 ` + key + ` ; Ready I
	`
}

func cancel(key string) string { return "F: CancelRequest 77 " + key }

const (
	sleeping  = `F: Query "SELECT pg_sleep(9)"`
	cancelled = `B: Error ERROR 57014 "canceling statement due to user request" ; Ready I`
	finished  = `B: Complete "SELECT 1" ; Ready I`
)

// part is a step of a capture with several connections: what happens on one, or
// that it ends.
type part struct {
	conn   uint64
	script string // "" ends it
}

func TestCancelRequests(t *testing.T) {
	for _, c := range []struct {
		name            string
		parts           []part
		exchanges, ends string
	}{
		{"while the query runs", []part{
			{1, keyed(short)}, {1, sleeping}, {2, cancel(short)}, {2, ""}, {1, cancelled}, {1, ""},
		}, `
			1 simple "SELECT pg_sleep(9)" error=57014@Query tx=I cancelled_by=2
		`, `
			#2 cancel_request cancels #1 query 1
			#1 open
		`},
		{"a key of 32 bytes", []part{
			{1, keyed(long)}, {1, sleeping}, {2, cancel(long)}, {1, cancelled}, {1, ""}, {2, ""},
		}, `
			1 simple "SELECT pg_sleep(9)" error=57014@Query tx=I cancelled_by=2
		`, `
			#1 open
			#2 cancel_request cancels #1 query 1
		`},
		{"another key", []part{
			{1, keyed(short)}, {1, sleeping}, {2, cancel("0x0a0b0c0e")}, {1, cancelled}, {1, ""}, {2, ""},
		}, `
			1 simple "SELECT pg_sleep(9)" error=57014@Query tx=I
		`, `
			#1 open
			#2 cancel_request
		`},
		{"a key that begins like the right one", []part{
			{1, keyed(long)}, {1, sleeping}, {2, cancel("0x00010203")}, {1, cancelled}, {1, ""}, {2, ""},
		}, `
			1 simple "SELECT pg_sleep(9)" error=57014@Query tx=I
		`, `
			#1 open
			#2 cancel_request
		`},
		{"the second of two pipelined queries", []part{
			{1, keyed(short)},
			{1, `F: Query "SELECT 1" ; Query "SELECT pg_sleep(9)"`},
			{1, finished},
			{2, cancel(short)},
			{1, cancelled},
			{1, ""},
			{2, ""},
		}, `
			1 simple "SELECT 1" {SELECT 1} tx=I
			2 simple "SELECT pg_sleep(9)" error=57014@Query tx=I cancelled_by=2
		`, `
			#1 open
			#2 cancel_request cancels #1 query 2
		`},
		{"too late: the query is done, its end on the way", []part{
			{1, keyed(short)}, {1, sleeping}, {2, cancel(short)}, {1, finished}, {1, ""}, {2, ""},
		}, `
			1 simple "SELECT pg_sleep(9)" {SELECT 1} tx=I
		`, `
			#1 open
			#2 cancel_request cancels #1 query 1
		`},
		{"nothing runs", []part{
			{1, keyed(short)}, {1, sleeping}, {1, cancelled}, {2, cancel(short)}, {2, ""}, {1, ""},
		}, `
			1 simple "SELECT pg_sleep(9)" error=57014@Query tx=I
		`, `
			#2 cancel_request cancels #1 query 0
			#1 open
		`},
		{"its own connection comes first in the capture", []part{
			{1, cancel(short)}, {1, ""}, {2, keyed(short)}, {2, sleeping}, {2, cancelled}, {2, ""},
		}, `
			#2 1 simple "SELECT pg_sleep(9)" error=57014@Query tx=I cancelled_by=1
		`, `
			#1 cancel_request cancels #2 query 1
			#2 open
		`},
		{"its own connection comes first, and the target is never seen", []part{
			{1, cancel(short)}, {1, ""}, {2, keyed(long)}, {2, ""},
		}, ``, `
			#2 open
			#1 cancel_request
		`},
	} {
		t.Run(c.name, func(t *testing.T) {
			cp := newCapture(options{})
			sessions := map[uint64]*Session{}
			for _, p := range c.parts {
				s := sessions[p.conn]
				if s == nil {
					s = cp.open(p.conn, false)
					sessions[p.conn] = s
				}
				if p.script == "" {
					cp.end(s)
				} else {
					cp.play(s, p.script)
				}
			}
			cp.shared.Finish()
			expect(t, "exchanges", cp.exchanges, c.exchanges)
			expect(t, "connections", cp.ends, c.ends)
		})
	}
}

// Captures of several files need not be in order: the CancelRequest's connection
// comes last, with times that lie within the query's.
func TestCancelRequestLast(t *testing.T) {
	cp := newCapture(options{})
	s := cp.open(1, false)
	cp.play(s, keyed(short), sleeping, "+1s", cancelled)
	during := Stamp{Time: cp.last.Time - 5e8}
	cp.end(s)
	for id, at := range []int64{during.Time, cp.last.Time + 1e9} {
		c := cp.shared.New(Opening{ID: uint64(2 + id), At: Stamp{Time: at, Frame: 100}})
		cp.play(c, cancel(short))
		cp.end(c)
	}
	expect(t, "connections", cp.ends, `
		#1 open
		#2 cancel_request cancels #1 query 1
		#3 cancel_request cancels #1 query 0
	`)
}

// Of more connections than are remembered, the latest are found by their keys, in
// use or not.
func TestManyTargets(t *testing.T) {
	for _, asked := range []int{0, 1, maxTargets + 50} { // when the first CancelRequest comes
		targets := newTargets()
		const n = maxTargets + 100
		sessions := make([]Session, n)
		key := func(i int) []byte { return []byte(strconv.Itoa(i)) }
		for i := range sessions {
			if i == asked {
				targets.find([]byte("x"))
			}
			sessions[i].ID = uint64(i)
			targets.add(&sessions[i], key(i))
			if i%3 == 0 {
				targets.ended(&sessions[i])
			}
		}
		for i := range sessions {
			found, _ := targets.find(key(i))
			switch {
			case i < n-maxTargets:
				if found != nil || sessions[i].target != 0 {
					t.Fatalf("connection %d is still known", i)
				}
			case found == nil || found.conn != uint64(i) || (found.session == nil) != (i%3 == 0):
				t.Fatalf("connection %d is found as %+v", i, found)
			}
		}
		s := &sessions[n-1]
		targets.add(s, key(n-2)) // another key, and one that is taken
		if old, _ := targets.find(key(n - 1)); old == nil || old.session != nil {
			t.Errorf("the key before: %+v", old)
		}
		if latest, _ := targets.find(key(n - 2)); latest != targets.of(s) || latest.session != s {
			t.Errorf("the latest key: %+v", latest)
		}
	}
}
