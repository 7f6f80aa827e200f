package privilege

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
)

// User is who to go on as.
type User struct {
	Name   string
	uid    int
	gid    int
	groups []int // supplementary ones
}

// Target returns the user to go on as: the named one, or without a name the one
// who called sudo. It returns nil where the process is to stay who it is: it is
// not root's, was not started with sudo, or name is its own user's.
func Target(name string, getenv func(string) string) (*User, error) {
	if name == "" {
		return invoker(getenv)
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("cannot go on as user %s: %w", name, err)
	}
	t, err := newUser(u)
	switch {
	case err != nil:
		return nil, err
	case t.uid == os.Geteuid():
		return nil, nil
	case os.Geteuid() != 0:
		return nil, fmt.Errorf("cannot go on as user %s: only root can", name)
	}
	return t, nil
}

// invoker is the user who called sudo, which says so in the environment
// (sudo(8)). Only root believes it.
func invoker(getenv func(string) string) (*User, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	uid, gid := getenv("SUDO_UID"), getenv("SUDO_GID")
	if uid == "" || uid == "0" {
		return nil, nil
	}
	u, err := user.LookupId(uid)
	if err != nil {
		u = &user.User{Uid: uid, Gid: gid, Username: getenv("SUDO_USER")}
	}
	return newUser(u)
}

func newUser(u *user.User) (*User, error) {
	uid, err1 := strconv.ParseUint(u.Uid, 10, 31)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 31)
	if err1 != nil || err2 != nil {
		return nil, fmt.Errorf("cannot go on as user %q: its numbers %q and %q are none", u.Username, u.Uid, u.Gid)
	}
	t := &User{Name: u.Username, uid: int(uid), gid: int(gid), groups: []int{int(gid)}}
	ids, err := u.GroupIds()
	if err != nil {
		return t, nil // a user that the system does not know has no others
	}
	for _, id := range ids {
		if n, err := strconv.ParseUint(id, 10, 31); err == nil && int(n) != t.gid {
			t.groups = append(t.groups, int(n))
		}
	}
	return t, nil
}

// Own gives a file to the user, if it is a regular one that belongs to root:
// what root has just made for them.
func (u *User) Own(path string) error {
	if err := own(path, u.uid, u.gid); err != nil {
		return fmt.Errorf("cannot hand the file over to user %s: %w", u.Name, err)
	}
	return nil
}

// Become makes the process the user's, for good. It does not touch what is open.
func (u *User) Become() error {
	if err := become(u); err != nil {
		return fmt.Errorf("cannot go on as user %s: %w; --user-drop root stays root", u.Name, err)
	}
	return nil
}
