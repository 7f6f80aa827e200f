package app

import (
	"bytes"
	"testing"
)

// TestTypeOfViews wants --type to select messages, and not what views make of those
// that it does not name; among changes it selects by the messages that make them.
func TestTypeOfViews(t *testing.T) {
	capture := replicationPath("pg19rc1_logical", "")
	show := func(args ...string) []byte {
		return output(t, append([]string{"read", capture, "--json"}, args...)...)
	}
	count := func(out []byte, what string) int { return bytes.Count(out, []byte(what)) }
	const change, message = `{"type":"change",`, `{"type":"message",`
	all := show("--view", "changes")
	if count(all, change) < 4 {
		t.Fatalf("%s", all)
	}
	for _, list := range []string{"Query", "StandbyStatusUpdate", "Query,WALData", "CopyData"} {
		if got := show("--view", "changes", "--type", list); !bytes.Equal(got, all) {
			t.Errorf("--type %s: %s", list, got)
		}
	}
	inserts := count(all, `"kind":"insert"`)
	if got := show("--view", "changes", "--type", "Insert,Query"); inserts == 0 || count(got, change) != inserts || count(got, `"kind":"insert"`) != inserts {
		t.Errorf("--type Insert: %d of %d: %s", count(got, change), inserts, got)
	}
	both := show("--view", "messages,changes", "--type", "Query")
	if queries := count(both, `"msg":"Query"`); queries == 0 || count(both, message) != queries || count(both, change) != count(all, change) {
		t.Errorf("messages and changes: %s", both)
	}
	if got := show("--view", "transactions", "--type", "Sync"); !bytes.Equal(got, show("--view", "transactions")) || len(got) == 0 {
		t.Errorf("transactions: %s", got)
	}
	if got := output(t, "read", capture, "--view", "findings", "--json", "--type", "Sync"); !bytes.Equal(got, show("--view", "findings")) {
		t.Errorf("findings: %s", got)
	}
}
