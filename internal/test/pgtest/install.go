package pgtest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// initdbArgs make a cluster whose texts do not depend on the machine.
var initdbArgs = []string{"--auth=trust", "--username=" + superUser, "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"}

// templateLock keeps parallel tests of one process from running initdb twice.
var templateLock sync.Mutex

// installation is a directory of binaries and the user who may run them.
type installation struct {
	binDir string
	owner  owner
	dir    string   // the server's temporary directory, owned by owner
	env    []string // the environment of its programs
}

func newInstallation(binDir, dir string) (*installation, error) {
	i := &installation{binDir: binDir, owner: serverOwner(), dir: dir}
	// Nothing that would change where a PostgreSQL program connects or what it says.
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "PG") && !strings.HasPrefix(kv, "LC_") && !strings.HasPrefix(kv, "LANG") {
			i.env = append(i.env, kv)
		}
	}
	i.env = append(i.env, "LC_ALL=C")
	libs, err := i.libraryPath()
	if err != nil {
		return nil, err
	}
	if libs != "" {
		i.env = append(i.env, "LD_LIBRARY_PATH="+libs)
	}
	return i, i.owner.chown(dir)
}

// libraryPath is needed for relocated binaries, which bring their libraries
// along in ../lib but, unpacked from an npm package, without the links by which
// the loader asks for them (libfoo.so.60 for libfoo.so.60.2).
func (i *installation) libraryPath() (string, error) {
	lib := filepath.Join(filepath.Dir(i.binDir), "lib")
	files, err := filepath.Glob(filepath.Join(lib, "lib*.so.*"))
	if err != nil || len(files) == 0 {
		return "", nil
	}
	links := filepath.Join(i.dir, "lib")
	if err := os.Mkdir(links, 0o755); err != nil {
		return "", err
	}
	for _, file := range files {
		stem, version, _ := strings.Cut(filepath.Base(file), ".so.")
		major, _, dotted := strings.Cut(version, ".")
		if !dotted {
			continue
		}
		if err := os.Symlink(file, filepath.Join(links, stem+".so."+major)); err != nil && !os.IsExist(err) {
			return "", err
		}
	}
	return lib + string(os.PathListSeparator) + links, nil
}

// command is exec.Command as the server's user, in its directory.
func (i *installation) command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = i.dir
	cmd.Env = i.env
	i.owner.apply(cmd)
	return cmd
}

// makeDataDir creates a data directory from the kept template; where none can be
// kept, by initdb.
func (i *installation) makeDataDir(dataDir string) error {
	if err := i.copyTemplate(dataDir); err == nil {
		return nil
	}
	if err := os.RemoveAll(dataDir); err != nil {
		return err
	}
	return i.initdb(dataDir)
}

func (i *installation) initdb(dataDir string) error {
	args := append([]string{"-D", dataDir}, initdbArgs...)
	out, err := i.command(filepath.Join(i.binDir, "initdb"), args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("initdb as user %s: %w\n%s", i.owner, err, out)
	}
	return nil
}

func (i *installation) copyTemplate(dataDir string) error {
	templateLock.Lock()
	defer templateLock.Unlock()
	template, err := i.templatePath()
	if err != nil {
		return err
	}
	if _, err := os.Stat(template); err != nil {
		if err := i.makeTemplate(template); err != nil {
			return err
		}
	}
	return copyTree(dataDir, template)
}

// templatePath names the template after everything that it depends on.
func (i *installation) templatePath() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	version, err := i.command(filepath.Join(i.binDir, "postgres"), "--version").Output()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %q", i.binDir, version, initdbArgs))
	return filepath.Join(cache, "pgsniff-pgtest", hex.EncodeToString(sum[:8])), nil
}

// makeTemplate puts the template in place by a rename: other test processes see
// all of it or nothing, and the one who comes second throws his away.
func (i *installation) makeTemplate(template string) error {
	fresh := filepath.Join(i.dir, "template")
	if err := i.initdb(fresh); err != nil {
		return err
	}
	defer os.RemoveAll(fresh)
	if err := os.MkdirAll(filepath.Dir(template), 0o755); err != nil {
		return err
	}
	staging, err := os.MkdirTemp(filepath.Dir(template), "new-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(staging)
	data := filepath.Join(staging, "data")
	if err := copyTree(data, fresh); err != nil {
		return err
	}
	if err := os.Rename(data, template); err != nil && !os.IsExist(err) {
		return err
	}
	return nil
}

// copyTree copies directories and regular files with their modes; a new cluster
// has nothing else.
func copyTree(dst, src string) error {
	return filepath.WalkDir(src, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(src, path)
		if err != nil {
			return err
		}
		target := filepath.Join(dst, rel)
		if d.IsDir() {
			return os.Mkdir(target, 0o700)
		}
		return copyFile(target, path)
	})
}

func copyFile(dst, src string) error {
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(dst, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
