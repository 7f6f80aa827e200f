//go:build amd64 || arm64

package attach

import (
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// pollTime is how often the ring is looked at: the programs wake nobody before much
// waits. It is how late output may come. Coming more often costs more: Go's runtime is
// awake for a while after each time.
const pollTime = 50 * time.Millisecond

// drainTime bounds how long a stopped source waits for records that a program had
// begun to write.
const drainTime = 100 * time.Millisecond

// source is attached.
type source struct {
	maps
	stream  *stream
	reader  *ringReader
	links   []link.Link
	progs   map[string]*ebpf.Program // for servers
	follow  following
	times   bool // Options.Times
	timing  timing
	counted counters
	multi   bool             // the kernel has links of several uprobes
	blind   error            // why programs for servers do not read the kernel's memory; nil: they do
	shared  map[fileKey]bool // files that were attached to for all processes
	waits   waiter
	events  uint64
	clocked time.Time
	stopped atomic.Bool
	until   atomic.Int64 // when Stop was called, by the monotonic clock; 0: it was not
	once    sync.Once
	drained time.Time // when nothing can come any more
	ended   bool
}

// Open attaches to servers. Its error is an *Error, which says what to do.
func Open(opt Options) (Source, error) {
	if len(opt.Programs) == 0 && len(opt.Processes) == 0 {
		return nil, errors.New("no server to attach to")
	}
	s := &source{stream: newStream(opt.Servers), times: opt.Times, multi: hasMulti(), shared: make(map[fileKey]bool)}
	s.namespace = ownNamespace()
	s.stream.parent = func(pid int) int {
		parent, _ := parentOf(fmt.Sprintf("/proc/%d", pid)) // 0 where it is gone
		return parent
	}
	err := s.load()
	if err == nil && len(opt.Programs) > 0 {
		err = s.attachServers(opt.Programs, opt.MayEnd)
	}
	if err == nil && len(opt.Processes) > 0 {
		if err = s.loadOpenSSL(opt.Processes); err == nil {
			err = s.attachOpenSSL(opt.Processes)
		}
	}
	if err != nil {
		_ = s.Close()
		return nil, explain(err)
	}
	s.setClock()
	if len(opt.Servers) == 0 { // servers that will be started have other numbers
		s.follow.watch(opt.Programs)
	}
	if s.times && opt.TimesShare > 0 {
		s.govern(opt.TimesShare)
	}
	return s, nil
}

// attachServers attaches to the programs of servers.
func (s *source) attachServers(programs []string, mayEnd bool) error {
	var err error
	if s.progs, err = s.compile(); err != nil {
		return err
	}
	return s.attach(programs, mayEnd)
}

// load makes the maps and the ring.
func (s *source) load() (err error) {
	raiseMemlock()
	s.ring, err = ebpf.NewMap(&ebpf.MapSpec{Name: "pgsniff_ring", Type: ebpf.RingBuf, MaxEntries: ringSize})
	if err != nil {
		return fmt.Errorf("ring buffer: %w", refused(err))
	}
	s.states, err = ebpf.NewMap(&ebpf.MapSpec{Name: "pgsniff_states", Type: ebpf.Hash, KeySize: 8, ValueSize: stateSize, MaxEntries: maxStates})
	if err != nil {
		return fmt.Errorf("map: %w", refused(err))
	}
	if err = s.loadCounts(); err != nil {
		return err
	}
	if s.reader, err = newRingReader(s.ring.FD(), ringSize); err != nil {
		return err
	}
	return s.waits.open(s.ring.FD())
}

// raiseMemlock is for kernels before 5.11, which count maps as locked memory. Where
// it is not allowed, making the maps tells.
func raiseMemlock() {
	_ = unix.Setrlimit(unix.RLIMIT_MEMLOCK, &unix.Rlimit{Cur: unix.RLIM_INFINITY, Max: unix.RLIM_INFINITY})
}

func (s *source) setClock() {
	now := time.Now()
	if now.Sub(s.clocked) < time.Second {
		return
	}
	s.clocked = now
	// The clocks drift alike; less is a call that took long.
	const tolerance = int64(time.Millisecond)
	if shift := clockShift(); shift-s.stream.shift > tolerance || s.stream.shift-shift > tolerance {
		s.stream.shift = shift
	}
}

// clockShift is the time of day less the monotonic clock, in nanoseconds: as exact as
// the quickest of a few looks at both.
func clockShift() (shift int64) {
	const tries = 8
	least := int64(math.MaxInt64)
	for range tries {
		var before, real, after unix.Timespec
		_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &before) // all Linux has these clocks
		_ = unix.ClockGettime(unix.CLOCK_REALTIME, &real)
		_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &after)
		if took := after.Nano() - before.Nano(); took < least {
			least = took
			shift = real.Nano() - before.Nano() - took/2
		}
	}
	return shift
}

// Next fills e with the next event.
func (s *source) Next(e *Event) error {
	for {
		if s.stream.pop(e) {
			s.events++
			return nil
		}
		if r := s.reader.take(); r != nil {
			if until := s.until.Load(); until != 0 && record(r).after(until) {
				continue
			}
			if s.stream.takeData(r, e) {
				s.events++
				return nil
			}
			s.stream.take(r)
			continue
		}
		if !s.stopped.Load() {
			return ErrNoEvent
		}
		now := time.Now()
		switch {
		case s.ended:
			return io.EOF
		case s.drained.IsZero():
			s.drained = now.Add(drainTime)
			return ErrNoEvent
		case now.Before(s.drained):
			return ErrNoEvent
		}
		s.ended = true
		s.stream.end(now.UnixNano())
	}
}

// Tend looks after what brings no events.
func (s *source) Tend() error {
	s.setClock()
	return s.attachReplaced()
}

// Wait waits until much is in the ring, for pollTime at most.
func (s *source) Wait(d time.Duration) error {
	_, err := s.waits.wait(min(d, pollTime))
	return err
}

// Stop detaches. Programs are taken away from one function after the other, which takes a
// second where the host is busy, and meanwhile some see what others do not: replies, for
// example, whose requests nobody saw. So all ends when that begins.
func (s *source) Stop() {
	s.once.Do(func() {
		var now unix.Timespec
		_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) // all Linux has it
		s.until.Store(now.Nano())
		s.detach()
		s.stopped.Store(true)
		s.waits.end()
	})
}

func (s *source) detach() {
	s.follow.Lock()
	defer s.follow.Unlock()
	s.follow.over = true
	s.timing.end()
	for _, p := range s.progs {
		_ = p.Close()
	}
	for _, l := range s.links {
		_ = l.Close()
	}
}

// Stats returns the totals.
func (s *source) Stats() Stats {
	st := Stats{Events: s.events, Bytes: s.stream.bytes}
	if s.counted.open() {
		st.Lost, st.Crowded, st.Unreadable = s.counted.at(lostRecords), s.counted.at(lostStates), s.counted.at(lostMemory)
	}
	st.Untimed, st.Peerless = s.timing.away.Load(), s.blind
	return st
}

// Close releases everything.
func (s *source) Close() error {
	s.Stop()
	s.waits.close()
	if s.reader != nil {
		s.reader.close()
		s.reader = nil
	}
	s.counted.close()
	for _, m := range []*ebpf.Map{s.ring, s.states, s.counts, s.chosen, s.threads, s.sessions, s.refused} {
		if m != nil {
			_ = m.Close()
		}
	}
	return nil
}
