//go:build amd64 || arm64

package attach

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/features"
	"github.com/cilium/ebpf/link"
)

// probe is a program and the function of the server that it goes with.
type probe struct {
	function string
	returns  bool // at its end, not its begin
	program  string
	// needed tells that there is nothing to see without.
	needed bool
}

// They are put there in this order. A reply whose request was not seen is told as such; a
// request whose reply was not seen would get that of the next.
var probes = []probe{
	{function: "secure_write", program: "pgsniff_write", needed: true},
	{function: "secure_write", program: "pgsniff_wrote", returns: true, needed: true},
	{function: "secure_read", program: "pgsniff_read", needed: true},
	{function: "secure_read", program: "pgsniff_readen", returns: true, needed: true},
	{function: "pq_init", program: "pgsniff_began"},
	{function: "be_tls_open_server", program: "pgsniff_tls"},
	{function: "be_tls_get_version", program: "pgsniff_tlsver", returns: true},
	{function: "be_tls_get_cipher", program: "pgsniff_cipher", returns: true},
	{function: "secure_open_gssapi", program: "pgsniff_gss"},
}

// oldWay has everything be done as before Linux 6.6, for tests.
var oldWay bool

// readTypes is readKernel, but for tests.
var readTypes = readKernel

// exitProgram is the one that goes with the kernel's tracepoint of the end of processes.
const (
	exitProgram    = "pgsniff_exited"
	exitTracepoint = "sched_process_exit"
)

// hasMulti reports whether the kernel has links of several uprobes. The library's test
// needs to read this process's memory, which a process with capabilities that its user
// has not may not.
func hasMulti() bool {
	return !oldWay && (!thisHost().before(6, 6) || features.HaveBPFLinkUprobeMulti() == nil)
}

// compile loads the programs for servers into the kernel.
func (s *source) compile() (map[string]*ebpf.Program, error) {
	m := &s.maps
	m.kernel, s.blind = thisHost().types()
	// The kernel's structures have the numbers of processes on the host.
	if m.kernel != nil && m.namespace == nil && len(s.stream.servers) <= maxAsked {
		m.asked = s.stream.servers
	}
	if s.times {
		var err error
		if s.timing.progs, err = s.programs(m.forTimes()); err != nil {
			return nil, err
		}
	}
	return s.programs(m.forServers(s.times))
}

// forServers are the programs for servers but for those of the times of their work.
func (m *maps) forServers(timed bool) map[string]asm.Instructions {
	return map[string]asm.Instructions{
		"pgsniff_read":   m.called(stateRead, timed),
		"pgsniff_readen": m.ended(recordFrontend, stateRead, stateInput),
		"pgsniff_write":  m.called(stateWrite, timed),
		"pgsniff_wrote":  m.ended(recordBackend, stateWrite, stateOutput),
		"pgsniff_began":  m.began(),
		"pgsniff_tls":    m.told(recordTLS),
		"pgsniff_tlsver": m.named(versionName),
		"pgsniff_cipher": m.named(cipherName),
		"pgsniff_gss":    m.told(recordGSS),
		exitProgram:      m.exited(),
	}
}

// programs loads programs.
func (s *source) programs(sources map[string]asm.Instructions) (map[string]*ebpf.Program, error) {
	progs := make(map[string]*ebpf.Program, len(sources))
	for name, code := range sources {
		p, err := s.program(name, code)
		if err != nil {
			return progs, err
		}
		progs[name] = p
	}
	return progs, nil
}

// atTracepoint are the programs that belong to the kernel's tracepoints.
var atTracepoint = map[string]bool{exitProgram: true, threadProgram: true, receivedProgram: true, sentProgram: true, callProgram: true}

// spec describes one program.
func (s *source) spec(name string, code asm.Instructions) *ebpf.ProgramSpec {
	kind, way := ebpf.Kprobe, ebpf.AttachNone
	switch {
	case atTracepoint[name]:
		kind = ebpf.RawTracepoint
	case s.multi:
		way = ebpf.AttachTraceUprobeMulti
	}
	// The license is about the helper functions that the kernel lets it call.
	return &ebpf.ProgramSpec{
		Name: name, Type: kind, Instructions: code, AttachType: way, License: "Dual MIT/GPL",
		KernelVersion: thisHost().kernelVersion(),
	}
}

// loader is what loads programs for servers.
func (s *source) loader() func(*ebpf.ProgramSpec) (*ebpf.Program, error) {
	if errors.Is(s.blind, errLockedDown) {
		return loadAsIs
	}
	return ebpf.NewProgram
}

// program loads one program.
func (s *source) program(name string, code asm.Instructions) (*ebpf.Program, error) {
	p, err := s.loader()(s.spec(name, code))
	if err != nil {
		return nil, fmt.Errorf("program %s: %w", name, refused(err))
	}
	return p, nil
}

// attach puts the programs where they belong.
func (s *source) attach(paths []string, mayEnd bool) error {
	l, err := link.AttachRawTracepoint(link.RawTracepointOptions{Name: exitTracepoint, Program: s.progs[exitProgram]})
	if err != nil {
		return fmt.Errorf("tracepoint %s: %w", exitTracepoint, refused(err))
	}
	s.links = append(s.links, l)
	var gone error
	attached := false
	for _, path := range distinct(paths) {
		switch err := s.attachToProgram(path); {
		case err == nil:
			attached = true
		case mayEnd && errors.Is(err, fs.ErrNotExist):
			gone = err
		default:
			return err
		}
	}
	if !attached {
		return gone
	}
	return nil
}

func (s *source) attachToProgram(path string) error {
	if err := readable(path); err != nil {
		return err
	}
	x, err := link.OpenExecutable(path)
	if err != nil {
		return err
	}
	if s.times {
		if err := s.attachTimes(path); err != nil {
			return err
		}
	}
	// The ends before the begins: what begins has an end.
	for _, returns := range []bool{true, false} {
		if err := s.attachTo(x, path, returns); err != nil {
			return err
		}
	}
	return nil
}

// readable tells what to do about a file that is no program of this system's form. Where it
// is not there or may not be read, what follows tells better.
func readable(path string) error {
	f, err := elf.Open(path)
	switch {
	case err == nil:
		return f.Close()
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		return nil
	}
	return &Error{
		What:  path + " is no program that could be attached to",
		Help:  "a script may start the server: pgsniff interfaces lists the servers that run, and --attach=PID takes one of them",
		Cause: err,
	}
}

func (s *source) attachTo(x *link.Executable, path string, returns bool) error {
	for _, p := range probes {
		if p.returns != returns {
			continue
		}
		l, err := s.probe(x, &p, s.progs[p.program])
		switch {
		case err == nil:
			s.links = append(s.links, l)
		case errors.Is(err, link.ErrNoSymbol) && !p.needed:
		case errors.Is(err, link.ErrNoSymbol):
			return &Error{
				What: fmt.Sprintf("%s has no function %s", path, p.function),
				Help: "it is not the program of a PostgreSQL server, or one from which even the dynamic symbols were removed",
			}
		default:
			return fmt.Errorf("%s in %s: %w", p.function, path, refused(err))
		}
	}
	return nil
}

// probe puts one program where it belongs. Since Linux 6.6 there is a way that takes
// CAP_BPF and CAP_PERFMON alone; the older one takes CAP_SYS_ADMIN.
func (s *source) probe(x *link.Executable, p *probe, prog *ebpf.Program) (link.Link, error) {
	switch {
	case s.multi && p.returns:
		return x.UretprobeMulti([]string{p.function}, prog, nil)
	case s.multi:
		return x.UprobeMulti([]string{p.function}, prog, nil)
	case p.returns:
		return x.Uretprobe(p.function, prog, nil)
	}
	return x.Uprobe(p.function, prog, nil)
}
