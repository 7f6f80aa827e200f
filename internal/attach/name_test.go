//go:build linux && (amd64 || arm64)

package attach_test

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/attach"
)

// standIn has the functions of a server that are looked at. The name that it returns
// lies where it has not read yet, further from all else than what the kernel brings into
// a process at once: that is what a server's own name is like, depending on where its
// libraries were loaded.
const standIn = `
#include <stddef.h>
#include <string.h>
#define FAR (1 << 20)
static const struct { char before[FAR], name[64], after[FAR]; } far = { {1}, "TLS_AES_256_GCM_SHA384", {1} };
struct Port { char all[512]; } port;
__attribute__((noipa)) void pq_init(void) { }
__attribute__((noipa)) long secure_read(struct Port *p, void *b, size_t n) { return n; }
__attribute__((noipa)) long secure_write(struct Port *p, void *b, size_t n) { return n; }
__attribute__((noipa)) const char *be_tls_get_cipher(struct Port *p) { return far.name; }
int main(void) {
	char buffer[8] = "1234567", copy[64];
	pq_init();
	secure_read(&port, buffer, 8);
	const char *name = be_tls_get_cipher(&port);
	secure_write(&port, buffer, 8);
	strncpy(copy, name, sizeof copy - 1);
	secure_write(&port, copy, 8);
	secure_read(&port, buffer, 8);
	return 0;
}
`

// A name that could not be read when the server returned it is told when it can be,
// and once.
func TestNameReadLate(t *testing.T) {
	program := compiled(t, standIn)
	s, err := attach.Open(attach.Options{Programs: []string{program}})
	var own *attach.Error
	switch {
	case errors.As(err, &own) && os.Getenv("CI") != "true":
		t.Skipf("this test attaches to a program: %v", err)
	case err != nil:
		t.Fatal(err)
	}
	defer s.Close()
	if out, err := exec.Command(program).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var order []attach.Kind
	for deadline := time.Now().Add(30 * time.Second); len(order) == 0 || order[len(order)-1] != attach.Closed; {
		var e attach.Event
		switch err := s.Next(&e); {
		case errors.Is(err, attach.ErrNoEvent):
			if err := s.Wait(time.Second); err != nil || time.Now().After(deadline) {
				t.Fatalf("only %v: %v", order, err)
			}
			continue
		case errors.Is(err, io.EOF):
			t.Fatal("it ended before the program")
		case err != nil:
			t.Fatal(err)
		}
		order = append(order, e.Kind)
		if e.Kind == attach.Described && e.Conn.Cipher != "TLS_AES_256_GCM_SHA384" {
			t.Errorf("cipher %q", e.Conn.Cipher)
		}
	}
	// The second writing is the first call after the name was read.
	want := []attach.Kind{attach.Opened, attach.Data, attach.Data, attach.Described, attach.Data, attach.Data, attach.Closed}
	if !slices.Equal(order, want) {
		t.Errorf("%v, want %v", order, want)
	}
}
