package ring

import (
	"bytes"
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// open opens a ring that is closed at the end of the test, or skips the test
// without the right to.
func open(t *testing.T, opt Options) *Ring {
	t.Helper()
	r, err := Open(opt)
	if errors.Is(err, os.ErrPermission) && os.Getenv("CI") != "true" {
		t.Skipf("no right to capture: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func loopback(t *testing.T) int {
	t.Helper()
	i, err := net.InterfaceByName("lo")
	if err != nil {
		t.Skip(err)
	}
	return i.Index
}

// toPort accepts UDP to a port over IPv4.
func toPort(t *testing.T, port int) []bpf.RawInstruction {
	t.Helper()
	code, err := bpf.Assemble([]bpf.Instruction{
		bpf.LoadAbsolute{Off: 12, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0x0800, SkipFalse: 5},
		bpf.LoadAbsolute{Off: 23, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 17, SkipFalse: 3},
		bpf.LoadAbsolute{Off: 36, Size: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(port), SkipFalse: 1},
		bpf.RetConstant{Val: 1 << 20},
		bpf.RetConstant{Val: 0},
	})
	if err != nil {
		t.Fatal(err)
	}
	return code
}

// listen returns a UDP socket that nobody reads, and its port.
func listen(t *testing.T) (*net.UDPConn, int) {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, c.LocalAddr().(*net.UDPAddr).Port
}

func send(t *testing.T, c *net.UDPConn, b []byte) {
	t.Helper()
	if _, err := c.WriteTo(b, c.LocalAddr()); err != nil {
		t.Fatal(err)
	}
}

// next waits for a packet.
func next(t *testing.T, r *Ring, p *Packet) bool {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if r.Next(p) {
			return true
		}
	}
	return false
}

// TestFilterFromTheStart opens rings while other packets fly: not one of them may
// come in before the filter.
func TestFilterFromTheStart(t *testing.T) {
	index := loopback(t)
	noise, _ := listen(t)
	wanted, port := listen(t)
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			select {
			case <-stop:
				return
			default:
				_, _ = noise.WriteTo([]byte("noise"), noise.LocalAddr())
			}
		}
	}()
	for range 20 {
		r := open(t, Options{Index: index, Size: MinSize, Filter: toPort(t, port), IgnoreOutgoing: true})
		send(t, wanted, []byte("wanted"))
		var p Packet
		if !next(t, r, &p) {
			t.Fatal("nothing came")
		}
		if !bytes.HasSuffix(p.Data, []byte("wanted")) {
			t.Fatalf("% x slipped in", p.Data)
		}
	}
}

// TestRing walks through many packets of all lengths, more than the ring holds.
func TestRing(t *testing.T) {
	c, port := listen(t)
	r := open(t, Options{Index: loopback(t), Size: MinSize, Filter: toPort(t, port), IgnoreOutgoing: true})
	content := make([]byte, 60_000)
	for i := range content {
		content[i] = byte(i * 7)
	}
	const headers = 14 + 20 + 8
	var p Packet
	total, n := 0, 0
	for size := 1; total < 3*MinSize; {
		before := time.Now()
		var sizes [8]int
		for i := range sizes {
			sizes[i] = size
			send(t, c, content[:size])
			total += size
			size = size*3%59_999 + 1
		}
		for _, size := range sizes {
			if n++; !next(t, r, &p) {
				t.Fatalf("packet %d did not come", n)
			}
			if len(p.Data) != headers+size || p.Len != headers+size || !bytes.Equal(p.Data[headers:], content[:size]) {
				t.Fatalf("packet %d: %d bytes, length %d, want %d", n, len(p.Data), p.Len, headers+size)
			}
			if p.Type != unix.PACKET_HOST || p.Protocol != unix.ETH_P_IP || p.HardwareType != unix.ARPHRD_LOOPBACK || p.Tagged {
				t.Fatalf("packet %d: %+v", n, p)
			}
			if at := time.Unix(0, p.Time); at.Before(before.Add(-time.Second)) || at.After(time.Now().Add(time.Second)) {
				t.Fatalf("packet %d came at %v, was sent at %v", n, at, before)
			}
		}
	}
	if got := r.Counts(); got.Received != uint64(n) || got.Dropped != 0 {
		t.Errorf("%+v of %d packets", got, n)
	}
}

// TestPrepend makes room before a packet, within what there is.
func TestPrepend(t *testing.T) {
	c, port := listen(t)
	r := open(t, Options{Index: loopback(t), Size: MinSize, Filter: toPort(t, port), IgnoreOutgoing: true})
	var p Packet
	for range 3 {
		send(t, c, []byte("hello"))
		if !next(t, r, &p) {
			t.Fatal("nothing came")
		}
		old := bytes.Clone(p.Data)
		if !p.Prepend(4) || !p.Prepend(28) || len(p.Data) != len(old)+32 || !bytes.Equal(p.Data[32:], old) {
			t.Errorf("%d bytes became %d", len(old), len(p.Data))
		}
		for i := range 32 {
			p.Data[i] = 0xff // must not harm what comes next
		}
		if p.Prepend(1000) {
			t.Error("there is no room for that")
		}
	}
}

func TestSetFilterRefuses(t *testing.T) {
	r := open(t, Options{Index: loopback(t), Size: MinSize})
	for _, n := range []int{0, 4097} {
		if err := r.SetFilter(make([]bpf.RawInstruction, n)); err == nil {
			t.Errorf("%d instructions were taken", n)
		}
	}
	if err := r.SetFilter([]bpf.RawInstruction{{Op: 0xffff}}); err == nil {
		t.Error("an instruction that is none was taken")
	}
}

// TestState tells of an interface that is down.
func TestState(t *testing.T) {
	r := open(t, Options{Index: loopback(t), Size: MinSize})
	if err := r.State(); err != nil {
		t.Errorf("lo: %v", err)
	}
	if err := r.Rebind(1 << 30); !errors.Is(err, unix.ENODEV) {
		t.Errorf("no such interface: %v", err)
	}
}
