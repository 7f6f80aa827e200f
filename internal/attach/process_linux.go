package attach

import (
	"debug/elf"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// procDir is where the kernel tells of processes.
const procDir = "/proc"

// IsServer reports whether a program is a PostgreSQL server's.
func IsServer(program string) (bool, error) {
	f, err := elf.Open(program)
	if err != nil {
		return false, err
	}
	defer f.Close()
	return missingFunctions(f, serverFunctions) == "", nil
}

// Running lists the processes that run a program now, in order.
func Running(program string) ([]int, error) {
	want, ok := keyOf(program)
	if !ok {
		return nil, fmt.Errorf("no such program: %s", program)
	}
	entries, err := os.ReadDir(procDir)
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		if k, ok := keyOf(filepath.Join(procDir, e.Name(), "exe")); ok && k == want {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	return pids, nil
}

// ProgramName is what a process calls itself, fit for a terminal; empty where not known.
func ProgramName(pid int) string {
	comm, _ := os.ReadFile(filepath.Join(procDir, strconv.Itoa(pid), "comm"))
	return printable([]byte(strings.TrimSpace(string(comm))))
}

// opensslOf returns the files that a process has OpenSSL's functions of: libraries that
// it has loaded, and its program, if that exports them.
func opensslOf(proc string, pid int) (files []string, err error) {
	dir := filepath.Join(proc, strconv.Itoa(pid))
	maps, err := os.ReadFile(filepath.Join(dir, "maps"))
	if err != nil {
		return nil, err
	}
	candidates := []string{filepath.Join(dir, "exe")}
	for _, path := range mappedLibraries(string(maps)) {
		candidates = append(candidates, filepath.Join(dir, "root", path))
	}
	for _, path := range distinct(candidates) {
		f, err := elf.Open(path)
		if err != nil {
			continue // one that was replaced since; the rest may do
		}
		if missingFunctions(f, opensslFunctions) == "" {
			files = append(files, path)
		}
		_ = f.Close()
	}
	return files, nil
}

// mappedLibraries are the paths of libssl, whatever its version, that a process's maps
// name.
func mappedLibraries(maps string) (paths []string) {
	for line := range strings.Lines(maps) {
		// address perms offset dev inode pathname
		f := strings.Fields(line)
		if len(f) < 6 {
			continue
		}
		path := f[5]
		if strings.Contains(filepath.Base(path), "libssl") && strings.HasPrefix(path, "/") && !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	return paths
}
