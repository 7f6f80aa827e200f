//go:build amd64 || arm64

package attach

import (
	"debug/elf"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// attachTimes puts the programs at the probes that tell what the server's work took;
// a program without probes, or without the function that ends what an error cut off, has
// none.
func (s *source) attachTimes(x *link.Executable, path string, progs map[string]*ebpf.Program) error {
	f, err := elf.Open(path)
	if err != nil {
		return nil //nolint:nilerr // what follows tells of a program that cannot be read
	}
	defer f.Close()
	found := timingProbes(f)
	if len(found) == 0 {
		return nil
	}
	abort := probe{function: "AbortCurrentTransaction"}
	l, err := s.probe(x, &abort, progs[abortProgram])
	if errors.Is(err, link.ErrNoSymbol) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s in %s: %w", abort.function, path, refused(err))
	}
	s.links = append(s.links, l)
	for _, st := range stages {
		if err := s.pair(x, path, sites(found, st.end), progs[st.program+"_e"], sites(found, st.begin), progs[st.program+"_b"]); err != nil {
			return err
		}
	}
	return s.attachLocks(x, path, found, versionOf(f), progs)
}

// pair attaches to the end and to the begin of something, if both are there: what
// begins has an end.
func (s *source) pair(x *link.Executable, path string, ends []probeSite, end *ebpf.Program, begins []probeSite, begin *ebpf.Program) error {
	if len(ends) == 0 || len(begins) == 0 {
		return nil
	}
	if err := s.sites(x, path, ends, end); err != nil {
		return err
	}
	return s.sites(x, path, begins, begin)
}

// attachLocks is for waits for locks, which errors may end, too.
func (s *source) attachLocks(x *link.Executable, path string, found []probeSite, version string, progs map[string]*ebpf.Program) error {
	cleanup := probe{function: "LockErrorCleanup"}
	l, err := s.probe(x, &cleanup, progs[lockEndProgram])
	if errors.Is(err, link.ErrNoSymbol) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s in %s: %w", cleanup.function, path, refused(err))
	}
	s.links = append(s.links, l)
	begins, ends := sites(found, "lock__wait__start"), sites(found, "lock__wait__done")
	if len(begins) == 0 || len(ends) == 0 {
		return nil
	}
	if err := s.sites(x, path, ends, progs[lockEndProgram]); err != nil {
		return err
	}
	for _, begin := range begins {
		var tag []operand
		if number(version) >= oldestTags {
			if tag = operands(begin.arguments); len(tag) != len(tagFields) {
				tag = nil
			}
		}
		p, err := s.program("pgsniff_lock", s.lockBegins(tag))
		if err != nil {
			return err
		}
		err = s.sites(x, path, []probeSite{begin}, p)
		_ = p.Close() // the link holds it
		if err != nil {
			return err
		}
	}
	return nil
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
func (s *source) sites(x *link.Executable, path string, at []probeSite, p *ebpf.Program) error {
	if !s.multi {
		for _, site := range at {
			l, err := x.Uprobe("", p, &link.UprobeOptions{Address: site.offset, RefCtrOffset: site.semaphore})
			if err != nil {
				return fmt.Errorf("%s in %s: %w", site.name, path, refused(err))
			}
			s.links = append(s.links, l)
		}
		return nil
	}
	var o link.UprobeMultiOptions
	for _, site := range at {
		o.Addresses, o.RefCtrOffsets = append(o.Addresses, site.offset), append(o.RefCtrOffsets, site.semaphore)
	}
	l, err := x.UprobeMulti(nil, p, &o)
	if err != nil {
		return fmt.Errorf("%s in %s: %w", at[0].name, path, refused(err))
	}
	s.links = append(s.links, l)
	return nil
}
