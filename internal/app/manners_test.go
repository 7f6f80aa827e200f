package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// manners are captures of what goes wrong, see their README.md.
const manners = "testdata/manners/"

// theirPorts are those of the captures' servers.
const theirPorts = "25432,25433,25438,25439"

// ended is what a connection record says of the end.
type ended struct {
	Conn         uint64
	State        string
	Server       string
	Alert        string `json:"tls_alert"`
	AlertFrom    string `json:"tls_alert_from"`
	ClientClosed string `json:"client_closed"`
	Error        *struct{ SQLState, Message string }
	Queries      *uint64
	Repeated     uint64 `json:"retransmitted_bytes"`
}

// connections reads the connection records of a capture, by number.
func connections(t *testing.T, name string, args ...string) map[uint64]*ended {
	t.Helper()
	list := make(map[uint64]*ended)
	out := output(t, append([]string{"read", manners + name + ".pcapng.xz", "--port", theirPorts, "--json", "--view", "connections"}, args...)...)
	for line := range bytes.Lines(out) {
		c := new(ended)
		if err := json.Unmarshal(line, c); err != nil {
			t.Fatal(err)
		}
		list[c.Conn] = c
	}
	return list
}

// summary is short for comparison.
func (c *ended) summary() string {
	if c == nil {
		return "no record"
	}
	s := c.State
	if c.Error != nil {
		s += " " + c.Error.SQLState
	}
	if c.Alert != "" {
		s += " " + c.Alert + " from " + c.AlertFrom
	}
	if c.ClientClosed != "" {
		s += " half-closed"
	}
	if c.Queries == nil {
		s += " unreadable"
	}
	return s
}

// TestConnectionsThatFailed wants each to say how and why it ended, those that never
// became one included. What is right comes from the server's log and the client's words.
func TestConnectionsThatFailed(t *testing.T) {
	for _, c := range []struct {
		name, keys string
		want       map[uint64]string
	}{
		{"fail", "", map[uint64]string{
			1: "failed 28P01", 2: "terminated", 3: "failed 28000", 4: "failed 3D000", 5: "failed 28000",
			9: "failed unknown_ca from client unreadable", 10: "refused", 20: "failed 53300", 26: "empty",
		}},
		{"bouncer", "", map[uint64]string{1: "terminated", 7: "open half-closed", 8: "refused", 9: "failed 08P01"}},
		{"tls_unknown_ca", "", map[uint64]string{
			1: "failed unknown_ca from client unreadable", 2: "failed unknown_ca from client unreadable",
			4: "failed protocol_version from server unreadable", 6: "failed unknown_ca from client unreadable",
		}},
		{"tls_unknown_ca", "tls_unknown_ca.keys", map[uint64]string{
			1: "failed unknown_ca from client unreadable", 2: "failed unknown_ca from client unreadable",
			4: "failed protocol_version from server unreadable", 6: "failed unknown_ca from client unreadable",
		}},
	} {
		var args []string
		if c.keys != "" {
			args = []string{"--keylog", manners + c.keys}
		}
		got := connections(t, c.name, args...)
		for n, want := range c.want {
			if s := got[n].summary(); s != want {
				t.Errorf("%s, connection %d, %v: %s, want %s", c.name, n, args, s, want)
			}
		}
	}
}

// TestRefusalIsSaid wants words for who refused what.
func TestRefusalIsSaid(t *testing.T) {
	text := string(output(t, "read", manners+"tls_unknown_ca.pcapng.xz", "--port", theirPorts))
	for _, want := range []string{
		"the client refused the server's certificate: unknown CA",
		"the server refused the version of TLS that the client offers",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("nobody says: %s\n%s", want, text)
		}
	}
}

// TestCopiesOfPackets wants no retransmissions where the capture has packets twice.
func TestCopiesOfPackets(t *testing.T) {
	got := connections(t, "docker_any")
	if c := got[1]; len(got) != 1 || c.Repeated != 0 || c.Queries == nil || *c.Queries != 3 {
		t.Errorf("%v", fmt.Sprint(len(got), " connections, ", got[1]))
	}
}
