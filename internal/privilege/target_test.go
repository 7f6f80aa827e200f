//go:build unix

package privilege

import (
	"os"
	"os/user"
	"testing"
)

func environment(m map[string]string) func(string) string {
	return func(k string) string { return m[k] }
}

func TestTarget(t *testing.T) {
	sudo := environment(map[string]string{"SUDO_UID": "65533", "SUDO_GID": "65532", "SUDO_USER": "someone"})
	got, err := Target("", sudo)
	if os.Geteuid() != 0 {
		// Who is not root has nothing to give up, and nobody else to become.
		if got != nil || err != nil {
			t.Errorf("not root: %+v, %v", got, err)
		}
		if got, err := Target("root", sudo); err == nil {
			t.Errorf("root: %+v", got)
		}
		return
	}
	if err != nil || got == nil || got.uid != 65533 || got.gid != 65532 || got.Name != "someone" || len(got.groups) != 1 {
		t.Errorf("under sudo: %+v, %v", got, err)
	}
	for _, env := range []map[string]string{nil, {"SUDO_UID": "0", "SUDO_GID": "0"}} {
		if got, err := Target("", environment(env)); got != nil || err != nil {
			t.Errorf("%v: %+v, %v", env, got, err)
		}
	}
	if got, err := Target("root", sudo); got != nil || err != nil {
		t.Errorf("root is to stay root: %+v, %v", got, err)
	}
	if u, err := user.Lookup("nobody"); err == nil {
		got, err := Target("nobody", sudo)
		if err != nil || got == nil || got.Name != "nobody" || u.Uid == "0" {
			t.Errorf("nobody: %+v, %v", got, err)
		}
	}
}

func TestTargetRefuses(t *testing.T) {
	if got, err := Target("no-such-user-here", environment(nil)); err == nil {
		t.Errorf("%+v", got)
	}
	if os.Geteuid() != 0 {
		return
	}
	for _, env := range []map[string]string{
		{"SUDO_UID": "x", "SUDO_GID": "1"},
		{"SUDO_UID": "4294967295", "SUDO_GID": "1"},
		{"SUDO_UID": "65533"},
	} {
		if got, err := Target("", environment(env)); err == nil {
			t.Errorf("%v: %+v", env, got)
		}
	}
}

// TestOwn leaves alone what root did not just make.
func TestOwn(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root gives files away")
	}
	dir := t.TempDir()
	u := &User{Name: "someone", uid: 65533, gid: 65532}
	target, link := dir+"/target", dir+"/link"
	if err := os.WriteFile(target, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, link); err != nil {
		t.Fatal(err)
	}
	if err := u.Own(link); err != nil {
		t.Fatal(err)
	}
	if owner(t, target) != 0 || owner(t, link) != 0 {
		t.Error("a link was followed")
	}
	if err := u.Own(target); err != nil || owner(t, target) != 65533 {
		t.Errorf("owner is %d: %v", owner(t, target), err)
	}
	before := owner(t, os.DevNull)
	if err := u.Own(os.DevNull); err != nil || owner(t, os.DevNull) != before {
		t.Errorf("a device: owner is %d: %v", owner(t, os.DevNull), err)
	}
}
