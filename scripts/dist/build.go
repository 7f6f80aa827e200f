package main

import (
	"bytes"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/pgsniff/pgsniff/internal/app"
)

// texts writes what is made from the commands themselves.
func (d *dist) texts() error {
	root := app.Root()
	root.DisableAutoGenTag = true
	man := filepath.Join(d.out, "share", "man1")
	if err := os.MkdirAll(man, 0o755); err != nil {
		return err
	}
	header := &doc.GenManHeader{Title: "PGSNIFF", Section: "1", Date: &d.at, Source: "pgsniff " + d.version, Manual: "pgsniff"}
	for _, c := range root.Commands() {
		if c.Name() == "completion" || c.Name() == "help" {
			root.RemoveCommand(c) // they explain themselves
		}
	}
	if err := doc.GenManTree(root, header, man); err != nil {
		return err
	}
	dir := filepath.Join(d.out, "share", "completions")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, write := range completions(root) {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// completions are the scripts for shells, by the file names that they look for.
func completions(root *cobra.Command) map[string]func(*bytes.Buffer) error {
	return map[string]func(*bytes.Buffer) error{
		"pgsniff":      func(b *bytes.Buffer) error { return root.GenBashCompletionV2(b, true) },
		"_pgsniff":     func(b *bytes.Buffer) error { return root.GenZshCompletion(b) },
		"pgsniff.fish": func(b *bytes.Buffer) error { return root.GenFishCompletion(b, true) },
	}
}

// binaries builds for all targets, without HTTP/2, as make build does. -trimpath and the commit's time are all that it
// takes to get the same bytes anywhere.
func (d *dist) binaries() error {
	var cache []string
	if d.fresh {
		dir, err := os.MkdirTemp("", "pgsniff-dist")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		cache = []string{"GOCACHE=" + dir}
	}
	for _, t := range d.targets {
		t.dir = filepath.Join(d.out, "files", t.os+"_"+t.arch)
		file := filepath.Join(t.dir, "pgsniff")
		if t.os == "windows" {
			file += ".exe"
		}
		flags := "-s -w " + alignment + " -buildid= -X github.com/pgsniff/pgsniff/internal/app.version=" + d.version
		build := append([]string{"build", "-trimpath", "-buildvcs=false", "-tags", "nethttpomithttp2"}, sizeFlags()...)
		build = append(build, "-ldflags", flags, "-o", file, "./cmd/pgsniff")
		if err := d.command(append(cache, "GOOS="+t.os, "GOARCH="+t.arch), "go", build...); err != nil {
			return err
		}
		if err := d.accompany(t); err != nil {
			return err
		}
	}
	return nil
}

// accompany adds to a binary what its archive has beside it.
func (d *dist) accompany(t *target) error {
	for _, name := range []string{"LICENSE", "README.md", "CHANGELOG.md"} {
		if err := copyFile(filepath.Join(d.root, name), filepath.Join(t.dir, name)); err != nil {
			return err
		}
	}
	if t.os == "windows" {
		return nil
	}
	return os.CopyFS(filepath.Join(t.dir, "share"), os.DirFS(filepath.Join(d.out, "share")))
}

func copyFile(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o644)
}
