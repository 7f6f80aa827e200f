//go:build amd64 || arm64

package attach

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// attachTimes puts the programs at the probes that tell what the server's work took;
// a program without probes, or without the functions that tell of errors, has none.
func (s *source) attachTimes(path string) error {
	p := openTimed(path)
	if p == nil {
		return nil
	}
	s.timing.Lock()
	defer s.timing.Unlock()
	s.timing.programs = append(s.timing.programs, p)
	if s.timing.away.Load() {
		return nil // it will be attached to when they are put back
	}
	return s.attachTimed(p)
}

// attachTimed puts the programs at one server's probes.
func (s *source) attachTimed(p *timedProgram) error {
	progs := s.timing.progs
	if ok, err := s.beside(p, "AbortCurrentTransaction", progs[abortProgram]); !ok {
		return err
	}
	for _, st := range stages {
		if err := s.pair(p, sites(p.found, st.end), progs[st.program+"_e"], sites(p.found, st.begin), progs[st.program+"_b"]); err != nil {
			return err
		}
	}
	return s.attachLocks(p)
}

// beside puts a program at a function, if the server has that.
func (s *source) beside(p *timedProgram, function string, prog *ebpf.Program) (bool, error) {
	l, err := s.probe(p.Executable, &probe{function: function}, prog)
	if errors.Is(err, link.ErrNoSymbol) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%s in %s: %w", function, p.path, refused(err))
	}
	s.timing.links = append(s.timing.links, l)
	return true, nil
}

// pair attaches to the end and to the begin of something, if both are there: what
// begins has an end.
func (s *source) pair(p *timedProgram, ends []probeSite, end *ebpf.Program, begins []probeSite, begin *ebpf.Program) error {
	if len(ends) == 0 || len(begins) == 0 {
		return nil
	}
	if err := s.sites(p, ends, end); err != nil {
		return err
	}
	return s.sites(p, begins, begin)
}

// attachLocks is for waits for locks, which errors may end, too: all that are thrown come
// through one function. LockErrorCleanup would tell as well, but servers call it at the end
// of each transaction, and that much more often the kernel would be entered.
func (s *source) attachLocks(p *timedProgram) error {
	if ok, err := s.beside(p, "pg_re_throw", s.timing.progs[lockEndProgram]); !ok {
		return err
	}
	begins, ends := sites(p.found, "lock__wait__start"), sites(p.found, "lock__wait__done")
	if len(begins) == 0 || len(ends) == 0 {
		return nil
	}
	if err := s.sites(p, ends, s.timing.progs[lockEndProgram]); err != nil {
		return err
	}
	for i, begin := range begins {
		prog, err := s.lockProgram(p, i)
		if err != nil {
			return err
		}
		if err := s.sites(p, []probeSite{begin}, prog); err != nil {
			return err
		}
	}
	return nil
}

// lockProgram is the program for one place where waits for locks begin: it knows where the
// arguments are there.
func (s *source) lockProgram(p *timedProgram, place int) (*ebpf.Program, error) {
	name := fmt.Sprintf("%s %d", p.path, place)
	if prog := s.timing.progs[name]; prog != nil {
		return prog, nil
	}
	var tag []operand
	if number(p.version) >= oldestTags {
		if tag = operands(sites(p.found, "lock__wait__start")[place].arguments); len(tag) != len(tagFields) {
			tag = nil
		}
	}
	prog, err := s.program("pgsniff_lock", s.lockBegins(tag))
	if err == nil {
		s.timing.progs[name] = prog
	}
	return prog, err
}

// number is the first of a version's: 15 of "15.14"; 0 if there is none.
func number(version string) int {
	end := strings.IndexFunc(version, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(version)
	}
	n, _ := strconv.Atoi(version[:end])
	return n
}

// sites puts a program at places. The kernel raises the probes' counters, which tell
// a program that somebody listens, and lowers them when the links go.
func (s *source) sites(x *timedProgram, at []probeSite, p *ebpf.Program) error {
	if !s.multi {
		for _, site := range at {
			l, err := x.Uprobe("", p, &link.UprobeOptions{Address: site.offset, RefCtrOffset: site.semaphore})
			if err != nil {
				return fmt.Errorf("%s in %s: %w", site.name, x.path, refused(err))
			}
			s.timing.links = append(s.timing.links, l)
		}
		return nil
	}
	var o link.UprobeMultiOptions
	for _, site := range at {
		o.Addresses, o.RefCtrOffsets = append(o.Addresses, site.offset), append(o.RefCtrOffsets, site.semaphore)
	}
	l, err := x.UprobeMulti(nil, p, &o)
	if err != nil {
		return fmt.Errorf("%s in %s: %w", at[0].name, x.path, refused(err))
	}
	s.timing.links = append(s.timing.links, l)
	return nil
}
