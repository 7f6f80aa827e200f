package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// onWire runs f in a network namespace of its own that has virtual Ethernet
// from tx0 to rx0, with room for the largest segments. It skips the test without
// the rights.
func onWire(t *testing.T, f func(t *testing.T, send func(frame []byte))) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // the thread ends with this goroutine, the namespace with it
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			lacking(t, "no network namespaces: %v", err)
		}
		for _, c := range []string{
			"link add tx0 type veth peer name rx0", "link set tx0 mtu 65535 up", "link set rx0 mtu 65535 up", "link set lo up",
		} {
			if out, err := exec.Command("ip", strings.Fields(c)...).CombinedOutput(); err != nil {
				lacking(t, "ip %s: %v: %s", c, err, out)
			}
		}
		fd := sender(t)
		defer unix.Close(fd)
		f(t, func(frame []byte) {
			t.Helper()
			if _, err := unix.Write(fd, frame); err != nil {
				t.Errorf("sending %d bytes: %v", len(frame), err)
			}
		})
	}()
	<-done
}

func lacking(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Errorf(format, args...)
		runtime.Goexit()
	}
	t.Skipf(format, args...)
}

func sender(t *testing.T) int {
	t.Helper()
	i, err := net.InterfaceByName("tx0")
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Bind(fd, &unix.SockaddrLinklayer{Ifindex: i.Index}); err != nil {
		t.Fatal(err)
	}
	return fd
}

// marker is what the frames of these tests have as their source address, so that
// what the system itself sends is told from them.
var marker = []byte{2, 'p', 'g', 's', 'n', 'f'}

// frame makes an Ethernet frame: tags and the type, then n bytes of payload.
func frame(header string, n int) []byte {
	b := append([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, marker...)
	b = append(b, header...)
	for i := range n {
		b = append(b, byte(i))
	}
	return b
}

// ours lets the marked frames in.
func ours(t FilterTarget) ([]bpf.RawInstruction, error) {
	if t.LinkType != linkEthernet {
		return nil, nil
	}
	return bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 6, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: binary.BigEndian.Uint32(marker), SkipFalse: 1},
		bpf.RetConstant{Val: 1 << 20},
		bpf.RetConstant{Val: 0},
	})
}

// capturing opens a capture on rx0 that is closed at the end of the test.
func capturing(t *testing.T, opt LiveOptions) Live {
	t.Helper()
	if opt.Interfaces == nil {
		opt.Interfaces = []string{"rx0"}
	}
	opt.Filter = ours
	l, err := OpenLive(opt)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// arrived waits until the kernel has taken so many packets, on all interfaces together: it
// hands them over when it has time, which on a busy machine may be long.
func arrived(t *testing.T, l Live, want uint64) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		n := uint64(0)
		for i := range l.Interfaces() {
			n += l.Stats(i).Received
		}
		if n >= want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d of %d packets arrived", n, want)
		}
	}
}

// rest waits until so many packets have arrived, and for some that should not, stops a
// capture and returns all its packets.
func rest(t *testing.T, l Live, want uint64) (list []Packet) {
	t.Helper()
	arrived(t, l, want)
	time.Sleep(50 * time.Millisecond)
	l.Stop()
	var p Packet
	for end := time.Now().Add(time.Minute); ; {
		switch err := l.Next(&p); {
		case err == nil:
			p.Data = bytes.Clone(p.Data)
			list = append(list, p)
		case errors.Is(err, io.EOF):
			return list
		case !errors.Is(err, ErrNoPacket):
			t.Fatal(err)
		case time.Now().After(end):
			t.Fatal("a stopped capture does not end")
		default:
			if err := l.Wait(50 * time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestLiveFrames sends frames and wants the very same ones, in order, those just
// before the stop among them.
func TestLiveFrames(t *testing.T) {
	frames := [][]byte{
		frame("\x08\x00", 50),
		frame("\x81\x00\x00\x07\x08\x00", 60),                 // the kernel takes this tag off
		frame("\x88\xa8\x20\x01\x81\x00\x00\x07\x08\x00", 60), // of these, the outer one
		frame("\x86\xdd", 65_000),
	}
	onWire(t, func(t *testing.T, send func([]byte)) {
		l := capturing(t, LiveOptions{})
		defer l.Close()
		before := time.Now()
		for _, f := range frames {
			send(f)
		}
		got := rest(t, l, uint64(len(frames)))
		if len(got) != len(frames) {
			t.Fatalf("%d frames, want %d", len(got), len(frames))
		}
		for i, p := range got {
			if !bytes.Equal(p.Data, frames[i]) {
				t.Errorf("frame %d is\n% x, want\n% x", i, p.Data[:min(40, len(p.Data))], frames[i][:40])
			}
			if p.OrigLen != len(frames[i]) || p.LinkType != linkEthernet || p.Frame != uint64(i+1) || p.Interface != 0 {
				t.Errorf("frame %d: %d bytes, link type %d, number %d, interface %d", i, p.OrigLen, p.LinkType, p.Frame, p.Interface)
			}
			if at := time.Unix(0, p.Time); at.Before(before.Add(-time.Second)) || at.After(time.Now().Add(time.Second)) {
				t.Errorf("frame %d came at %v", i, at)
			}
		}
		if s := l.Stats(0); s.Received != uint64(len(frames)) || s.Dropped != 0 {
			t.Errorf("statistics are %+v", s)
		}
	})
}

// TestLiveCooked captures on all interfaces: packets get the header of
// LINKTYPE_LINUX_SLL2 (https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html).
func TestLiveCooked(t *testing.T) {
	onWire(t, func(t *testing.T, send func([]byte)) {
		l := capturing(t, LiveOptions{Interfaces: []string{AnyInterface}})
		defer l.Close()
		rx, err := net.InterfaceByName("rx0")
		if err != nil {
			t.Fatal(err)
		}
		send(frame("\x08\x00", 60))
		send(frame("\x81\x00\x00\x07\x08\x00", 60))
		var want [2][]byte
		for i, protocol := range []string{"\x08\x00", "\x81\x00"} {
			b := append([]byte(protocol), 0, 0)
			b = binary.BigEndian.AppendUint32(b, uint32(rx.Index))
			b = append(b, 0, 1, unix.PACKET_BROADCAST, 6)
			b = append(append(b, marker...), 0, 0)
			if i == 1 {
				b = append(b, "\x00\x07\x08\x00"...)
			}
			want[i] = append(b, frame("", 60)[12:]...)
		}
		var got []Packet
		for _, p := range rest(t, l, 4) { // as they leave and as they come
			if len(p.Data) >= 20 && bytes.Equal(p.Data[12:18], marker) && int(binary.BigEndian.Uint32(p.Data[4:])) == rx.Index {
				got = append(got, p)
			}
		}
		if len(got) != 2 {
			t.Fatalf("%d packets came in on rx0", len(got))
		}
		for i, p := range got {
			if !bytes.Equal(p.Data, want[i]) || p.LinkType != linkSLL2 || p.OrigLen != len(want[i]) {
				t.Errorf("link type %d, %d bytes\n% x, want\n% x", p.LinkType, p.OrigLen, p.Data, want[i])
			}
		}
	})
}

// TestLiveLoopback wants each packet on lo once, on lo and on any.
func TestLiveLoopback(t *testing.T) {
	onWire(t, func(t *testing.T, _ func([]byte)) {
		for _, name := range []string{"lo", AnyInterface} {
			l, err := OpenLive(LiveOptions{Interfaces: []string{name}})
			if err != nil {
				t.Fatal(err)
			}
			conn, err := net.Dial("udp", "127.0.0.1:9")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Write([]byte("once upon a time")); err != nil {
				t.Fatal(err)
			}
			conn.Close()
			n := 0
			for _, p := range rest(t, l, 1) {
				// The refusal quotes the packet; the packet itself has it at its end.
				if bytes.HasSuffix(p.Data, []byte("once upon a time")) && len(p.Data) < 14+20+8+20+20 {
					n++
				}
			}
			if n != 1 {
				t.Errorf("%s: the packet came %d times", name, n)
			}
			l.Close()
		}
	})
}

// TestLiveSnapLen cuts packets and keeps their length.
func TestLiveSnapLen(t *testing.T) {
	onWire(t, func(t *testing.T, send func([]byte)) {
		l := capturing(t, LiveOptions{SnapLen: 100})
		defer l.Close()
		send(frame("\x08\x00", 1000))
		got := rest(t, l, 1)
		if len(got) != 1 || len(got[0].Data) != 100 || got[0].OrigLen != 1014 {
			t.Errorf("got %+v", got)
		}
	})
}

// TestLiveDrops fills the buffer: what does not fit is counted, all else comes.
func TestLiveDrops(t *testing.T) {
	onWire(t, func(t *testing.T, send func([]byte)) {
		l := capturing(t, LiveOptions{BufferSize: 1})
		defer l.Close()
		const sent = 100
		for range sent {
			send(frame("\x08\x00", 30_000))
		}
		got := rest(t, l, sent)
		s := l.Stats(0)
		if s.Received != sent || s.Dropped == 0 || s.Dropped+uint64(len(got)) != sent {
			t.Errorf("%d sent, %d came, statistics are %+v", sent, len(got), s)
		}
		if again := l.Stats(0); again != s {
			t.Errorf("statistics were %+v, are %+v", s, again)
		}
	})
}

// TestLiveMerge delivers the packets of several interfaces by time.
func TestLiveMerge(t *testing.T) {
	onWire(t, func(t *testing.T, send func([]byte)) {
		l := capturing(t, LiveOptions{Interfaces: []string{"rx0", "tx0", "rx0"}})
		defer l.Close()
		if n := len(l.Interfaces()); n != 2 {
			t.Fatalf("%d interfaces", n)
		}
		for range 20 {
			send(frame("\x08\x00", 100))
		}
		got := rest(t, l, 40)
		if len(got) != 40 {
			t.Fatalf("%d packets", len(got))
		}
		var n [2]int
		for i, p := range got {
			n[p.Interface]++
			if i > 0 && p.Time < got[i-1].Time {
				t.Errorf("packet %d is %d ns too late", i, got[i-1].Time-p.Time)
			}
		}
		if n != [2]int{20, 20} {
			t.Errorf("%v packets of the interfaces", n)
		}
	})
}

// TestLiveAllocs delivers packets, tagged ones too, without allocating.
func TestLiveAllocs(t *testing.T) {
	onWire(t, func(t *testing.T, send func([]byte)) {
		l := capturing(t, LiveOptions{BufferSize: 4 << 20})
		defer l.Close()
		const packets = 1000
		f := frame("\x81\x00\x00\x07\x08\x00", 60)
		for range packets {
			send(f)
		}
		arrived(t, l, packets)
		var p Packet
		if n := testing.AllocsPerRun(packets-2, func() {
			err := l.Next(&p)
			for err == ErrNoPacket && l.Wait(time.Minute) == nil { // the kernel has it, and hands over some at a time
				err = l.Next(&p)
			}
			if err != nil {
				t.Error(err)
			}
		}); n != 0 {
			t.Errorf("%v allocations a packet", n)
		}
	})
}

// TestLiveWait wakes up for a packet and for Stop, long before its time, and comes
// back without either.
func TestLiveWait(t *testing.T) {
	onWire(t, func(t *testing.T, send func([]byte)) {
		l := capturing(t, LiveOptions{})
		wait := func(d time.Duration) {
			if err := l.Wait(d); err != nil {
				t.Fatal(err)
			}
		}
		var p Packet
		wait(100 * time.Millisecond)
		if err := l.Next(&p); !errors.Is(err, ErrNoPacket) {
			t.Errorf("after an idle wait: %v", err)
		}
		send(frame("\x08\x00", 60))
		// It is longer than go test waits.
		wait(24 * time.Hour)
		if err := l.Next(&p); err != nil {
			t.Error(err)
		}
		time.AfterFunc(50*time.Millisecond, l.Stop)
		wait(24 * time.Hour)
		rest(t, l, 1)
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		l.Stop() // does no harm
	})
}

// TestLiveRefuses checks the errors that users meet.
func TestLiveRefuses(t *testing.T) {
	var missing *InterfaceError
	_, err := OpenLive(LiveOptions{Interfaces: []string{"nosuch0"}})
	if !errors.As(err, &missing) || !strings.Contains(err.Error(), "lo") || !strings.Contains(err.Error(), AnyInterface) {
		t.Errorf("no such interface: %v", err)
	}
	for _, names := range [][]string{nil, {AnyInterface, "lo"}} {
		if l, err := OpenLive(LiveOptions{Interfaces: names}); err == nil {
			l.Close()
			t.Errorf("%q was opened", names)
		}
	}
}

// TestListInterfaces finds the loopback interface.
func TestListInterfaces(t *testing.T) {
	list, err := ListInterfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range list {
		if i.Name == "lo" {
			if i.Type != "loopback" || i.MTU == 0 || i.State == StateUp && len(i.Addresses) == 0 {
				t.Errorf("lo is %+v", i)
			}
			return
		}
	}
	t.Errorf("no lo among %+v", list)
}
