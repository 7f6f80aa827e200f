package app

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/capture"
)

// block is a block of code in a page: its language, and its text.
var block = regexp.MustCompile("(?s)```(\\w*)\n(.*?)```\n")

// TestPageCommands runs the commands of the pages whose output is not shown, which
// TestPages therefore does not run: their captures are others here, and a live capture
// ends soon. Those that look into servers are only understood.
func TestPageCommands(t *testing.T) {
	bin, dir := t.TempDir(), t.TempDir()
	if out, err := exec.Command("go", "build", "-o", bin, "../../cmd/pgsniff").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	pcap := read(t, capturePath("psql_simple"))
	for _, name := range []string{"day.pcap", "capture.pcap", "pg.pcap"} {
		if err := os.WriteFile(filepath.Join(dir, name), pcap, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "keys.log"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	live := true
	if l, err := capture.OpenLive(capture.LiveOptions{Interfaces: []string{"any"}}); err != nil {
		live = false
	} else {
		l.Close()
	}
	n := 0
	for _, page := range pages(t) {
		for _, command := range unshown(readPage(t, page)) {
			n++
			switch {
			case strings.HasPrefix(command, "pgsniff top"), strings.HasPrefix(command, "pgsniff browse"):
				command += " --help" // they need a terminal
			case strings.Contains(command, "live"):
				if end := " --duration 200ms"; live && !strings.Contains(command, "attach") {
					command += end
				} else {
					command += " --help"
				}
			}
			cmd := exec.Command("bash", "-c", "set -o pipefail; "+command)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if out, err := cmd.Output(); err != nil {
				t.Errorf("%s: %s: %v\n%s%s", page, command, err, out, stderr.Bytes())
			}
		}
	}
	if n < 15 {
		t.Errorf("only %d commands were found", n)
	}
}

var (
	remark   = regexp.MustCompile(` +#.*`)
	synopsis = regexp.MustCompile(`\[|\.\.\.|IFACE|COMMAND| q/s`)
)

// unshown lists the commands of the program in blocks that no output follows, without
// what comes before and after them in a pipe.
func unshown(page string) (commands []string) {
	for _, m := range block.FindAllStringSubmatchIndex(page, -1) {
		if page[m[2]:m[3]] == "sh" && strings.HasPrefix(page[m[1]:], "\n```\n") {
			continue // TestPages runs it
		}
		text := strings.ReplaceAll(page[m[4]:m[5]], "\\\n", " ")
		for line := range strings.SplitSeq(text, "\n") {
			line = remark.ReplaceAllString(line, "")
			if from, to, ok := strings.Cut(line, "| pgsniff "); ok && strings.Contains(from, "tcpdump") {
				line = "cat day.pcap | pgsniff " + to
			} else {
				line = strings.TrimPrefix(line, "sudo ")
				line, _, _ = strings.Cut(line, " |")
			}
			if strings.Contains(line, "pgsniff ") && (strings.HasPrefix(line, "pgsniff ") || strings.HasPrefix(line, "cat ")) && !synopsis.MatchString(line) {
				commands = append(commands, line)
			}
		}
	}
	return commands
}
