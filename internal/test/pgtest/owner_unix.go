//go:build unix

package pgtest

import (
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// owner is the user that the server runs as; the zero owner is the user of the
// test itself.
type owner struct {
	name     string
	uid, gid uint32
}

// serverOwner picks a user for a server started by root, which PostgreSQL
// refuses to run as.
func serverOwner() owner {
	if os.Geteuid() != 0 {
		return owner{}
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return owner{name, uint32(uid), uint32(gid)}
		}
	}
	return owner{"nobody", 65534, 65534}
}

func (o owner) String() string {
	if o.name == "" {
		return strconv.Itoa(os.Geteuid())
	}
	return o.name
}

func (o owner) apply(cmd *exec.Cmd) {
	if o.name != "" {
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Credential: &syscall.Credential{Uid: o.uid, Gid: o.gid},
		}
	}
}

// chown gives everything under dir to the owner.
func (o owner) chown(dir string) error {
	if o.name == "" {
		return nil
	}
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(o.uid), int(o.gid))
	})
}
