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
	times   timesShare
}

// timesShare is the share of this host's processors, of 1, that may be spent on telling
// what the servers' work took; 0: none, and that is not told.
type timesShare float64

// usualShare is that of --attach-times without a value: next to nothing for anybody else.
const usualShare = 0.02

func (s *timesShare) Set(text string) error {
	if on, err := strconv.ParseBool(text); err == nil {
		*s = 0
		if on {
			*s = usualShare
		}
		return nil
	}
	number, percent := strings.CutSuffix(text, "%")
	n, err := strconv.ParseFloat(number, 64)
	if !percent || err != nil || !(n > 0 && n <= 100) {
		return errors.New("must be true, false, or a share of the processors, as 2% is")
	}
	*s = timesShare(n / 100)
	return nil
}

func (s *timesShare) String() string {
	if *s == 0 {
		return "false"
	}
	return strconv.FormatFloat(100*float64(*s), 'f', -1, 64) + "%"
}

func (*timesShare) Type() string { return "SHARE" }

// allServers is what --attach without a value stands for.
const allServers = "all"

func (f *attachFlags) add(s *pflag.FlagSet) {
	s.StringSliceVar(&f.targets, "attach", nil, "read the plaintext of TLS, GSS and Unix sockets where servers of this host have it: of all that run, or of `PID` or the program of a path, which may be a pooler or client, too; may be repeated; Linux")
	s.Lookup("attach").NoOptDefVal = allServers
	s.BoolVar(&f.only, "attach-only", false, "as --attach of all servers, and capture no packets")
	f.times = usualShare
	s.Var(&f.times, "attach-times", "with --attach, tell what the server's work took, where its program has the probes, while these take no more than a `SHARE` of this host's processors; =false: never")
	s.Lookup("attach-times").NoOptDefVal = "true"
}

// on reports whether servers are to be looked into.
func (f *attachFlags) on() bool { return f.only || len(f.targets) > 0 }

// resolve finds the servers that are meant. all are those that were found, which
// may be more.
func (f *attachFlags) resolve() (opt attach.Options, found []attach.Server, err error) {
	opt.Times = f.times > 0
	if f.times < 1 {
		opt.TimesShare = float64(f.times) // of all, they never take too much
	}
	targets, paths := f.targets, false
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
			paths = true
		default:
			return opt, nil, usageError("--attach %s: must be the number of a process, or the path of a server's program", t)
		}
	}
	if len(opt.Servers) > 0 && paths && !slices.Contains(targets, allServers) {
		return opt, nil, usageError("--attach takes servers by their numbers or by the path of a program, not both at once")
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
		return &exitError{ExitFailure, fmt.Errorf("cannot attach to the server %d: %s; %s", s.PID, s.Problem, attach.Who())}
	}
	return &exitError{ExitFailure, errors.New("no PostgreSQL server runs on this host that could be attached to; --attach=PATH names the program of one that will be started")}
}
