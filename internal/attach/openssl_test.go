//go:build linux && (amd64 || arm64)

package attach_test

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/cilium/ebpf/features"

	"github.com/pgsniff/pgsniff/internal/attach"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// client has functions named as OpenSSL's, which encrypt nothing. Some of its sessions
// receive and send within them, others do so themselves, as Node.js does.
const client = `
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
typedef struct { int fd, own, have; char data[4096]; } SSL;
#define KEEP __attribute__((noipa))
KEEP SSL *SSL_new(void *context) { return calloc(1, sizeof(SSL)); }
KEEP void SSL_free(SSL *s) { free(s); }
KEEP int SSL_read(SSL *s, void *b, int n) {
	if (!s->own) return recv(s->fd, b, n, 0);
	if (!s->have) return -1;
	n = s->have;
	memcpy(b, s->data, n);
	s->have = 0;
	return n;
}
KEEP int SSL_write(SSL *s, const void *b, int n) {
	if (!s->own) return send(s->fd, b, n, 0);
	memcpy(s->data, b, n);
	return n;
}
KEEP int SSL_read_ex(SSL *s, void *b, size_t n, size_t *done) {
	ssize_t r = read(s->fd, b, n);
	*done = r > 0 ? r : 0;
	return r > 0;
}
KEEP int SSL_write_ex(SSL *s, const void *b, size_t n, size_t *done) {
	ssize_t r = write(s->fd, b, n);
	*done = r > 0 ? r : 0;
	return r > 0;
}
static int port;
static char in[1 << 20], out[1 << 20];
static int dial(void) {
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(fd, (void *)&a, sizeof a)) exit(1);
	return fd;
}
static SSL *session(int own) {
	SSL *s = SSL_new(0);
	s->fd = dial();
	s->own = own;
	return s;
}
static void plain(int fd) {
	send(fd, "noise", 5, 0);
	if (recv(fd, in, sizeof in, 0) <= 0) exit(2);
}
static int startup(void) { memcpy(out, "\0\0\0\x10\0\x03\0\0user\0u\0", 16); return 16; }
static int query(const char *sql) {
	int n = strlen(sql) + 1;
	out[0] = 'Q'; out[1] = out[2] = 0; out[3] = (n + 4) >> 8; out[4] = n + 4;
	memcpy(out + 5, sql, n);
	return n + 5;
}
static void say(SSL *s, int n) {
	if (SSL_write(s, out, n) != n) exit(3);
	if (s->own) send(s->fd, s->data, n, 0);
}
static void extended(SSL *s, int n) {
	size_t done;
	if (!SSL_write_ex(s, out, n, &done) || done != n) exit(4);
	if (!SSL_read_ex(s, in, sizeof in, &done)) exit(5);
}
static void hear(SSL *s) {
	if (s->own) s->have = recv(s->fd, s->data, sizeof s->data, 0);
	if (SSL_read(s, in, sizeof in) <= 0) exit(6);
}
int main(int argc, char **argv) {
	port = atoi(argv[1]);
	SSL *before = session(0);
	int other = dial();
	puts("ready"); fflush(stdout);
	if (getchar() < 0) return 7;
	SSL *a = session(0);
	extended(a, startup());
	SSL *b = session(1);
	plain(other);
	SSL_read(b, in, sizeof in); // nothing yet; the latest that was received was another's
	plain(b->fd);
	SSL_read(b, in, sizeof in);
	say(b, startup());
	plain(other);
	hear(b);
	extended(a, query("select 'a'"));
	plain(other);
	say(b, query("select 'b'"));
	hear(b);
	SSL *web = session(0);
	strcpy(out, "GET / HTTP/1.1\r\n\r\n");
	say(web, 18);
	hear(web);
	say(web, query("select 'none of PostgreSQL'"));
	hear(web);
	say(before, query("select 'before'"));
	hear(before);
	SSL_free(a);
	SSL_free(b);
	SSL_free(web);
	return 0;
}
`

// peer accepts connections and answers all that comes in them.
type peer struct {
	net.Listener
	mu   sync.Mutex
	got  map[string][]byte // by the client's address
	sent map[string][]byte
}

// ready is what it answers: a ReadyForQuery.
const ready = "Z\x00\x00\x00\x05I"

func (p *peer) serve() {
	for {
		c, err := p.Accept()
		if err != nil {
			return
		}
		go func() {
			defer c.Close()
			b := make([]byte, 1<<16)
			for {
				n, err := c.Read(b)
				if err != nil {
					return
				}
				from := c.RemoteAddr().String()
				p.mu.Lock()
				p.got[from] = append(p.got[from], b[:n]...)
				p.sent[from] = append(p.sent[from], ready...)
				p.mu.Unlock()
				if _, err := io.WriteString(c, ready); err != nil {
					return
				}
			}
		}()
	}
}

// compiled builds a program in C. Without a compiler the test is skipped, or fails if
// CI=true.
func compiled(t *testing.T, source string, flags ...string) string {
	t.Helper()
	cc, err := exec.LookPath("cc")
	switch {
	case err != nil && os.Getenv("CI") != "true":
		t.Skip("this test compiles a program; install gcc")
	case err != nil:
		t.Fatal(err)
	}
	dir := t.TempDir()
	file, program := filepath.Join(dir, "program.c"), filepath.Join(dir, "program")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(cc, append(flags, "-rdynamic", "-o", program, file)...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}

// Each session of a process is told with the socket that it belongs to, and its bytes,
// whoever receives and sends them; what is not PostgreSQL's is not told.
func TestOpenSSL(t *testing.T) {
	program := compiled(t, client)
	for _, old := range []bool{false, true} {
		attach.SetOldWay(old)
		defer attach.SetOldWay(false)
		p, port := listen(t)
		cmd, in := start(t, program, port)
		r := recordWith(t, attach.Options{Processes: []int{cmd.Process.Pid}})
		if _, err := io.WriteString(in, "\n"); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		list := r.ended(3)
		if len(list) != 3 {
			t.Fatalf("%d connections", len(list))
		}
		p.mu.Lock()
		for n, want := range []string{"select 'a'", "select 'b'", "select 'before'"} {
			c := list[n]
			from := c.conn.Client.String()
			// What the second said of itself before is not of its session.
			front, back := bytes.TrimPrefix(p.got[from], []byte("noise")), p.sent[from]
			if n == 1 {
				back = back[len(ready):]
			}
			if !c.asked(want) || c.conn.Joined != (n == 2) || c.conn.Server.String() != p.Addr().String() || c.conn.PID != cmd.Process.Pid {
				t.Errorf("%d: %+v", n, c.conn)
			}
			if !bytes.Equal(c.data[messages.Frontend], front) || !bytes.Equal(c.data[messages.Backend], back) || c.missing != [2]int64{} {
				t.Errorf("%d: %q, %d missing, want %q and %q", n, c.data, c.missing, front, back)
			}
		}
		p.mu.Unlock()
	}
}

// start runs the client up to where it waits for a line.
func start(t *testing.T, program, port string) (cmd *exec.Cmd, in io.Writer) {
	t.Helper()
	cmd = exec.Command(program, port)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if _, err := io.ReadFull(out, make([]byte, len("ready\n"))); err != nil {
		t.Fatal(err)
	}
	return cmd, in
}

// listen starts a peer.
func listen(t *testing.T) (p *peer, port string) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	p = &peer{Listener: l, got: make(map[string][]byte), sent: make(map[string][]byte)}
	go p.serve()
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return p, port
}

// first reads the first byte of a function in a process.
func first(t *testing.T, program string, pid int, function string) byte {
	t.Helper()
	f, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	symbols, err := f.DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(symbols, func(s elf.Symbol) bool { return s.Name == function })
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil || at < 0 {
		t.Fatal(at, err)
	}
	base := int64(0)
	if f.Type == elf.ET_DYN {
		start, _, _ := strings.Cut(string(maps), "-")
		if base, err = strconv.ParseInt(start, 16, 64); err != nil {
			t.Fatal(err)
		}
	}
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	var b [1]byte
	if _, err := memory.ReadAt(b[:], base+int64(symbols[at].Value)); err != nil {
		t.Fatal(err)
	}
	return b[0]
}

// Another process of the same program is not touched, where the kernel has links for one
// process: it has no breakpoint.
func TestOthersUntouched(t *testing.T) {
	program := compiled(t, client)
	_, port := listen(t)
	chosen, _ := start(t, program, port)
	other, _ := start(t, program, port)
	before := first(t, program, other.Process.Pid, "SSL_read")
	source, err := attach.Open(attach.Options{Processes: []int{chosen.Process.Pid}})
	if err != nil {
		if os.Getenv("CI") != "true" {
			t.Skip(err)
		}
		t.Fatal(err)
	}
	defer source.Close()
	if features.HaveBPFLinkUprobeMulti() != nil {
		t.Skip("the kernel has no such links")
	}
	if first(t, program, chosen.Process.Pid, "SSL_read") == before {
		t.Error("the chosen process has no breakpoint")
	}
	if first(t, program, other.Process.Pid, "SSL_read") != before {
		t.Error("another process has one")
	}
}

// What cannot be looked into is refused with a word on it.
func TestNoOpenSSL(t *testing.T) {
	_, err := attach.Open(attach.Options{Processes: []int{os.Getpid()}})
	var own *attach.Error
	if !errors.As(err, &own) {
		t.Fatalf("%v", err)
	}
	if os.Getenv("CI") != "true" && strings.Contains(err.Error(), "missing\n") {
		t.Skip(err)
	}
	if !strings.Contains(err.Error(), "is no PostgreSQL server, and has no OpenSSL") {
		t.Error(err)
	}
}

// loader loads a library and waits for a line.
const loader = `
#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char **argv) {
	if (!dlopen(argv[1], RTLD_NOW)) return 1;
	puts("ready"); fflush(stdout);
	return getchar() < 0;
}
`

// A library that was replaced since a process loaded it is the one that the process has.
func TestLibraryReplaced(t *testing.T) {
	program := compiled(t, loader)
	library := compiled(t, "int SSL_read(void) { return 0; }\nint SSL_write(void) { return 0; }\n", "-shared", "-fPIC")
	path := filepath.Join(filepath.Dir(library), "libssl.so.9")
	if err := os.Rename(library, path); err != nil {
		t.Fatal(err)
	}
	loaded, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cmd, _ := start(t, program, path)
	for _, replaced := range []bool{false, true} {
		if replaced {
			if err := os.WriteFile(path+".new", b, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(path+".new", path); err != nil {
				t.Fatal(err)
			}
		}
		files, err := attach.OpenSSLOf(cmd.Process.Pid)
		if replaced && os.Geteuid() != 0 && errors.Is(err, os.ErrPermission) {
			t.Skip(err)
		}
		if err != nil || len(files) != 1 {
			t.Fatalf("%v, %v", files, err)
		}
		if found, err := os.Stat(files[0]); err != nil || !os.SameFile(found, loaded) {
			t.Errorf("%s is another file, %v", files[0], err)
		}
	}
}
