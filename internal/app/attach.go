package app

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/pgsniff/pgsniff/internal/attach"
)

// attachFlags are those of live that look inside servers of this host.
type attachFlags struct {
	targets []string // --attach; allServers among them: whatever runs
	only    bool
	times   bool // what the servers' work took is told
}

// allServers is what --attach without a value stands for.
const allServers = "all"

func (f *attachFlags) add(s *pflag.FlagSet) {
	s.StringSliceVar(&f.targets, "attach", nil, "read the plaintext of TLS, GSS and Unix sockets where servers of this host have it: of all that run, or of `PID` or the program of a path, which may be a pooler or client, too; may be repeated; Linux")
	s.Lookup("attach").NoOptDefVal = allServers
	s.BoolVar(&f.only, "attach-only", false, "as --attach of all servers, and capture no packets")
	s.BoolVar(&f.times, "attach-times", true, "with --attach, tell what the server's work took, where its program has the probes; =false costs it less")
}

// on reports whether servers are to be looked into.
func (f *attachFlags) on() bool { return f.only || len(f.targets) > 0 }

// resolve finds the servers that are meant. all are those that were found, which
// may be more.
func (f *attachFlags) resolve() (opt attach.Options, found []attach.Server, err error) {
	opt.Times = f.times
	targets := f.targets
	if len(targets) == 0 {
		targets = []string{allServers}
	}
	all, err := attach.Find()
	if err != nil {
		return opt, nil, &exitError{ExitFailure, err}
	}
	for _, t := range targets {
		pid, number := strconv.Atoi(t)
		switch {
		case t == allServers:
			usable := slices.DeleteFunc(slices.Clone(all), func(s attach.Server) bool { return s.Problem != "" })
			if len(usable) == 0 {
				return opt, nil, noServers(all)
			}
			for _, s := range usable {
				opt.Programs = append(opt.Programs, s.Program)
			}
			found = append(found, usable...)
		case number == nil && !isServer(fmt.Sprintf("/proc/%d/exe", pid)):
			opt.Processes = append(opt.Processes, pid)
		case number == nil:
			opt.Programs = append(opt.Programs, fmt.Sprintf("/proc/%d/exe", pid))
			opt.Servers = append(opt.Servers, pid)
			for _, s := range all {
				if s.PID == pid {
					found = append(found, s)
				}
			}
		case strings.Contains(t, "/") && !isServer(t):
			pids, err := attach.Running(t)
			if err == nil && len(pids) == 0 {
				err = fmt.Errorf("%s is no PostgreSQL server, and no process runs it: poolers and clients are looked into while they run", t)
			}
			if err != nil {
				return opt, nil, &exitError{ExitFailure, err}
			}
			opt.Processes = append(opt.Processes, pids...)
		case strings.Contains(t, "/"):
			opt.Programs = append(opt.Programs, t)
		default:
			return opt, nil, usageError("--attach %s: must be the number of a process, or the path of a server's program", t)
		}
	}
	if slices.Contains(targets, allServers) {
		opt.Servers, opt.MayEnd = nil, true
	}
	return opt, found, nil
}

// isServer reports whether a program is that of a server, or cannot be looked at, which
// attaching to it tells better.
func isServer(program string) bool {
	is, err := attach.IsServer(program)
	return is || err != nil
}

// noServers says why there is nothing to attach to.
func noServers(all []attach.Server) error {
	for _, s := range all {
		return &exitError{ExitFailure, fmt.Errorf("cannot attach to the server %d: %s; root may, or who has CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE, as the members of pgsniff-attach have with the packages", s.PID, s.Problem)}
	}
	return &exitError{ExitFailure, errors.New("no PostgreSQL server runs on this host that could be attached to; --attach=PATH names the program of one that will be started")}
}

// openAttached attaches.
func openAttached(opt attach.Options) (attach.Source, error) {
	src, err := attach.Open(opt)
	if err != nil {
		return nil, &exitError{ExitFailure, err}
	}
	return src, nil
}
