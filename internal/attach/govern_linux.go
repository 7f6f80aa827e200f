//go:build amd64 || arm64

package attach

import (
	"debug/elf"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// timing is what the probes that tell what servers' work took need while these come and
// go.
type timing struct {
	sync.Mutex // of what changes while the governing goroutine runs
	links      []link.Link
	programs   []*timedProgram
	progs      map[string]*ebpf.Program
	away       atomic.Bool
	stop       chan struct{} // nil: nobody governs
	done       sync.WaitGroup
}

// timedProgram is a server's program that has such probes. It is kept open: who gave
// privileges up could not open that of another's process again.
type timedProgram struct {
	*link.Executable
	file    *os.File
	path    string // for messages
	version string
	found   []probeSite
}

// openTimed returns nil for a program without probes, or one that cannot be read, which
// what follows tells.
func openTimed(path string) *timedProgram {
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	p := &timedProgram{file: file, path: path}
	if f, err := elf.NewFile(file); err == nil {
		p.found, p.version = timingProbes(f), versionOf(f)
	}
	if len(p.found) > 0 {
		if p.Executable, err = link.OpenExecutable(fmt.Sprintf("/proc/self/fd/%d", file.Fd())); err == nil {
			return p
		}
	}
	_ = file.Close()
	return nil
}

// end takes the probes away for good.
func (t *timing) end() {
	if t.stop != nil {
		close(t.stop)
		t.done.Wait()
	}
	t.detach()
	for _, p := range t.progs {
		_ = p.Close()
	}
	for _, p := range t.programs {
		_ = p.file.Close()
	}
}

func (t *timing) detach() {
	for _, l := range t.links {
		_ = l.Close()
	}
	t.links = nil
}

// governTime is how often it is looked at what the probes cost. Variable for tests.
var governTime = 250 * time.Millisecond

// govern keeps what the probes cost below a share of the host's processors.
func (s *source) govern(share float64) {
	t := &s.timing
	if len(t.programs) == 0 {
		return
	}
	t.stop = make(chan struct{})
	p := newPace(share, runtime.NumCPU())
	t.done.Go(func() {
		tick := time.NewTicker(governTime)
		defer tick.Stop()
		for last := time.Now(); ; {
			select {
			case <-t.stop:
				return
			case <-tick.C:
			}
			now := time.Now()
			away := p.next(s.counted.at(stagesBegun), s.stream.reads.Load(), now.Sub(last))
			last = now
			if away == t.away.Load() {
				continue
			}
			if !s.timesAway(away) {
				return
			}
		}
	})
}

// timesAway takes the probes away or puts them back. It reports whether that may be asked
// for again.
func (s *source) timesAway(away bool) bool {
	t := &s.timing
	t.Lock()
	defer t.Unlock()
	s.counted.add(timesEpoch) // what goes on is not known in full
	t.away.Store(away)
	if away {
		t.detach()
		return true
	}
	for _, p := range t.programs {
		if err := s.attachTimed(p); err != nil {
			// Before Linux 6.6 that takes a capability which was given up.
			t.detach()
			t.away.Store(true)
			return false
		}
	}
	return true
}
