//go:build linux

package live

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// wire is two network namespaces, joined by virtual Ethernet: a server in the
// one, clients in the other.
type wire struct {
	t              *testing.T
	server, client string // namespaces
	pg             *pgtest.Server
}

const (
	serverAddr     = "10.213.7.1"
	clientAddr     = "10.213.7.2"
	serverVLANAddr = "10.213.8.1"
	clientVLANAddr = "10.213.8.2"
)

// newWire makes the namespaces and starts the server.
func newWire(t *testing.T) *wire {
	t.Helper()
	needCapture(t)
	if os.Geteuid() != 0 {
		missing(t, "only root can make network namespaces")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		missing(t, "ip is not installed (Debian: apt-get install iproute2)")
	}
	w := &wire{t: t, server: fmt.Sprintf("pgsniff-s%d", os.Getpid()), client: fmt.Sprintf("pgsniff-c%d", os.Getpid())}
	for _, n := range []string{w.server, w.client} {
		if out, err := exec.Command("ip", "netns", "add", n).CombinedOutput(); err != nil {
			missing(t, "cannot make a network namespace: %v: %s", err, out)
		}
		t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", n).Run() })
		w.ip(n, "link set lo up")
	}
	w.connect()
	inNamespace(t, w.server, func() {
		w.pg = pgtest.Start(t, pgtest.WithConf("listen_addresses", "*"), pgtest.WithHBA("host all all 10.213.0.0/16 trust"))
	})
	return w
}

// ip runs a command of ip(8) in a namespace.
func (w *wire) ip(namespace, command string) {
	w.t.Helper()
	args := append([]string{"-n", namespace}, strings.Fields(command)...)
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		w.t.Fatalf("ip %s: %v: %s", command, err, out)
	}
}

// connect makes the virtual Ethernet: db0 at the server, app0 at the client.
func (w *wire) connect() {
	w.t.Helper()
	w.ip(w.server, "link add db0 type veth peer name app0 netns "+w.client)
	w.ip(w.server, "address add "+serverAddr+"/24 dev db0")
	w.ip(w.client, "address add "+clientAddr+"/24 dev app0")
	w.ip(w.server, "link set db0 up")
	w.ip(w.client, "link set app0 up")
}

// inNamespace runs f on a thread that is in a namespace, so that the processes it
// starts are, too.
func inNamespace(t *testing.T, namespace string, f func()) {
	t.Helper()
	runtime.LockOSThread()
	home, err := os.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()))
	if err != nil {
		t.Fatal(err)
	}
	defer home.Close()
	there, err := os.Open("/run/netns/" + namespace)
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	if err := unix.Setns(int(there.Fd()), unix.CLONE_NEWNET); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Setns(int(home.Fd()), unix.CLONE_NEWNET); err == nil {
			runtime.UnlockOSThread() // else the thread ends with its goroutine
		}
	}()
	f()
}

// psql sends commands from the client's namespace.
func (w *wire) psql(host string, sql ...string) {
	w.t.Helper()
	args := []string{
		"netns", "exec", w.client, pgtest.Tool(w.t, "psql"), "-X", "-q", "-o", "/dev/null",
		fmt.Sprintf("host=%s port=%d user=%s dbname=postgres connect_timeout=5", host, w.pg.Port, w.pg.SuperUser),
	}
	for _, q := range sql {
		args = append(args, "-c", q)
	}
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		w.t.Fatalf("psql: %v: %s", err, out)
	}
}

// TestEthernet captures psql on virtual Ethernet, through large segments as well.
func TestEthernet(t *testing.T) {
	w := newWire(t)
	p := start(t, w.server, "live", "-i", "db0", "--port", portOf(w.pg), "--json", "--strict", "--view", "messages,stats")
	want := append(numbered(10), "select repeat('x', 300000), generate_series(1, 10)")
	w.psql(serverAddr, want...)
	p.waitFor("the Terminate", 30*time.Second, func() bool { return strings.Contains(p.stdout.String(), `"Terminate"`) })
	if code := p.signal(syscall.SIGINT); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.stderr)
	}
	list := records(t, strings.NewReader(p.stdout.String()))
	if got := queries(t, list); !slices.Equal(got, want) {
		t.Errorf("queries are %q", got)
	}
	rows := 0
	for _, x := range list {
		if x.Msg == "DataRow" {
			rows++
		}
		if x.Lost > 0 {
			t.Errorf("lost bytes: %+v", x)
		}
	}
	if rows != 20 {
		t.Errorf("%d rows, want 20", rows)
	}
}

// TestSeveralInterfaces captures on two interfaces at once.
func TestSeveralInterfaces(t *testing.T) {
	w := newWire(t)
	p := start(t, w.server, "live", "-i", "lo", "-i", "db0", "--port", portOf(w.pg), "--json")
	w.psql(serverAddr, "select 'by wire'")
	inNamespace(t, w.server, func() {
		out, err := exec.Command(pgtest.Tool(t, "psql"), "-X", "-h", "127.0.0.1", "-p", portOf(w.pg), "-U", w.pg.SuperUser,
			"-c", "select 'by loopback'", "postgres").CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	})
	p.waitFor("both", 30*time.Second, func() bool { return strings.Count(p.stdout.String(), `"Terminate"`) == 2 })
	p.signal(syscall.SIGINT)
	want := []string{"select 'by wire'", "select 'by loopback'"}
	if got := queries(t, records(t, strings.NewReader(p.stdout.String()))); !slices.Equal(got, want) {
		t.Errorf("queries are %q", got)
	}
}

// TestInterfaceDown goes on when an interface comes up again, and when it is
// removed and made anew.
func TestInterfaceDown(t *testing.T) {
	w := newWire(t)
	p := start(t, w.server, "live", "-i", "db0", "--port", portOf(w.pg))
	see := func(what string) {
		t.Helper()
		w.psql(serverAddr, "select '"+what+"'")
		p.waitFor(what, 30*time.Second, func() bool { return strings.Contains(p.stdout.String(), "select '"+what+"'") })
	}
	says := func(text string, n int) {
		t.Helper()
		p.waitFor(text, 30*time.Second, func() bool { return strings.Count(p.stderr.String(), text) == n })
	}
	see("before")
	w.ip(w.server, "link set db0 down")
	says("db0 is down", 1)
	w.ip(w.server, "link set db0 up")
	says("db0 is up again", 1)
	see("after down")

	w.ip(w.server, "link del db0")
	says("db0 is down", 2)
	w.connect()
	says("db0 is up again", 2)
	see("after removal")
	if code := p.signal(syscall.SIGINT); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.stderr)
	}
}

// TestVLAN captures tagged packets below the VLAN, where the kernel keeps the tag
// beside the packet, and writes them with it.
func TestVLAN(t *testing.T) {
	w := newWire(t)
	if out, err := exec.Command("ip", "-n", w.server, "link", "add", "link", "db0", "name", "db0.7", "type", "vlan", "id", "7").CombinedOutput(); err != nil {
		// A kernel without the module is no tool that could be installed. Tagged
		// frames sent raw cover the tags in internal/ring.
		t.Skipf("this kernel has no VLANs: %v: %s", err, out)
	}
	w.ip(w.client, "link add link app0 name app0.7 type vlan id 7")
	w.ip(w.server, "address add "+serverVLANAddr+"/24 dev db0.7")
	w.ip(w.client, "address add "+clientVLANAddr+"/24 dev app0.7")
	w.ip(w.server, "link set db0.7 up")
	w.ip(w.client, "link set app0.7 up")
	for _, offload := range []bool{true, false} {
		// Without it the sender's tags are part of the packets already.
		if !offload && offloadOff(t, w) != nil {
			continue
		}
		for _, c := range []struct {
			name string
			args []string
			want bool
		}{
			{"db0", nil, true},
			{"db0", []string{"-f", "vlan 7"}, true},
			{"db0", []string{"-f", "vlan 8"}, false},
			{"db0", []string{"-f", "host " + clientVLANAddr}, true},
			{"db0.7", nil, true},
			{"any", nil, true},
		} {
			path := filepath.Join(t.TempDir(), "x.pcapng")
			p := start(t, w.server, append([]string{"live", "-i", c.name, "--port", portOf(w.pg), "-w", path}, c.args...)...)
			w.psql(serverVLANAddr, "select 'tagged'")
			if c.want {
				p.waitFor("the query", 30*time.Second, func() bool { return strings.Contains(p.stdout.String(), "Terminate") })
			}
			p.signal(syscall.SIGINT)
			if got := strings.Contains(p.stdout.String(), "select 'tagged'"); got != c.want {
				t.Errorf("offload %v, %s %q: seen: %v\n%s", offload, c.name, c.args, got, p.stderr)
			}
			if c.name == "db0" && c.want {
				checkTags(t, path)
			}
		}
	}
}

// offloadOff switches VLAN offloading off on both ends.
func offloadOff(t *testing.T, w *wire) error {
	for ns, dev := range map[string]string{w.server: "db0", w.client: "app0"} {
		if out, err := exec.Command("ip", "netns", "exec", ns, "ethtool", "-K", dev, "txvlan", "off", "rxvlan", "off").CombinedOutput(); err != nil {
			t.Logf("VLAN offloading stays on: %v: %s", err, out)
			return err
		}
	}
	return nil
}

// checkTags expects the tag of VLAN 7 in every packet of a file.
func checkTags(t *testing.T, path string) {
	t.Helper()
	f, err := capture.OpenFiles([]string{path}, capture.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var p capture.Packet
	n := 0
	for ; ; n++ {
		if err := f.Next(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if want := "\x81\x00\x00\x07\x08\x00"; len(p.Data) < 18 || string(p.Data[12:18]) != want {
			t.Errorf("packet %d: % x", p.Frame, p.Data[:min(len(p.Data), 24)])
		}
	}
	if n < 10 {
		t.Errorf("%d packets", n)
	}
}
