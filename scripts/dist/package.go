package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

// packages makes a .deb and an .rpm for each Linux.
func (d *dist) packages() error {
	for _, t := range d.targets {
		if t.os != "linux" {
			continue
		}
		for _, kind := range []string{"deb", "rpm"} {
			to := filepath.Join(d.out, t.name(d.version)+"."+kind)
			if err := d.command([]string{"ARCH=" + t.arch, "FILES=" + t.dir}, "go", "tool", "-modfile=tools/dist/go.mod", "nfpm",
				"package", "--config", "packaging/nfpm.yaml", "--packager", kind, "--target", to); err != nil {
				return err
			}
		}
	}
	return nil
}

// materials lists the modules in the first binary; all are built from the same.
func (d *dist) materials() error {
	binary, err := filepath.Glob(filepath.Join(d.targets[0].dir, "pgsniff*"))
	if err != nil || len(binary) == 0 {
		return errors.Join(errors.New("no binary"), err)
	}
	return d.command(nil, "go", "tool", "-modfile=tools/dist/go.mod", "cyclonedx-gomod",
		"bin", "-json", "-std", "-noserial", "-notimestamp", "-version", "v"+d.version,
		"-output", filepath.Join(d.out, "pgsniff_"+d.version+".cdx.json"), binary[0])
}

// recipe is what the templates of recipes are filled with.
type recipe struct {
	Version string
	sums    map[string]string
}

// URL is that of the archive for a system.
func (r *recipe) URL(system, arch string) string {
	return "https://github.com/pgsniff/pgsniff/releases/download/v" + r.Version + "/" + (&target{os: system, arch: arch}).name(r.Version) + ".tar.gz"
}

// Sum is the checksum of the archive for a system.
func (r *recipe) Sum(system, arch string) (string, error) {
	sum, ok := r.sums[(&target{os: system, arch: arch}).name(r.Version)+".tar.gz"]
	if !ok {
		return "", errors.New("no archive for " + system + "/" + arch)
	}
	return sum, nil
}

// recipes fills in the templates, where all targets that they name were built.
func (d *dist) recipes() error {
	list := make([]string, 0, len(d.targets))
	for _, t := range d.targets {
		list = append(list, t.os+"/"+t.arch)
	}
	if strings.Join(list, ",") != allTargets {
		return nil
	}
	names, err := d.published()
	if err != nil {
		return err
	}
	r := &recipe{Version: d.version, sums: make(map[string]string)}
	for _, name := range names {
		if r.sums[name], err = d.sum(name); err != nil {
			return err
		}
	}
	for from, to := range map[string]string{"pgsniff.rb.tmpl": "pgsniff.rb", "PKGBUILD.tmpl": "PKGBUILD"} {
		t, err := template.ParseFiles(filepath.Join(d.root, "packaging", from))
		if err != nil {
			return err
		}
		var text strings.Builder
		if err := t.Execute(&text, r); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(d.out, to), []byte(text.String()), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// notes takes the section of the version out of the changelog.
func (d *dist) notes() error {
	b, err := os.ReadFile(filepath.Join(d.root, "CHANGELOG.md"))
	if err != nil {
		return err
	}
	_, text, ok := strings.Cut(string(b), "\n## "+d.version)
	if !ok {
		_, text, _ = strings.Cut(string(b), "\n## Unreleased")
	}
	_, text, _ = strings.Cut(text, "\n")
	text, _, _ = strings.Cut(text, "\n## ")
	return os.WriteFile(filepath.Join(d.out, "notes.md"), []byte(strings.TrimSpace(text)+"\n"), 0o644)
}
