//go:build linux && (amd64 || arm64)

package attach_test

import (
	"encoding/binary"
	"os/exec"
	"testing"

	"github.com/pgsniff/pgsniff/internal/attach"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// turns has a server's functions. It reads a number, writes the same, and goes on with the
// next.
const turns = `
#include <stdint.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>
#define KEEP __attribute__((noipa))
static uint64_t turn;
KEEP void pq_init(void) {}
KEEP ssize_t secure_read(void *port, void *b, size_t n) { memcpy(b, &turn, n); return n; }
KEEP ssize_t secure_write(void *port, const void *b, size_t n) { return n; }
int main(void) {
	static char port[512];
	uint64_t b;
	pq_init();
	for (;; usleep(20)) {
		turn++;
		secure_read(port, &b, sizeof b);
		secure_write(port, &b, sizeof b);
	}
}
`

// Programs are put at one function after the other, and taken away so, while servers go on.
// A request that is told has its reply, unless it is the last, and no reply is told of a
// request that came when the end had begun.
func TestBetweenFunctions(t *testing.T) {
	program := compiled(t, turns)
	cmd := exec.Command(program)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	for _, old := range []bool{false, true} {
		attach.SetOldWay(old)
		defer attach.SetOldWay(false)
		for range 3 {
			r := recordProgram(t, program)
			r.wait("there are requests and replies", func(c *seen) bool {
				return len(c.data[messages.Frontend]) > 0 && len(c.data[messages.Backend]) > 0
			})
			list := r.stop()
			if len(list) != 1 {
				t.Fatalf("%d connections", len(list))
			}
			first, last := ends(t, list[0].data[messages.Frontend])
			replied, latest := ends(t, list[0].data[messages.Backend])
			if replied > first || latest > last || latest+1 < last {
				t.Errorf("old way %v: requests %d to %d, replies %d to %d", old, first, last, replied, latest)
			}
		}
	}
}

// ends are the first and the last number of those in b.
func ends(t *testing.T, b []byte) (first, last uint64) {
	t.Helper()
	const size = 8
	if len(b) == 0 || len(b)%size != 0 {
		t.Fatalf("%d bytes are no numbers", len(b))
	}
	return binary.NativeEndian.Uint64(b), binary.NativeEndian.Uint64(b[len(b)-size:])
}
