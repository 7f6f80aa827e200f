//go:build linux

package live

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// pseudoTerminal returns the two ends of one of 80 columns and 24 lines.
func pseudoTerminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = master.Close() })
	fd := int(master.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}); err != nil {
		t.Fatal(err)
	}
	path := fmt.Sprint("/dev/pts/", n)
	if fd, err = unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0); err != nil { // whose writes wait, as a shell's
		t.Fatal(err)
	}
	slave = os.NewFile(uintptr(fd), path)
	t.Cleanup(func() { _ = slave.Close() })
	return master, slave
}

// fill writes to a terminal that nobody reads until it takes no more: the kernel hands on
// what was written some time later, and has room again until that is full, too.
func fill(t *testing.T, slave *os.File) {
	t.Helper()
	fd, err := unix.Open(slave.Name(), unix.O_WRONLY|unix.O_NONBLOCK|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	for full, n := 0, 0; full < 10; {
		switch _, err := unix.Write(fd, []byte("x")); {
		case err == unix.EAGAIN:
			full++
			time.Sleep(10 * time.Millisecond)
		case err != nil:
			t.Fatal(err)
		default:
			if full, n = 0, n+1; n > 1<<20 {
				t.Fatal("the terminal takes all that is written")
			}
		}
	}
}

// raw reports whether a program has the terminal's keys one by one.
func raw(t *testing.T, slave *os.File) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(slave.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ICANON == 0
}

// waitDrawn reads what is written to a terminal until a text is among it.
func waitDrawn(t *testing.T, master *os.File, text string) {
	t.Helper()
	drawn := ""
	for b := make([]byte, 4096); !strings.Contains(drawn, text); {
		n, err := master.Read(b)
		if err != nil {
			t.Fatal(err, drawn)
		}
		drawn += string(b[:n])
	}
}

// TestScreenAlone presses Ctrl-Z where no shell is there to go on with the program, as in a
// container: the kernel stops nobody, and the program goes on.
func TestScreenAlone(t *testing.T) {
	master, slave := pseudoTerminal(t)
	cmd := exec.Command(os.Args[0], "browse", "../../testdata/pcaps/base_mix.pcap")
	cmd.Env = append(os.Environ(), asProgram+"=1", "TERM=xterm-256color")
	cmd.Stdin, cmd.Stdout = slave, slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	p := launch(t, cmd)
	for _, step := range []struct{ key, shown string }{{"", "CALLS"}, {"\x1a", "no shell"}, {"1", "QUERY"}, {"?", "Everywhere"}} {
		if _, err := master.WriteString(step.key); err != nil {
			t.Fatal(err)
		}
		waitDrawn(t, master, step.shown)
	}
	go func() { _, _ = io.Copy(io.Discard, master) }() // what is written at the end
	if _, err := master.WriteString("qq"); err != nil {
		t.Fatal(err)
	}
	if code := p.wait(time.Minute); code != 0 {
		t.Errorf("exit %d: %s", code, p.stderr)
	}
}

// TestScreenStalled ends the program by a signal on a terminal that reads nothing more,
// that of a session whose network is gone for instance: it ends, and leaves the terminal
// as it was. Meanwhile the capture goes on: that is written to a file, which has packets
// that came while the screen stood still.
func TestScreenStalled(t *testing.T) {
	needCapture(t)
	master, slave := pseudoTerminal(t)
	path := filepath.Join(t.TempDir(), "kept.pcapng")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "top", "-i", "lo", "--port", port, "-w", path)
	cmd.Env = append(os.Environ(), asProgram+"=1", "TERM=xterm-256color")
	cmd.Stdin, cmd.Stdout = slave, slave
	p := launch(t, cmd)
	waitDrawn(t, master, "Replication")
	fill(t, slave)
	if _, err := master.WriteString("2"); err != nil { // a key, whose frame does not get out
		t.Fatal(err)
	}
	size := func() int64 {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	before := size()
	p.waitFor("packets that are written", time.Minute, func() bool {
		if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
			_ = c.Close()
		}
		return size() > before
	})
	if code := p.signal(syscall.SIGTERM); code != 0 {
		t.Errorf("exit %d: %s", code, p.stderr)
	}
	if raw(t, slave) {
		t.Error("the terminal is still raw")
	}
}
