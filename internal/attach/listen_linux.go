package attach

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// fileID identifies the file that a path leads to; zeros where it cannot be known.
func fileID(path string) (dev, inode uint64) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, 0
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0
	}
	return s.Dev, s.Ino
}

// listens returns where the process of a directory of /proc listens, by the tables
// of its own network namespace.
func listens(dir string) (tcp, unix []string) {
	own := socketInodes(filepath.Join(dir, "fd"))
	if len(own) == 0 {
		return nil, nil
	}
	for _, table := range []string{"tcp", "tcp6"} {
		for _, f := range tableLines(filepath.Join(dir, "net", table)) {
			// sl local remote st … uid timeout inode
			const state, inode, listening = 3, 9, "0A"
			if len(f) > inode && f[state] == listening && own[f[inode]] {
				if a, ok := tableAddress(f[1]); ok {
					tcp = append(tcp, a.String())
				}
			}
		}
	}
	for _, f := range tableLines(filepath.Join(dir, "net", "unix")) {
		// Num RefCount Protocol Flags Type St Inode Path
		const flags, inode, path, accepting = 3, 6, 7, 0x10000
		if len(f) <= path || !own[f[inode]] {
			continue
		}
		if n, err := strconv.ParseUint(f[flags], 16, 32); err == nil && n&accepting != 0 {
			unix = append(unix, printable([]byte(strings.Join(f[path:], " "))))
		}
	}
	slices.Sort(tcp)
	slices.Sort(unix)
	return slices.Compact(tcp), slices.Compact(unix)
}

// socketInodes are those of a process's open sockets.
func socketInodes(fds string) map[string]bool {
	entries, err := os.ReadDir(fds)
	if err != nil {
		return nil
	}
	inodes := make(map[string]bool)
	for _, e := range entries {
		link, err := os.Readlink(filepath.Join(fds, e.Name()))
		if err != nil {
			continue
		}
		if rest, ok := strings.CutPrefix(link, "socket:["); ok {
			inodes[strings.TrimSuffix(rest, "]")] = true
		}
	}
	return inodes
}

// tableLines are the fields of a table's lines, without its head.
func tableLines(path string) [][]string {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	var lines [][]string
	for i, line := range strings.Split(string(b), "\n") {
		if f := strings.Fields(line); i > 0 && len(f) > 0 {
			lines = append(lines, f)
		}
	}
	return lines
}

// tableAddress reads an address as /proc/net/tcp writes it: words of the machine's
// byte order in hexadecimal digits, and the port.
func tableAddress(s string) (netip.AddrPort, bool) {
	host, port, _ := strings.Cut(s, ":")
	b, err := hex.DecodeString(host)
	n, err2 := strconv.ParseUint(port, 16, 16)
	if err != nil || err2 != nil || len(b)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for w := b; len(w) > 0; w = w[4:] {
		binary.NativeEndian.PutUint32(w, binary.BigEndian.Uint32(w))
	}
	a, ok := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(a, uint16(n)), ok
}
