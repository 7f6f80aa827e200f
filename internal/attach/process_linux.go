package attach

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// mapFiles is the directory of a process with what it has mapped, by address.
const mapFiles = "map_files"

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

// Exists reports whether there is a process of this number.
func Exists(pid int) bool {
	err := unix.Kill(pid, 0)
	return err == nil || errors.Is(err, unix.EPERM)
}

// ProgramName is what a process calls itself, fit for a terminal; empty where not known.
func ProgramName(pid int) string {
	comm, _ := os.ReadFile(filepath.Join(procDir, strconv.Itoa(pid), "comm"))
	return printable([]byte(strings.TrimSpace(string(comm))))
}

// opensslOf returns the files that a process has OpenSSL's functions of: libraries that
// it has loaded, and its program, if that exports them. An upgrade of a library puts another
// file in its place, and the process has the former as long as it runs.
func opensslOf(proc string, pid int) (files []string, err error) {
	dir := filepath.Join(proc, strconv.Itoa(pid))
	maps, err := os.ReadFile(filepath.Join(dir, "maps"))
	if err != nil {
		return nil, err
	}
	candidates := append([]string{filepath.Join(dir, "exe")}, mappedLibraries(dir, string(maps))...)
	var closed error // why one that was replaced cannot be read
	for _, path := range distinct(candidates) {
		f, err := elf.Open(path)
		if err != nil {
			if strings.HasPrefix(path, filepath.Join(dir, mapFiles)) {
				closed = err
			}
			continue // the rest may do
		}
		if missingFunctions(f, opensslFunctions) == "" {
			files = append(files, path)
		}
		_ = f.Close()
	}
	if len(files) == 0 && closed != nil {
		return nil, &Error{
			What:  fmt.Sprintf("process %d has loaded an OpenSSL whose file was replaced since", pid),
			Help:  "start that process again, or look into it as root",
			Cause: closed,
		}
	}
	return files, nil
}

// mappedLibraries are the paths of libssl, whatever its version, that the maps of a process
// name, whose directory is dir. What was replaced has one by the place where it is mapped.
func mappedLibraries(dir, maps string) (paths []string) {
	for line := range strings.Lines(maps) {
		// address perms offset dev inode pathname
		f := strings.Fields(line)
		if len(f) < 6 {
			continue
		}
		path := f[5]
		if !strings.Contains(filepath.Base(path), "libssl") || !strings.HasPrefix(path, "/") {
			continue
		}
		if path = filepath.Join(dir, "root", path); len(f) > 6 && f[6] == "(deleted)" {
			path = filepath.Join(dir, mapFiles, f[0])
		}
		if !slices.Contains(paths, path) {
			paths = append(paths, path)
		}
	}
	return paths
}
