//go:build linux

package dist

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// build builds the version 9.9.9 for Debian and returns where it is.
func build(t *testing.T, root string, args ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out")
	cmd := exec.Command("go", append([]string{"run", "./scripts/dist", "-version", "9.9.9", "-targets", "linux/amd64", "-out", out}, args...)...)
	cmd.Dir = root
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("dist: %v\n%s", err, text)
	}
	return out
}

// onlyCI skips what changes the machine: users, groups and packages.
func onlyCI(t *testing.T) {
	t.Helper()
	if os.Getenv("CI") != "true" || os.Geteuid() != 0 {
		t.Skip("installs packages and makes users: only with CI=true and as root")
	}
}

// run runs a command and returns what it printed on both streams.
func run(t *testing.T, name string, args ...string) (text string, err error) {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	return string(out), err
}

// must runs a command that has to succeed.
func must(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := run(t, name, args...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

// TestDist builds and tries all of it. One test, for building takes longest.
func TestDist(t *testing.T) {
	onlyCI(t)
	root := strings.TrimSpace(must(t, "git", "rev-parse", "--show-toplevel"))
	out := build(t, root)
	t.Run("Again", func(t *testing.T) { again(t, root, out) })
	t.Run("Debian", func(t *testing.T) { debian(t, root, out) })
	t.Run("RedHat", func(t *testing.T) { redhat(t, out) })
	t.Run("Image", func(t *testing.T) { image(t, root, out) })
}

// again builds the commit anew, in another directory and with nothing cached.
func again(t *testing.T, root, out string) {
	if s := must(t, "git", "-C", root, "status", "--porcelain"); s != "" {
		t.Skipf("the tree has changes that are not committed:\n%s", s)
	}
	clone := filepath.Join(t.TempDir(), "elsewhere")
	must(t, "git", "clone", "-q", "--shared", root, clone)
	other := build(t, clone, "-fresh")
	if diff, err := run(t, "diff", "-r", out, other); err != nil {
		t.Errorf("the second build gives other bytes:\n%s", diff)
	}
	cmd := exec.Command("sha256sum", "-c", "SHA256SUMS")
	cmd.Dir = other
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
	var bom struct {
		Components []struct{ Name string }
	}
	text, err := os.ReadFile(filepath.Join(out, "pgsniff_9.9.9.cdx.json"))
	if err == nil {
		err = json.Unmarshal(text, &bom)
	}
	if err != nil || !strings.Contains(string(text), "github.com/google/gopacket") || len(bom.Components) < 10 {
		t.Errorf("the bill of materials has %d components, %v", len(bom.Components), err)
	}
}

// user makes an ordinary user for a test.
func user(t *testing.T, name string, groups string) {
	t.Helper()
	args := []string{"--no-create-home", "--no-user-group", "--shell", "/bin/sh"}
	if groups != "" {
		args = append(args, "--groups", groups)
	}
	must(t, "useradd", append(args, name)...)
	t.Cleanup(func() { _, _ = run(t, "userdel", name) })
}

// as makes a command of a user, who has nothing but his groups.
func as(user string, args ...string) *exec.Cmd {
	cmd := exec.Command("setpriv", append([]string{"--reuid", user, "--regid", "users", "--init-groups", "--inh-caps=-all"}, args...)...)
	cmd.Dir = "/"
	return cmd
}

// debian installs the package, uses it and removes it.
func debian(t *testing.T, root, out string) {
	if _, err := os.Stat("/usr/bin/pgsniff"); err == nil {
		t.Skip("pgsniff is installed on this machine")
	}
	s := pgtest.Start(t)
	must(t, "dpkg", "-i", filepath.Join(out, "pgsniff_9.9.9_linux_amd64.deb"))
	t.Cleanup(func() {
		must(t, "dpkg", "--purge", "pgsniff")
		for _, path := range []string{"/usr/bin/pgsniff", "/usr/libexec/pgsniff", "/usr/share/man/man1/pgsniff.1", "/usr/share/doc/pgsniff"} {
			if _, err := os.Lstat(path); err == nil {
				t.Errorf("%s is still there after the removal", path)
			}
		}
		for _, group := range []string{"pgsniff", "pgsniff-attach"} {
			_, _ = run(t, "groupdel", group) // they stay by intention; the test made them
		}
	})
	user(t, "pgsniff-attacher", "pgsniff-attach")
	user(t, "pgsniff-member", "pgsniff")
	user(t, "pgsniff-other", "")
	capture := readable(t, root)

	for _, name := range []string{"pgsniff-member", "pgsniff-other"} {
		if text, err := as(name, "pgsniff", "read", capture, "--view", "queries").CombinedOutput(); err != nil || !strings.Contains(string(text), "app@appdb") {
			t.Errorf("%s cannot read files: %v\n%s", name, err, text)
		}
	}
	text, err := as("pgsniff-other", "pgsniff", "live", "-i", "lo").CombinedOutput()
	if err == nil || !strings.Contains(string(text), "usermod -aG pgsniff") {
		t.Errorf("who is not in the group: %v\n%s", err, text)
	}
	liveQuery(t, as("pgsniff-member", "pgsniff", "live", "-i", "lo", "--port", port(s), "--json", "--view", "queries"), s, capturing, byMember)
	pages(t)
	unit(t, s)
	text, err = as("pgsniff-member", "pgsniff", "live", "--attach-only").CombinedOutput()
	if err == nil || !strings.Contains(string(text), "pgsniff-attach") {
		t.Errorf("who is not in the group looks into servers: %v\n%s", err, text)
	}
	may := mayAttach(t)
	attacher := func() *exec.Cmd {
		return as("pgsniff-attacher", "pgsniff", "live", "--attach-only", "--attach="+postmaster(t, s), "--json", "--view", "queries")
	}
	if may {
		liveQuery(t, attacher(), s, "attached to", byMember)
	}
	for _, old := range []struct {
		release, capabilities string
		runs                  bool // this system may lack CAP_SYS_RESOURCE, and runs no program then that has it by its file
	}{
		{"5.10.0-46-amd64", "cap_net_raw,cap_sys_ptrace,cap_sys_admin,cap_sys_resource=ep", false},
		{"6.1.0-56-amd64", "cap_net_raw,cap_sys_ptrace,cap_sys_admin=ep", true},
	} {
		installedOn(t, old.release)
		if text := must(t, "getcap", "/usr/libexec/pgsniff/pgsniff-attach"); !strings.HasSuffix(strings.TrimSpace(text), " "+old.capabilities) {
			t.Errorf("with Linux %s the capabilities are %s", old.release, text)
		}
		if may && old.runs {
			liveQuery(t, attacher(), s, "attached to", byMember)
		}
	}
}

// installedOn runs the package's script again, as if another kernel ran.
func installedOn(t *testing.T, release string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "uname"), []byte("#!/bin/sh\necho "+release+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/var/lib/dpkg/info/pgsniff.postinst", "configure", "9.9.9")
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
}

// mayAttach reports whether the kernel lets root look into servers.
func mayAttach(t *testing.T) bool {
	t.Helper()
	text, err := run(t, "pgsniff", "live", "--attach-only", "--duration", "100ms")
	if err != nil {
		t.Logf("this kernel forbids it: %s", text)
	}
	return err == nil
}

// unit checks the systemd unit, and runs what it runs as an ordinary user with the
// capabilities that it gives.
func unit(t *testing.T, s *pgtest.Server) {
	const path = "/usr/lib/systemd/system/pgsniff.service"
	if text, err := run(t, "systemd-analyze", "verify", "--man=no", path); err != nil || text != "" {
		t.Errorf("the unit: %v\n%s", err, text)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	command := regexp.MustCompile(`(?m)^ExecStart=/usr/bin/pgsniff live --config (/etc/\S*) \$PGSNIFF_ARGS$`).FindSubmatch(text)
	caps := regexp.MustCompile(`(?m)^AmbientCapabilities=CAP_(.*)$`).FindSubmatch(text)
	if command == nil || caps == nil {
		t.Fatalf("%s has no arguments or capabilities:\n%s", path, text)
	}
	right := "-all,+" + strings.ToLower(string(caps[1]))
	argv := []string{
		"--reuid", "pgsniff-other", "--regid", "users", "--clear-groups", "--inh-caps=" + right, "--ambient-caps=" + right, "--bounding-set=" + right,
		// The test waits for what it says, and not for a minute.
		"pgsniff", "live", "--config", string(command[1]), "--port", port(s), "--quiet=false", "--every", "1s",
	}
	liveQuery(t, exec.Command("setpriv", argv...), s, capturing, `"select $1"`)
}

// redhat looks at the package for Red Hat, and installs its files where nothing else
// is.
func redhat(t *testing.T, out string) {
	rpm := filepath.Join(out, "pgsniff_9.9.9_linux_amd64.rpm")
	must(t, "rpm", "--checksig", "--nosignature", rpm)
	if text := must(t, "rpm", "-qp", "--queryformat", "%{NAME} %{VERSION} %{ARCH} %{LICENSE} %{BUILDHOST}", rpm); text != "pgsniff 9.9.9 x86_64 MIT localhost" {
		t.Errorf("the package is %s", text)
	}
	if text := must(t, "rpm", "-qp", "--requires", rpm); !strings.Contains(text, "libcap") {
		t.Errorf("it requires:\n%s", text)
	}
	if text := must(t, "rpm", "-qp", "--scripts", rpm); !strings.Contains(text, "setcap") || !strings.Contains(text, "rm -rf /usr/libexec/pgsniff") {
		t.Errorf("its scripts:\n%s", text)
	}
	list := must(t, "rpm", "-qplv", rpm)
	for _, want := range []string{
		`-rwxr-xr-x .* root +root .* /usr/bin/pgsniff`, `-rw-r--r-- .* /usr/lib/systemd/system/pgsniff\.service`,
		`-rw-r--r-- .* /usr/share/man/man1/pgsniff-live\.1`, `-rw-r--r-- .* /usr/share/zsh/site-functions/_pgsniff`,
	} {
		if !regexp.MustCompile(`(?m)^` + want + `$`).MatchString(list) {
			t.Errorf("no %s in:\n%s", want, list)
		}
	}
	dir := t.TempDir()
	must(t, "rpm", "--root", dir, "--install", "--nodeps", "--noscripts", rpm)
	if text := must(t, filepath.Join(dir, "usr/bin/pgsniff"), "version"); !strings.Contains(text, "9.9.9") {
		t.Errorf("its version is %s", text)
	}
	if text, err := run(t, "rpm", "--root", dir, "--verify", "--nodeps", "pgsniff"); err != nil {
		t.Errorf("what is installed is not what is in the package: %v\n%s", err, text)
	}
}

// pages looks at what is installed beside the program.
func pages(t *testing.T) {
	for _, name := range []string{"pgsniff", "pgsniff-read", "pgsniff-live"} {
		text, err := os.ReadFile("/usr/share/man/man1/" + name + ".1")
		if err != nil || !bytes.Contains(text, []byte(".SH SYNOPSIS")) {
			t.Errorf("the man page %s: %v", name, err)
		}
	}
	script := `. /usr/share/bash-completion/completions/pgsniff && complete -p pgsniff`
	if text := must(t, "bash", "-c", script); !strings.Contains(text, "__start_pgsniff") {
		t.Errorf("completion in bash: %s", text)
	}
}

// readable copies a capture to where every user can read it.
func readable(t *testing.T, root string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pgsniff-capture")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "capture.pcap")
	b, err := os.ReadFile(filepath.Join(root, "testdata/pcaps/psql_simple.pcap"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// postmaster is the server's process: others may run on this machine, and do much.
func postmaster(t *testing.T, s *pgtest.Server) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.DataDir, "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, _, _ := strings.Cut(string(text), "\n")
	return pid
}

func port(s *pgtest.Server) string { return strconv.Itoa(s.Port) }

const (
	capturing = "capturing on"
	byMember  = "seen by a member"
)

// liveQuery starts the program, and when it says that it is ready lets a client ask
// something; it wants that to be shown.
func liveQuery(t *testing.T, cmd *exec.Cmd, s *pgtest.Server, ready, shown string) {
	t.Helper()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Signal(os.Interrupt)
		var rest sync.WaitGroup // it may be writing more than a pipe takes
		for _, r := range []io.Reader{stdout, stderr} {
			rest.Go(func() { _, _ = io.Copy(io.Discard, r) })
		}
		rest.Wait()
		_ = cmd.Wait()
	}()
	said := await(stderr, ready)
	if !strings.Contains(said, ready) {
		t.Fatalf("it does not capture:\n%s", said)
	}
	conn := s.Connect(t, s.SuperUser, "postgres")
	if _, err := conn.Exec(t.Context(), "select '"+byMember+"'").ReadAll(); err != nil {
		t.Fatal(err)
	}
	if text := await(stdout, shown); !strings.Contains(text, shown) {
		t.Errorf("the query was not seen:\n%s", text)
	}
}

// await reads until a text is there or the stream ends.
func await(r interface{ Read([]byte) (int, error) }, what string) string {
	var text []byte
	b := make([]byte, 4096)
	for !bytes.Contains(text, []byte(what)) {
		n, err := r.Read(b)
		text = append(text, b[:n]...)
		if err != nil {
			break
		}
	}
	return string(text)
}

// image runs the program where there is nothing else, as in an image made from
// scratch, and with the arguments of the manifest.
func image(t *testing.T, root, out string) {
	recipe, err := os.ReadFile(filepath.Join(root, "packaging/Containerfile"))
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?m)^FROM scratch\nCOPY pgsniff /pgsniff\nENTRYPOINT \["/pgsniff"\]$`).Match(recipe) {
		t.Fatalf("the image is not what this test stands for:\n%s", recipe)
	}
	dir := t.TempDir()
	must(t, "cp", filepath.Join(out, "files/linux_amd64/pgsniff"), filepath.Join(root, "testdata/pcaps/psql_simple.pcap"), dir)
	if text := must(t, "chroot", dir, "/pgsniff", "version"); !strings.Contains(text, "9.9.9") {
		t.Errorf("its version is %s", text)
	}
	if text := must(t, "chroot", dir, "/pgsniff", "read", "/psql_simple.pcap", "--view", "queries"); !strings.Contains(text, "app@appdb") {
		t.Errorf("it reads:\n%s", text)
	}
	manifest, err := os.ReadFile(filepath.Join(root, "packaging/kubernetes/daemonset.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`args: (\[.*\])`).FindSubmatch(manifest)
	var args []string
	if m == nil || json.Unmarshal(m[1], &args) != nil {
		t.Fatalf("no arguments in the manifest:\n%s", manifest)
	}
	s := pgtest.Start(t)
	configuration := regexp.MustCompile(`(?m)^  pgsniff\.toml: \|\n((?:(?:    .*)?\n)+)`).FindSubmatch(manifest)
	if configuration == nil || !bytes.Contains(configuration[1], []byte("[5432]")) {
		t.Fatalf("no configuration in the manifest:\n%s", manifest)
	}
	must(t, "mkdir", "-p", filepath.Join(dir, "etc/pgsniff"))
	toml := bytes.Replace(configuration[1], []byte("[5432]"), []byte("["+port(s)+"]"), 1)
	if err := os.WriteFile(filepath.Join(dir, "etc/pgsniff/pgsniff.toml"), toml, 0o600); err != nil {
		t.Fatal(err)
	}
	liveQuery(t, exec.Command("chroot", append([]string{dir, "/pgsniff"}, args...)...), s, capturing, byMember)
}
