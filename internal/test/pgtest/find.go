package pgtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"testing"
)

// debianBins is where Debian and Ubuntu put the binaries of a major version.
const debianBins = "/usr/lib/postgresql/%s/bin"

// packages names what to install for a tool, in Debian's words.
var packages = map[string]string{
	"postgres": "postgresql",
	"initdb":   "postgresql",
	"pgbench":  "postgresql-contrib",
	"psql":     "postgresql-client",
	"pg_dump":  "postgresql-client",
	"tcpdump":  "tcpdump",
	"tshark":   "tshark",

	"krb5kdc":      "krb5-kdc",
	"kdb5_util":    "krb5-kdc",
	"kadmin.local": "krb5-admin-server",
	"kinit":        "krb5-user",
}

// Tool returns the path of a program: of the PostgreSQL installation that Start
// would use, or from PATH. Where there is none the test is skipped, or fails
// if CI=true.
func Tool(t testing.TB, name string) string {
	t.Helper()
	if dir, err := findBinDir(0); err == nil {
		if path := filepath.Join(dir, name); isExecutable(path) {
			return path
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		pkg := packages[name]
		if pkg == "" {
			pkg = name
		}
		missing(t, "%s is not installed (Debian: apt-get install %s)", name, pkg)
	}
	return path
}

// missing skips the test, or fails it where skipping would hide a hole.
func missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// findBinDir returns the directory with initdb and postgres of a major version;
// 0 is any.
func findBinDir(major int) (string, error) {
	if major == 0 {
		return findAnyBinDir()
	}
	name := fmt.Sprintf("PGSNIFF_PG%d", major)
	if dir := os.Getenv(name); dir != "" {
		return checkBinDir(filepath.Join(dir, "bin"), name)
	}
	dir := fmt.Sprintf(debianBins, strconv.Itoa(major))
	if hasServer(dir) {
		return dir, nil
	}
	return "", fmt.Errorf("PostgreSQL %d is not installed (Debian: apt-get install postgresql-%d, or name a directory with bin/postgres in %s)",
		major, major, name)
}

func findAnyBinDir() (string, error) {
	if dir := os.Getenv("PGSNIFF_PGBIN"); dir != "" {
		return checkBinDir(dir, "PGSNIFF_PGBIN")
	}
	if dir := fmt.Sprintf(debianBins, "15"); hasServer(dir) {
		return dir, nil
	}
	dirs, _ := filepath.Glob(fmt.Sprintf(debianBins, "*"))
	sort.Slice(dirs, func(i, j int) bool { return majorOf(dirs[i]) > majorOf(dirs[j]) })
	for _, dir := range dirs {
		if hasServer(dir) {
			return dir, nil
		}
	}
	if path, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil && hasServer(filepath.Dir(real)) {
			return filepath.Dir(real), nil
		}
	}
	return "", fmt.Errorf("PostgreSQL is not installed (Debian: apt-get install postgresql, or name its bin directory in PGSNIFF_PGBIN)")
}

// majorOf reads the version from a path of Debian's layout, so that 9.6 sorts
// below 15.
func majorOf(dir string) float64 {
	v, _ := strconv.ParseFloat(filepath.Base(filepath.Dir(dir)), 64)
	return v
}

func checkBinDir(dir, variable string) (string, error) {
	if !hasServer(dir) {
		return "", fmt.Errorf("%s: no initdb and postgres in %s", variable, dir)
	}
	return dir, nil
}

func hasServer(dir string) bool {
	return isExecutable(filepath.Join(dir, "postgres")) && isExecutable(filepath.Join(dir, "initdb"))
}

func isExecutable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}
