package app

import (
	"encoding/binary"
	"slices"
	"testing"
)

// tcpOf returns the port that a packet goes to and its flags, of TCP in IPv4 on Ethernet.
func tcpOf(packet []byte) (to uint16, flags byte) {
	ip := packet[16+14:]
	tcp := ip[int(ip[0]&15)*4:]
	return binary.BigEndian.Uint16(tcp[2:]), tcp[13]
}

// TestTLSEnded: a session that the client has closed is not reset, whoever resets the
// connection then, also where nobody has the keys; without its last word it is.
func TestTLSEnded(t *testing.T) {
	const fin, rst, server = 1, 4, 5432
	for _, name := range tlsCaptures {
		d := loadPackets(t, capturePath(name))
		last := -1 // of what the client sent
		d.packets = slices.DeleteFunc(d.packets, func(p []byte) bool {
			_, flags := tcpOf(p)
			return flags&fin != 0
		})
		resets := false
		for i, p := range d.packets {
			to, flags := tcpOf(p)
			if to == server && len(payload(p)) > 0 {
				last = i
			}
			resets = resets || flags&rst != 0
		}
		if last < 0 || !resets {
			t.Fatalf("%s: no RST, or nothing of the client", name)
		}
		state := func() any {
			records, _ := sniff(t, d.file(t), "--view", "connections")
			return ofType(records, "connection", 1)[0]["state"]
		}
		if got := state(); got != "closed" {
			t.Errorf("%s, closed in order and reset: %v", name, got)
		}
		d.packets = slices.Delete(d.packets, last, last+1)
		if got := state(); got != "reset" {
			t.Errorf("%s, reset, and its end is missing: %v", name, got)
		}
	}
}
