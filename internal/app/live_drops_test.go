package app

import (
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/capture"
)

// dropping is a capture whose kernel drops packets.
type dropping struct {
	capture.Live
	dropped atomic.Uint64
}

func (d *dropping) Interfaces() []capture.LiveInterface { return []capture.LiveInterface{{Name: "x"}} }

func (d *dropping) Stats(int) capture.LiveStats { return capture.LiveStats{Dropped: d.dropped.Load()} }

// notes is standard error that may be looked at meanwhile.
type notes struct {
	sync.Mutex
	text strings.Builder
}

func (n *notes) Write(b []byte) (int, error) {
	n.Lock()
	defer n.Unlock()
	return n.text.Write(b)
}

func (n *notes) has(text string) bool {
	n.Lock()
	defer n.Unlock()
	return strings.Contains(n.text.String(), text)
}

// TestDropsAreToldWhileOutputIsBlocked: the loop stands in a write that nobody reads,
// and what the kernel drops meanwhile is told all the same, once.
func TestDropsAreToldWhileOutputIsBlocked(t *testing.T) {
	errs, d := &notes{}, &dropping{}
	reader, stdout := io.Pipe()
	defer reader.Close()
	r := &run{env: &Env{Out: stdout, Err: errs}, live: &live{Live: d}}
	end := r.watchDrops(time.Millisecond)
	defer end()
	go func() { _, _ = r.env.Out.Write([]byte("blocked")) }()
	d.dropped.Store(7)
	for limit := time.Now().Add(time.Minute); !errs.has("the kernel dropped 7 packets (7 in all)"); time.Sleep(time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("nothing is told")
		}
	}
	end()
	r.tellDrops()
	if n := strings.Count(errs.text.String(), "dropped"); n != 1 || r.live.droppedPackets() != 7 {
		t.Errorf("told %d times, %d counted: %s", n, r.live.droppedPackets(), errs.text.String())
	}
}
