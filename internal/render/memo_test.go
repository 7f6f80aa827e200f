package render

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// TestMemos holds that what is found is what was added last of just this body, and that
// what comes in turn is found.
func TestMemos(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 15))
	var m memos
	added := map[string]string{}
	found := 0
	for n := range 20000 {
		k, of := messages.Kind(r.IntN(messages.NumKinds)), uint32(r.IntN(2))
		body := []byte(strings.Repeat("x", r.IntN(20)) + fmt.Sprint(r.IntN(9)))
		if r.IntN(50) == 0 {
			body = make([]byte, maxMemo+r.IntN(2))
		}
		key := fmt.Sprint(k, of, string(body))
		latest := m.again(k, of, body)
		got, hash := m.search(k, of, body)
		if latest != nil && latest != got {
			t.Fatalf("%d: the latest is not found", n)
		}
		if got != nil {
			found++
			if string(got.text) != added[key] {
				t.Fatalf("%d: %q, want %q", n, got.text, added[key])
			}
		} else {
			added[key] = fmt.Sprint("text ", n)
			m.add(hash, k, of, body, []byte(added[key]))
		}
	}
	if found == 0 {
		t.Error("nothing was found")
	}

	// What PostgreSQL tells at the beginning, and what pgbench does.
	parameters := []string{
		"application_name\x00pgbench", "client_encoding\x00UTF8", "DateStyle\x00ISO, MDY", "default_transaction_read_only\x00off",
		"in_hot_standby\x00off", "integer_datetimes\x00on", "IntervalStyle\x00postgres", "is_superuser\x00on", "server_encoding\x00UTF8",
		"server_version\x0015.14", "session_authorization\x00app", "standard_conforming_strings\x00on", "TimeZone\x00Etc/UTC",
	}
	tags := []string{"BEGIN", "UPDATE 1", "SELECT 1", "INSERT 0 1", "COMMIT"}
	m = memos{}
	for round := range 2 {
		for k, list := range map[messages.Kind][]string{messages.KindParameterStatus: parameters, messages.KindCommandComplete: tags, messages.KindReadyForQuery: {"I", "T"}} {
			for _, s := range list {
				body := []byte(s + "\x00")
				if got, hash := m.search(k, 0, body); round == 0 {
					m.add(hash, k, 0, body, body)
				} else if got == nil {
					t.Errorf("%v %q is forgotten", k, s)
				}
			}
		}
	}
}
