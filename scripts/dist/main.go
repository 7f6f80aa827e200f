// Command dist builds what is published of pgsniff into a directory: static binaries
// for several systems in archives, packages for Debian and Red Hat, a list of what is
// inside (SBOM), checksums, and recipes that are made from them. The same commit
// gives the same bytes: time, version and order come from the repository.
//
//	go run ./scripts/dist [-out dist] [-version 1.2.3] [-targets linux/amd64,…]
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// allTargets are those that a release has. On Windows pgsniff reads files.
const allTargets = "linux/amd64,linux/arm64,darwin/amd64,darwin/arm64,freebsd/amd64,freebsd/arm64,windows/amd64"

// target is a system that is built for.
type target struct {
	os, arch string
	dir      string // the unpacked archive
}

// name is that of the archive, without its ending.
func (t *target) name(version string) string {
	return fmt.Sprintf("pgsniff_%s_%s_%s", version, t.os, t.arch)
}

// dist is one run.
type dist struct {
	root, out, version string
	at                 time.Time // of the commit: all files have it
	targets            []*target
	env                []string
	fresh              bool
}

func main() {
	var d dist
	var targets, release string
	flag.StringVar(&d.out, "out", "dist", "directory to write to; what is in it is removed")
	flag.StringVar(&d.version, "version", "", "version, without v (default: what git describe says)")
	flag.StringVar(&targets, "targets", allTargets, "what to build for")
	flag.BoolVar(&d.fresh, "fresh", false, "compile all anew, to see whether the same comes out")
	flag.StringVar(&release, "changelog", "", "make what CHANGELOG.md has under Unreleased part of this version, and build nothing")
	flag.Parse()
	if release != "" {
		if err := releaseLog("CHANGELOG.md", release, time.Now().UTC()); err != nil {
			fail(err)
		}
		return
	}
	for _, t := range strings.Split(targets, ",") {
		system, arch, ok := strings.Cut(t, "/")
		if !ok {
			fail(fmt.Errorf("%s: must be OS/ARCH", t))
		}
		d.targets = append(d.targets, &target{os: system, arch: arch})
	}
	if err := d.run(); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "dist:", err)
	os.Exit(1)
}

func (d *dist) run() error {
	if err := d.prepare(); err != nil {
		return err
	}
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"man pages and completions", d.texts},
		{"binaries", d.binaries},
		{"archives", d.archives},
		{"packages", d.packages},
		{"bill of materials", d.materials},
		{"checksums", d.checksums},
		{"recipes", d.recipes},
		{"notes", d.notes},
	} {
		fmt.Fprintln(os.Stderr, "dist:", step.what)
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return nil
}

// prepare finds out version and time, and makes an empty directory.
func (d *dist) prepare() error {
	var err error
	if d.root, err = d.git("rev-parse", "--show-toplevel"); err != nil {
		return err
	}
	seconds, err := d.git("log", "-1", "--format=%ct")
	if err != nil {
		return err
	}
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return err
	}
	d.at = time.Unix(n, 0).UTC()
	if d.version == "" {
		d.version = d.describe()
	}
	if d.out, err = filepath.Abs(d.out); err != nil {
		return err
	}
	if d.out == d.root || strings.HasPrefix(d.root, d.out+string(filepath.Separator)) {
		return fmt.Errorf("%s holds the repository", d.out)
	}
	if err := os.RemoveAll(d.out); err != nil {
		return err
	}
	d.env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "SOURCE_DATE_EPOCH="+seconds, "TZ=UTC", "VERSION="+d.version, "DIST="+d.out)
	return os.MkdirAll(d.out, 0o755)
}

// describe makes a version of a commit without a tag: one that sorts before the
// first release, or after the one that it follows.
func (d *dist) describe() string {
	if tag, err := d.git("describe", "--tags", "--match", "v[0-9]*", "--exact-match"); err == nil {
		return strings.TrimPrefix(tag, "v")
	}
	hash, err := d.git("rev-parse", "--short=12", "HEAD")
	if err != nil {
		hash = "unknown"
	}
	return "0.0.0-dev+" + hash
}

func (d *dist) git(args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Stderr = os.Stderr
	if args[0] == "describe" {
		cmd.Stderr = nil // that there is no tag is no error
	}
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w", args[0], err)
	}
	return strings.TrimSpace(string(out)), nil
}

// command runs a program in the repository, with variables added.
func (d *dist) command(env []string, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = d.root
	cmd.Env = append(d.env[:len(d.env):len(d.env)], env...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(name), err)
	}
	return nil
}
