package attach

import (
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// fileKey tells files apart as uprobes do, by what holds their pages.
type fileKey struct {
	dev, inode uint64
	size       int64
	modified   time.Time
}

// distinct returns one path for each file: what was attached twice would be seen
// twice. A path that leads nowhere is kept, to be complained of.
func distinct(paths []string) (list []string) {
	seen := make(map[fileKey]bool)
	for _, path := range paths {
		k, ok := keyOf(path)
		if ok && seen[k] {
			continue
		}
		seen[k] = seen[k] || ok
		list = append(list, path)
	}
	return list
}

// keyOf identifies a file. In containers of one image the same file is mounted
// several times, each with a device number of its own: there the inode's number and
// what else does not change by a mount count.
func keyOf(path string) (k fileKey, ok bool) {
	info, err := os.Stat(path)
	if err != nil {
		return k, false
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return k, false
	}
	k = fileKey{dev: s.Dev, inode: s.Ino, size: info.Size(), modified: info.ModTime()}
	var fs unix.Statfs_t
	if unix.Statfs(path, &fs) == nil && fs.Type == unix.OVERLAYFS_SUPER_MAGIC {
		k.dev = 0
	}
	return k, true
}
