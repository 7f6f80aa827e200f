//go:build amd64 || arm64

package attach

import (
	"fmt"
	"os"
	"strings"
	"sync"
)

// Programs belong to a file. An upgrade puts another one in its place, and servers that
// are started from then on run that, while those that were not restarted still run the
// former.

// following are the files of servers' programs, by the paths that servers are started from.
type following struct {
	sync.Mutex // of the source's links, against its end
	over       bool
	paths      []*followed
	known      map[identity]bool
}

type followed struct {
	path  string
	at    identity
	tries int  // how often its present file was no server's, as one that is being written is not
	told  bool // that it could not be attached to
}

// mostLooks is how often a file is looked at before it is told that it is no server's.
const mostLooks = 10

// identity is that of a file as uprobes tell files apart. What else keyOf compares may
// change while the file stays.
type identity struct{ dev, inode uint64 }

func identify(path string) (identity, bool) {
	k, ok := keyOf(path)
	return identity{k.dev, k.inode}, ok
}

// watch takes note of the programs that were attached to.
func (f *following) watch(programs []string) {
	f.known = make(map[identity]bool)
	for _, program := range programs {
		at, ok := identify(program)
		if !ok {
			continue
		}
		f.known[at] = true
		path := startedFrom(program)
		if path == "" {
			continue
		}
		f.paths = append(f.paths, &followed{path: path, at: at})
	}
}

// startedFrom is the path that a program's file was reached by, in this process's file
// system: that of /proc/PID/exe is what the process was started from, in its own. It is
// empty where that is another one, as a container has.
func startedFrom(program string) string {
	dir, ok := strings.CutSuffix(program, "/exe")
	if !ok || !strings.HasPrefix(dir, procDir+"/") {
		return program
	}
	path, err := os.Readlink(program)
	if err != nil {
		return ""
	}
	ownDev, ownInode := fileID(procDir + "/self/root/")
	dev, inode := fileID(dir + "/root/")
	if dev != ownDev || inode != ownInode {
		return ""
	}
	return strings.TrimSuffix(path, " (deleted)")
}

// attachReplaced attaches to the files that took the place of others.
func (s *source) attachReplaced() error {
	f := &s.follow
	f.Lock()
	defer f.Unlock()
	if f.over {
		return nil
	}
	for _, p := range f.paths {
		at, ok := identify(p.path)
		if !ok || at == p.at && p.told {
			continue // it is away for now
		}
		if at != p.at {
			*p = followed{path: p.path, at: at}
		}
		if f.known[at] {
			continue
		}
		if is, _ := IsServer(p.path); !is {
			if p.tries++; p.tries < mostLooks {
				continue
			}
		}
		if err := s.attachToProgram(p.path); err != nil {
			p.told = true
			return s.notFollowed(p.path, err)
		}
		f.known[at] = true
	}
	return nil
}

// notFollowed says what to do where a file could not be attached to.
func (s *source) notFollowed(path string, err error) error {
	return &Error{
		What:  fmt.Sprintf("%s was replaced, and servers that are started from it now are not seen", path),
		Help:  "start pgsniff again, or with --user-drop root, which keeps the privileges that this takes",
		Cause: err,
	}
}
