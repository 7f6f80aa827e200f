package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestArchivesAreEqual wants the same bytes whenever and wherever files are packed.
func TestArchivesAreEqual(t *testing.T) {
	at := time.Unix(1_700_000_000, 0).UTC()
	var first [2][]byte
	for round := range 2 {
		dir := t.TempDir()
		for _, name := range []string{"pgsniff", "share/man1/pgsniff.1", "LICENSE"} {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(name), 0o600+os.FileMode(round)*0o044); err != nil {
				t.Fatal(err)
			}
		}
		files, err := listFiles(dir, "top")
		if err != nil || len(files) != 3 || files[1].name != "top/pgsniff" || files[1].mode != 0o755 || files[2].mode != 0o644 {
			t.Fatalf("%v, %v", files, err)
		}
		var tar, zip bytes.Buffer
		if err := writeTar(&tar, files, at); err != nil {
			t.Fatal(err)
		}
		if err := writeZip(&zip, files, at); err != nil {
			t.Fatal(err)
		}
		for i, b := range [][]byte{tar.Bytes(), zip.Bytes()} {
			if round == 0 {
				first[i] = b
			} else if !bytes.Equal(first[i], b) {
				t.Errorf("archive %d is another one", i)
			}
		}
	}
}

// TestRecipes fills the templates in and lets a shell read the one that is for it.
func TestRecipes(t *testing.T) {
	d := dist{root: "../..", out: t.TempDir(), version: "1.2.3"}
	for _, name := range strings.Split(allTargets, ",") {
		system, arch, _ := strings.Cut(name, "/")
		d.targets = append(d.targets, &target{os: system, arch: arch})
		archive := filepath.Join(d.out, d.targets[len(d.targets)-1].name(d.version)+".tar.gz")
		if err := os.WriteFile(archive, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.recipes(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"pgsniff.rb", "PKGBUILD"} {
		text, err := os.ReadFile(filepath.Join(d.out, name))
		if err != nil {
			t.Fatal(err)
		}
		sum, err := d.sum("pgsniff_1.2.3_linux_arm64.tar.gz")
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{sum, "/v1.2.3/pgsniff_1.2.3_linux_amd64.tar.gz", `1.2.3`} {
			if !strings.Contains(string(text), want) {
				t.Errorf("%s lacks %s:\n%s", name, want, text)
			}
		}
	}
	if bash, err := exec.LookPath("bash"); err == nil {
		if out, err := exec.Command(bash, "-n", filepath.Join(d.out, "PKGBUILD")).CombinedOutput(); err != nil {
			t.Errorf("PKGBUILD: %v: %s", err, out)
		}
	}
}

// TestNotes takes the section of a version, and that of no version yet.
func TestNotes(t *testing.T) {
	d := dist{root: t.TempDir(), out: t.TempDir()}
	log := "# Changelog\n\n## Unreleased\n\n- new\n\n## 0.2.0 - 2026-01-02\n\n- second\n\n## 0.1.0 - 2025-01-02\n\n- first\n"
	if err := os.WriteFile(filepath.Join(d.root, "CHANGELOG.md"), []byte(log), 0o644); err != nil {
		t.Fatal(err)
	}
	for version, want := range map[string]string{"0.2.0": "- second\n", "0.1.0": "- first\n", "0.0.0-dev": "- new\n"} {
		d.version = version
		if err := d.notes(); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(d.out, "notes.md")); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", version, got, err)
		}
	}
}

// TestReleaseLog: what is unreleased becomes part of the version, once.
func TestReleaseLog(t *testing.T) {
	const head, old = "# Changelog\n\nText.\n\n## Unreleased\n", "\n## 0.1.0 - 2025-01-02\n\n- first\n"
	at := time.Date(2026, 3, 4, 23, 0, 0, 0, time.UTC)
	for _, c := range []struct{ log, version, want string }{
		{head + "\n- new\n" + old, "0.2.0", head + "\n## 0.2.0 - 2026-03-04\n\n- new\n" + old},
		{head + "\n- new\n  more\n" + old, "0.1.0", head + "\n## 0.1.0 - 2026-03-04\n\n- first\n- new\n  more\n"},
		{head + old, "0.1.0", head + "\n## 0.1.0 - 2026-03-04\n\n- first\n"},
		{head + "\n- new\n\n## 0.2.0 - 2025-02-03\n\n- second\n" + old, "0.2.0", head + "\n## 0.2.0 - 2026-03-04\n\n- second\n- new\n" + old},
		{head + "\n- new\n", "0.1.0", head + "\n## 0.1.0 - 2026-03-04\n\n- new\n"},
		{head + old, "0.2.0", ""},
		{head, "0.1.0", ""},
		{"# Changelog\n" + old, "0.1.0", ""},
	} {
		path := filepath.Join(t.TempDir(), "CHANGELOG.md")
		if err := os.WriteFile(path, []byte(c.log), 0o644); err != nil {
			t.Fatal(err)
		}
		for range 2 { // a release that is tried again finds it done
			err := releaseLog(path, c.version, at)
			got, _ := os.ReadFile(path)
			if c.want == "" {
				if err == nil || string(got) != c.log {
					t.Errorf("%q, version %s became %q, %v", c.log, c.version, got, err)
				}
			} else if err != nil || string(got) != c.want {
				t.Errorf("%q, version %s became\n%s\nwant\n%s\n%v", c.log, c.version, got, c.want, err)
			}
		}
	}
}
