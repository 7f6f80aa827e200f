package attach

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/pgsniff/pgsniff/internal/order"
)

// process is what /proc tells of a process that may be a server's.
type process struct {
	pid, parent int
	path        string // of its program
	dev, inode  uint64
}

// Find lists the servers that run, in order of their process ids. What this user
// may not look at is left out of them.
func Find() ([]Server, error) {
	return find("/proc")
}

func find(proc string) ([]Server, error) {
	entries, err := os.ReadDir(proc)
	if err != nil {
		return nil, err
	}
	programs := make(map[int]process)
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			if p, ok := lookAt(proc, pid); ok {
				programs[pid] = p
			}
		}
	}
	var servers []Server
	known := make(map[[2]uint64]executable)
	for pid, p := range programs {
		if parent, ok := programs[p.parent]; ok && parent.inode == p.inode && parent.dev == p.dev {
			continue // a child of the server
		}
		s := describe(proc, p, known)
		s.PID = pid
		servers = append(servers, s)
	}
	order.By(servers, func(a, b *Server) int { return a.PID - b.PID })
	return servers, nil
}

// lookAt tells whether a process may be a server's, by the name of its program. Who
// may not see that sees the name that the process gives itself.
func lookAt(proc string, pid int) (process, bool) {
	dir := filepath.Join(proc, strconv.Itoa(pid))
	p := process{pid: pid}
	path, err := os.Readlink(filepath.Join(dir, "exe"))
	if err != nil {
		if !errors.Is(err, fs.ErrPermission) {
			return p, false
		}
		comm, _ := os.ReadFile(filepath.Join(dir, "comm"))
		path = strings.TrimSpace(string(comm))
	}
	p.path = strings.TrimSuffix(path, " (deleted)")
	if name := filepath.Base(p.path); !strings.Contains(name, "postgres") && name != "postmaster" {
		return p, false
	}
	if p.parent, err = parentOf(dir); err != nil {
		return p, false
	}
	p.dev, p.inode = fileID(filepath.Join(dir, "exe"))
	return p, true
}

// parentOf reads the parent's pid from stat: the second field after the name, which
// is in parentheses and may hold any others.
func parentOf(dir string) (int, error) {
	b, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	if len(fields) < 2 {
		return 0, fmt.Errorf("%s/stat: too short", dir)
	}
	return strconv.Atoi(fields[1])
}

// describe finds out what it can.
func describe(proc string, p process, known map[[2]uint64]executable) Server {
	dir := filepath.Join(proc, strconv.Itoa(p.pid))
	s := Server{Path: printable([]byte(p.path)), Program: filepath.Join(dir, "exe")}
	id := [2]uint64{p.dev, p.inode}
	b, ok := known[id]
	if !ok {
		b = readProgram(s.Program)
		known[id] = b
	}
	s.Version, s.Problem, s.Timed = b.version, b.problem, b.timed
	if cwd, err := os.Readlink(filepath.Join(dir, "cwd")); err == nil {
		s.DataDir = printable([]byte(cwd)) // a server's is its data directory
	}
	if a, b := filepath.Join(proc, "self", "root"), filepath.Join(dir, "root"); p.inode != 0 {
		ad, ai := fileID(a + "/")
		bd, bi := fileID(b + "/")
		s.Elsewhere = ad != bd || ai != bi
	}
	s.Listens, s.Sockets = listens(dir)
	return s
}

// executable is what a server's program file tells.
type executable struct {
	version, problem string
	timed            bool
}

// maxRodata bounds how much of a program is searched for its version.
const maxRodata = 64 << 20

// readProgram looks into a program.
func readProgram(path string) executable {
	f, err := elf.Open(path)
	if err != nil {
		if errors.Is(err, fs.ErrPermission) {
			return executable{problem: "this user may not look at it"}
		}
		return executable{problem: "its program cannot be read: " + err.Error()}
	}
	defer f.Close()
	b := executable{version: versionOf(f)}
	if missing := missingFunctions(f, serverFunctions); missing != "" {
		b.problem = "its program has no function " + missing
	}
	b.timed = len(timingProbes(f)) > 0
	return b
}

// versionMark is what postgres -V prints before the version.
const versionMark = "postgres (PostgreSQL) "

func versionOf(f *elf.File) string {
	s := f.Section(".rodata")
	if s == nil || s.Size > maxRodata {
		return ""
	}
	data, err := s.Data()
	if err != nil {
		return ""
	}
	_, rest, ok := strings.Cut(string(data), versionMark)
	if !ok {
		return ""
	}
	end := strings.IndexFunc(rest, func(r rune) bool { return r <= ' ' || r > '~' })
	if end <= 0 || end > 32 {
		return ""
	}
	return rest[:end]
}

// The functions without which there is nothing to see.
var (
	serverFunctions  = []string{"secure_read", "secure_write"}
	opensslFunctions = []string{"SSL_read", "SSL_write"}
)

// missingFunctions names the functions that must be there and are not.
func missingFunctions(f *elf.File, names []string) string {
	have := make(map[string]bool)
	for _, list := range []func() ([]elf.Symbol, error){f.DynamicSymbols, f.Symbols} {
		symbols, _ := list()
		for _, s := range symbols {
			if s.Section != elf.SHN_UNDEF {
				have[s.Name] = true
			}
		}
	}
	var missing []string
	for _, name := range names {
		if !have[name] {
			missing = append(missing, name)
		}
	}
	return strings.Join(missing, ", ")
}
