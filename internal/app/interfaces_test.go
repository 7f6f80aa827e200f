package app

import (
	"encoding/json"
	"runtime"
	"strings"
	"testing"
)

func TestInterfaces(t *testing.T) {
	stdout, stderr, code := program("interfaces", "--json")
	if code != ExitOK {
		t.Fatal(stderr)
	}
	found, servers := 0, 0
	for line := range strings.Lines(stdout) {
		var r struct {
			Type, Name, State string
			Addresses         []string
			MTU               int
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		if r.Type == "server" {
			servers++
			continue
		}
		if r.Type != "interface" || r.Name == "" || r.State == "" || r.Addresses == nil {
			t.Errorf("incomplete: %s", line)
		}
		if r.Name == "lo" && r.MTU > 0 || r.Name == "any" {
			found++
		}
	}
	if runtime.GOOS == "linux" && found != 2 {
		t.Errorf("lo or any is missing:\n%s", stdout)
	}
	table, stderr, code := program("interfaces")
	if code != ExitOK {
		t.Fatal(stderr)
	}
	table, _, _ = strings.Cut(table, "\nSERVER ") // others may start and stop meanwhile
	if got, want := strings.Count(table, "\n"), strings.Count(stdout, "\n")-servers+1; got != want || !strings.HasPrefix(table, "NAME ") {
		t.Errorf("%d lines, want %d:\n%s", got, want, table)
	}
	if _, _, code := program("interfaces", "-o", "xml"); code != ExitUsage {
		t.Errorf("-o xml: exit status %d", code)
	}
}
