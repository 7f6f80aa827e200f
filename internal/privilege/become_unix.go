//go:build unix

package privilege

import (
	"errors"
	"os"
	"syscall"
)

// become changes the groups first, while it may. The calls of package syscall
// reach all threads.
func become(u *User) error {
	if err := syscall.Setgroups(u.groups); err != nil {
		return os.NewSyscallError("setgroups", err)
	}
	if err := syscall.Setgid(u.gid); err != nil { // of root: real, effective and saved
		return os.NewSyscallError("setgid", err)
	}
	if err := syscall.Setuid(u.uid); err != nil {
		return os.NewSyscallError("setuid", err)
	}
	if u.uid != 0 && syscall.Setuid(0) == nil {
		return errors.New("the process could become root again")
	}
	return nil
}

func own(path string, uid, gid int) error {
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.Mode().IsRegular() || s.Uid != 0 || s.Nlink != 1 {
		return nil
	}
	return os.Lchown(path, uid, gid)
}
