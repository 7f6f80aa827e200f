//go:build amd64 || arm64

package attach

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
)

// opensslProbes are the functions of OpenSSL 1.1 and later.
var opensslProbes = []probe{
	{function: "SSL_read", program: "pgsniff_sslread", returns: true, needed: true},
	{function: "SSL_read", program: "pgsniff_sslcall", needed: true},
	{function: "SSL_write", program: "pgsniff_sslwrit", returns: true, needed: true},
	{function: "SSL_write", program: "pgsniff_sslcall", needed: true},
	{function: "SSL_read_ex", program: "pgsniff_sslread", returns: true},
	{function: "SSL_read_ex", program: "pgsniff_sslcalx"},
	{function: "SSL_write_ex", program: "pgsniff_sslwrit", returns: true},
	{function: "SSL_write_ex", program: "pgsniff_sslcalx"},
	{function: "SSL_new", program: "pgsniff_sslnew", returns: true},
	{function: "SSL_free", program: "pgsniff_sslfree"},
}

// The programs that go with places in the kernel.
const (
	receivedProgram = "pgsniff_recv"
	sentProgram     = "pgsniff_sent"
	callProgram     = "pgsniff_call"
	threadProgram   = "pgsniff_thread"
)

// loadOpenSSL makes the maps of the programs for processes that are no servers.
func (s *source) loadOpenSSL(processes []int) (err error) {
	for _, m := range []struct {
		to         **ebpf.Map
		name       string
		key, value uint32
		entries    uint32
	}{
		{&s.chosen, "pgsniff_chosen", 8, 8, maxChosen},
		{&s.threads, "pgsniff_threads", 8, threadSize, maxThreads},
		{&s.sessions, "pgsniff_ssl", sessionKeySize, sessionSize, maxStates},
		{&s.refused, "pgsniff_refused", sessionKeySize, 8, maxStates},
	} {
		*m.to, err = ebpf.NewMap(&ebpf.MapSpec{Name: m.name, Type: ebpf.Hash, KeySize: m.key, ValueSize: m.value, MaxEntries: m.entries})
		if err != nil {
			return fmt.Errorf("map: %w", refused(err))
		}
	}
	for _, pid := range processes {
		if err := s.chosen.Put(uint64(pid), uint64(1)); err != nil {
			return fmt.Errorf("process %d: %w", pid, refused(err))
		}
	}
	s.stream.refuse = func(k sessionKey) { _ = s.refused.Put(k[:], uint64(1)) }
	s.stream.forgotten = func(k sessionKey) {
		_ = s.sessions.Delete(k[:])
		_ = s.refused.Delete(k[:])
	}
	return nil
}

// attachOpenSSL attaches to OpenSSL in processes.
func (s *source) attachOpenSSL(processes []int) error {
	k, err := thisHost().types()
	if err != nil {
		return noTypes(err)
	}
	if s.sock, err = readSockets(); err != nil {
		return noTypes(err)
	}
	sources := s.forOpenSSL()
	places := socketTracepoints
	if oldWay || thisHost().before(6, 3) {
		sources[callProgram] = s.callEnded(k)
		places = callTracepoints
	}
	progs, err := s.programs(sources)
	defer func() {
		for _, p := range progs {
			_ = p.Close() // the links hold them
		}
	}()
	if err != nil {
		return err
	}
	if err := s.attachInKernel(places, progs); err != nil {
		return err
	}
	for _, pid := range processes {
		if err := s.attachToProcess(pid, progs); err != nil {
			return err
		}
	}
	return nil
}

// forOpenSSL are the programs for processes that are no servers, but for that of kernels
// without tracepoints for sockets.
func (m *maps) forOpenSSL() map[string]asm.Instructions {
	return map[string]asm.Instructions{
		"pgsniff_sslcall": m.sslCalled(false),
		"pgsniff_sslcalx": m.sslCalled(true),
		"pgsniff_sslread": m.sslEnded(recordInput, stateInput),
		"pgsniff_sslwrit": m.sslEnded(recordOutput, stateOutput),
		"pgsniff_sslnew":  m.sslMade(),
		"pgsniff_sslfree": m.sslFreed(),
		threadProgram:     m.threadEnded(),
		receivedProgram:   m.onSocket(true),
		sentProgram:       m.onSocket(false),
	}
}

// noTypes says what to do without the kernel's description of its types.
func noTypes(err error) error {
	e := &Error{
		What:  "cannot tell the connections of a process that is no server",
		Help:  "this takes the kernel's description of its types, /sys/kernel/btf/vmlinux (CONFIG_DEBUG_INFO_BTF); look into the server, which takes none, or use --keylog",
		Cause: err,
	}
	if errors.Is(err, errLockedDown) {
		e.Help = "that forbids reading what it knows of sockets; look into the server, which takes none of it, use --keylog, or boot without lockdown=confidentiality"
	}
	return e
}

// place is a tracepoint of the kernel's, and the program for it.
type place struct{ tracepoint, program string }

// Where threads come by that receive and send: Linux has had tracepoints for sockets
// since 6.3, before that only those of all system calls.
var (
	socketTracepoints = []place{
		{exitTracepoint, threadProgram}, {"sock_recv_length", receivedProgram}, {"sock_send_length", sentProgram},
	}
	callTracepoints = []place{{exitTracepoint, threadProgram}, {"sys_exit", callProgram}}
)

// attachInKernel puts programs at tracepoints, before any at OpenSSL's functions.
func (s *source) attachInKernel(places []place, progs map[string]*ebpf.Program) error {
	for _, at := range places {
		l, err := link.AttachRawTracepoint(link.RawTracepointOptions{Name: at.tracepoint, Program: progs[at.program]})
		if err != nil {
			return fmt.Errorf("tracepoint %s: %w", at.tracepoint, refused(err))
		}
		s.links = append(s.links, l)
	}
	return nil
}

// attachToProcess attaches to what a process has of OpenSSL.
func (s *source) attachToProcess(pid int, progs map[string]*ebpf.Program) error {
	files, err := opensslOf(procDir, pid)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return &Error{
			What: fmt.Sprintf("process %d is no PostgreSQL server, and has no OpenSSL that could be looked into", pid),
			Help: "it must have loaded libssl, or be a program that exports SSL_read and SSL_write, as Node.js does; other libraries (GnuTLS, Go, Java, rustls) have other functions",
		}
	}
	for _, path := range files {
		if err := s.attachToOpenSSL(path, pid, progs); err != nil {
			return err
		}
	}
	return nil
}

// attachToOpenSSL attaches to one file. The newer kind of links is for one process, so that
// others that have the same file pay nothing; with the older kind they pass the programs,
// which leave at once.
func (s *source) attachToOpenSSL(path string, pid int, progs map[string]*ebpf.Program) error {
	if !s.multi {
		k, ok := keyOf(path)
		if ok && s.shared[k] {
			return nil
		}
		s.shared[k] = ok
	}
	x, err := link.OpenExecutable(path)
	if err != nil {
		return err
	}
	for _, p := range opensslProbes {
		l, err := s.probeOf(x, &p, progs[p.program], pid)
		switch {
		case err == nil:
			s.links = append(s.links, l)
		case errors.Is(err, link.ErrNoSymbol) && !p.needed:
		default:
			return fmt.Errorf("%s in %s: %w", p.function, path, refused(err))
		}
	}
	return nil
}

// probeOf puts a program at a function for one process; in the older way for all.
func (s *source) probeOf(x *link.Executable, p *probe, prog *ebpf.Program, pid int) (link.Link, error) {
	if !s.multi {
		return s.probe(x, p, prog)
	}
	o := &link.UprobeMultiOptions{PID: uint32(pid)}
	if p.returns {
		return x.UretprobeMulti([]string{p.function}, prog, o)
	}
	return x.UprobeMulti([]string{p.function}, prog, o)
}
