//go:build linux

package live

import (
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// capturedFile is a capture of which the packets are known one by one: pcap, in
// nanoseconds, of one connection.
const capturedFile = "../../testdata/pcaps/nanosecond.pcap"

// telling are the packets, by number, that complete messages.
var telling = map[int]bool{6: true, 8: true, 9: true, 10: true, 11: true, 12: true}

// pcapRecords splits a pcap file: the header, and each packet with its own.
func pcapRecords(t *testing.T) (list [][]byte) {
	t.Helper()
	b, err := os.ReadFile(capturedFile)
	if err != nil {
		t.Fatal(err)
	}
	list, b = append(list, b[:24]), b[24:]
	for len(b) > 0 {
		n := 16 + int(binary.LittleEndian.Uint32(b[8:]))
		list, b = append(list, b[:n]), b[n:]
	}
	return list
}

// TestStream reads a pipe as tcpdump -U writes it: what a packet completes is told
// before the next one comes, and a signal ends the run in good order.
func TestStream(t *testing.T) {
	list := pcapRecords(t)
	for _, sig := range []os.Signal{nil, os.Interrupt, syscall.SIGTERM} {
		workers := "3"
		if sig == nil {
			workers = "1"
		}
		cmd := pgsniff("", "read", "-", "--json", "--view", "messages,stats", "--workers", workers)
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		p := launch(t, cmd)
		for i, r := range list {
			if _, err := in.Write(r); err != nil {
				t.Fatal(err)
			}
			if telling[i] {
				frame := fmt.Sprintf(`"frame":%d,`, i)
				p.waitFor(frame, 30*time.Second, func() bool { return strings.Contains(p.stdout.String(), frame) })
			}
		}
		if strings.Contains(p.stdout.String(), `"stats"`) {
			t.Error("the end was told before it came")
		}
		if sig == nil {
			in.Close()
		} else if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		if code := p.wait(30 * time.Second); code != 0 || !strings.Contains(p.stdout.String(), `{"type":"stats"`) {
			t.Errorf("%v: exit code %d\n%s\n%s", sig, code, p.stdout, p.stderr)
		}
		if text := p.stderr.String(); strings.Contains(text, "cut off") || !strings.Contains(text, "packets, 1 connection, ") {
			t.Errorf("%v: %s", sig, text)
		}
	}
}
