package codec

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// flow is what one side of a captured connection sent, as it was sent.
type flow struct {
	stream
	name     string
	segments []int // payload sizes; they sum to the length of the stream
	startup  int   // bytes before the first message with a type byte
}

// phaseAt tells a phase that frames the bytes at the offset as they are.
func (f *flow) phaseAt(at int) messages.Phase {
	switch {
	case at >= f.startup:
		return messages.PhaseReady
	case f.dir == messages.Frontend:
		return messages.PhaseStartup
	case f.wire[at] == 'G':
		return messages.PhaseGSSNegotiation
	}
	return messages.PhaseSSLNegotiation
}

// pcapDir is where the captures are: those of the repository, or a larger
// collection that PGSNIFF_PCAPS names.
func pcapDir() string {
	if dir := os.Getenv("PGSNIFF_PCAPS"); dir != "" {
		return dir
	}
	return filepath.Join("..", "..", "testdata", "pcaps")
}

// flowsOf reads the connections of a capture that was taken without loss:
// Ethernet or Linux cooked, IPv4, in order or nearly so.
func flowsOf(t testing.TB, name string) []*flow {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(pcapDir(), name+".pcap"))
	if err != nil {
		t.Fatal(err)
	}
	if len(data) < 24 || binary.LittleEndian.Uint32(data) != 0xa1b2c3d4 {
		t.Fatalf("%s is not a capture as this test reads them", name)
	}
	link := map[uint32]int{1: 14, 113: 16, 276: 20}[binary.LittleEndian.Uint32(data[20:])]
	if link == 0 {
		t.Fatalf("%s: link type %d", name, binary.LittleEndian.Uint32(data[20:]))
	}
	asm := map[[2]netip.AddrPort]*half{}
	var order []*half
	for data = data[24:]; len(data) >= 16; {
		n := int(binary.LittleEndian.Uint32(data[8:]))
		pkt := data[16 : 16+n]
		data = data[16+n:]
		h, ok := addPacket(asm, pkt[link:])
		if ok {
			order = append(order, h)
		}
	}
	var flows []*flow
	for _, h := range order {
		if f := h.flow(name, asm[[2]netip.AddrPort{h.ends[1], h.ends[0]}]); f != nil {
			flows = append(flows, f)
		}
	}
	if len(flows) == 0 {
		t.Fatalf("%s: no flows", name)
	}
	return flows
}

// half collects one direction of a TCP connection.
type half struct {
	ends     [2]netip.AddrPort
	next     uint32
	wire     []byte
	segments []int
	broken   bool
}

func addPacket(asm map[[2]netip.AddrPort]*half, ip []byte) (h *half, isNew bool) {
	if len(ip) < 40 || ip[0]>>4 != 4 || ip[9] != 6 {
		return nil, false
	}
	head := int(ip[0]&15) * 4
	if total := int(binary.BigEndian.Uint16(ip[2:])); total > 0 {
		ip = ip[:min(total, len(ip))]
	}
	tcp := ip[head:]
	src, _ := netip.AddrFromSlice(ip[12:16])
	dst, _ := netip.AddrFromSlice(ip[16:20])
	ends := [2]netip.AddrPort{
		netip.AddrPortFrom(src, binary.BigEndian.Uint16(tcp)),
		netip.AddrPortFrom(dst, binary.BigEndian.Uint16(tcp[2:])),
	}
	seq, body := binary.BigEndian.Uint32(tcp[4:]), tcp[int(tcp[12]>>4)*4:]
	if h = asm[ends]; h == nil {
		h = &half{ends: ends, next: seq}
		asm[ends] = h
		isNew = true
	}
	if tcp[13]&2 != 0 { // SYN
		h.next = seq + 1
		return h, isNew
	}
	switch ahead := int32(seq - h.next); {
	case ahead > 0: // the FIN counts too
		h.broken = h.broken || len(body) > 0
	case int(-ahead) < len(body):
		body = body[-ahead:]
		h.next += uint32(len(body))
		h.wire = append(h.wire, body...)
		h.segments = append(h.segments, len(body))
	}
	return h, isNew
}

// flow cuts the bytes into messages by the plainest of means, nil if they are
// not a whole unencrypted connection.
func (h *half) flow(name string, peer *half) *flow {
	if h.broken || len(h.wire) == 0 || peer == nil {
		return nil
	}
	f := &flow{name: fmt.Sprintf("%s %v", name, h.ends[0]), segments: h.segments}
	requests, client := 0, h
	if h.ends[0].Port() < h.ends[1].Port() {
		f.dir, client = messages.Backend, peer
	}
	b := client.wire
	for len(b) >= 8 {
		n, code := int(binary.BigEndian.Uint32(b)), binary.BigEndian.Uint32(b[4:])
		if n > len(b) || n < 8 {
			return nil
		}
		if code == messages.CodeSSLRequest || code == messages.CodeGSSENCRequest {
			requests++
		}
		if client == h {
			f.add(messages.StartupKindOf(b[4:n]), b[:n])
		}
		b = b[n:]
		if code>>16 == 3 || code == messages.CodeCancelRequest {
			break
		}
	}
	f.startup = len(f.wire)
	if f.dir == messages.Backend {
		b = h.wire
		for range requests {
			if len(b) == 0 || b[0] != 'N' {
				return nil
			}
			f.add(messages.KindSSLResponse, b[:1])
			b = b[1:]
		}
		f.startup = len(f.wire)
	}
	for len(b) > 0 {
		if len(b) < 5 {
			return nil
		}
		n := int(binary.BigEndian.Uint32(b[1:])) + 1
		if n < 5 || n > len(b) {
			return nil
		}
		f.add(messages.KindOf(f.dir, messages.PhaseReady, b[0], b[5:n]), b[:n])
		b = b[n:]
	}
	return f
}

// The captures whose bytes the tests of this package use.
var captures = []string{"base_mix", "copy", "libpq_pipeline", "tiny_mss", "one_byte_segments", "pgx_types"}

func TestCapturesInAnyChunks(t *testing.T) {
	for _, name := range captures {
		for _, f := range flowsOf(t, name) {
			for _, sizes := range [][]int{f.segments, {len(f.wire)}, {1}, {8192}} {
				r := newRun(t, f.dir, 0, StreamOptions{})
				r.phase = f.phaseAt
				r.feedIn(f.wire, sizes...)
				if len(r.skips) != 0 {
					t.Fatalf("%s: skips %v", f.name, r.skips)
				}
				sameFrames(t, f.name, r.frames, f.want)
			}
		}
	}
}

func TestFlowsAreRead(t *testing.T) {
	kinds := map[messages.Kind]int{}
	for _, name := range captures {
		flows := flowsOf(t, name)
		for _, f := range flows {
			if !slices.ContainsFunc(f.want, func(s seen) bool {
				return s.kind == messages.KindStartupMessage || s.kind == messages.KindReadyForQuery || s.kind == messages.KindCancelRequest
			}) {
				t.Errorf("%s: %d messages and none is a StartupMessage or ReadyForQuery", f.name, len(f.want))
			}
			for _, w := range f.want {
				kinds[w.kind]++
			}
		}
	}
	for _, k := range []messages.Kind{messages.KindDataRow, messages.KindCopyData, messages.KindBind, messages.KindSync, messages.KindErrorResponse} {
		if kinds[k] < 5 {
			t.Errorf("%d %v in the captures", kinds[k], k)
		}
	}
}
