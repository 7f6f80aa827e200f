//go:build linux

package app

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pgsniff/pgsniff/internal/capture"
)

// TestKernelFilterInKernel sends the packets over virtual Ethernet and lets the
// kernel filter them, which keeps the outer tag beside the packet.
func TestKernelFilterInKernel(t *testing.T) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // the thread ends with this goroutine, the namespace with it
		send := newVeth(t)
		for name, o := range filterOptions {
			for _, wide := range []bool{false, true} {
				inKernel(t, name, &o, wide, send)
			}
		}
	}()
	<-done
}

// inKernel sends all packets and looks which come, on the interface or, with
// wide, on all of them, where packets come without their Ethernet header.
func inKernel(t *testing.T, name string, o *Options, wide bool, send func([]byte)) {
	k, err := newKernelFilter(&o.portFlags, &o.kept, 0)
	if err != nil {
		t.Fatal(err)
	}
	on := "rx0"
	if wide {
		on = capture.AnyInterface
	}
	l, err := capture.OpenLive(capture.LiveOptions{Interfaces: []string{on}, BufferSize: 1 << 20, Filter: k.program})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, p := range filterPackets {
		send(p.data)
	}
	if name == "-f" {
		name = "kernel"
	}
	expected := 0
	for _, p := range filterPackets {
		if p.takenBy(name) && (!wide || !strings.HasPrefix(p.name, "VLAN in VLAN")) {
			if expected++; wide {
				expected++
			}
		}
	}
	// The kernel hands a packet from one end to the other when it has time.
	got := arrived(t, l, expected)
	time.Sleep(50 * time.Millisecond) // what should not come, and doubly tagged ones
	got = append(got, stopped(t, l)...)
	for _, p := range filterPackets {
		if wide && strings.HasPrefix(p.name, "VLAN in VLAN") {
			continue // not to be had there
		}
		n, ip := 0, p.data[12:]
		for tagged(ip) {
			ip = ip[4:]
		}
		ip = ip[2:]
		for _, g := range got {
			if !wide && bytes.Equal(g, p.data) || wide && bytes.HasSuffix(g, ip) && tagged(g) == strings.HasPrefix(p.name, "VLAN") {
				n++
			}
		}
		want := 0
		if p.takenBy(name) {
			if want = 1; wide {
				want = 2 // it went out and came in
			}
		}
		if n != want {
			t.Errorf("%s on %s: %s came %d times, want %d", name, on, p.name, n, want)
		}
	}
}

// tagged tells whether a tag is where an EtherType would be: at the beginning of
// a cooked packet, too.
func tagged(b []byte) bool { return b[0] == 0x81 || b[0] == 0x88 }

// arrived returns the data of the next n packets, or of those that come in time: on a busy
// machine that takes long.
func arrived(t *testing.T, l capture.Live, n int) (list [][]byte) {
	for end := time.Now().Add(time.Minute); len(list) < n && time.Now().Before(end); {
		var p capture.Packet
		switch err := l.Next(&p); {
		case err == nil:
			list = append(list, bytes.Clone(p.Data))
		case errors.Is(err, capture.ErrNoPacket):
			if err := l.Wait(20 * time.Millisecond); err != nil {
				t.Fatal(err)
			}
		default:
			t.Fatal(err)
		}
	}
	return list
}

// stopped stops a capture and returns the data of all its packets.
func stopped(t *testing.T, l capture.Live) (list [][]byte) {
	l.Stop()
	for end := time.Now().Add(time.Minute); ; {
		var p capture.Packet
		switch err := l.Next(&p); {
		case err == nil:
			list = append(list, bytes.Clone(p.Data))
		case errors.Is(err, io.EOF):
			return list
		case !errors.Is(err, capture.ErrNoPacket), time.Now().After(end):
			t.Fatal(err)
		default:
			if err := l.Wait(20 * time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// newVeth makes a network namespace of this thread's own with virtual Ethernet from
// tx0 to rx0, and returns what sends on it. It skips the test without the
// rights.
func newVeth(t *testing.T) func([]byte) {
	lacking := func(what string, err error) {
		if os.Getenv("CI") == "true" {
			t.Errorf("%s: %v", what, err)
			runtime.Goexit()
		}
		t.Skipf("%s: %v", what, err)
	}
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		lacking("no network namespaces", err)
	}
	for _, c := range []string{"link add tx0 type veth peer name rx0", "link set tx0 up", "link set rx0 up"} {
		if out, err := exec.Command("ip", strings.Fields(c)...).CombinedOutput(); err != nil {
			lacking("ip "+c+": "+string(out), err)
		}
	}
	i, err := net.InterfaceByName("tx0")
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: i.Index}); err != nil {
		t.Fatal(err)
	}
	return func(b []byte) {
		if _, err := unix.Write(fd, b); err != nil {
			t.Errorf("sending: %v", err)
		}
	}
}
