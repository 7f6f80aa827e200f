package app

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// tried are blocks of pages that are neither commands of pgsniff nor their output, by what
// they begin with, and where they are tried, or why they are not.
var tried = map[string]string{
	"CGO_ENABLED=0 go install ./cmd/pgsniff":         "TestBlocks",
	"make build test":                                "CI",
	"sudo tcpdump -i any -s 0 -B 65536 -w pg.pcap":   "TestBlocks",
	"sudo tcpdump -i any -s 0 -B 65536 -w ring.pcap": "TestBlocks",
	"docker run --rm --network host":                 "no, it takes Docker and a cluster",
	`sudo nsenter -t "$(pgrep`:                       "no, it takes a container",
	"13:27:34.685468 #2 postgres@postgres":           "no, a wait for a lock, whose times differ each time",
	"sudo setcap cap_net_raw,":                       "TestBlocks",
	`port = [5432, "6432-6435"]`:                     "TestBlocks",
	"CREATE TABLE queries (":                         "TestClickHouse",
	"SELECT operation, count() AS calls":             "TestClickHouse",
	" host 1   pgsniff live --config":                "a drawing",
	`fail_on = "critical"`:                           "TestBlocks",
	"  pgsniff read capture.pcap -q":                 "TestWALOut",
	"   // Package count counts queries.":            "TestBlocks",
	"   package count":                               "TestBlocks",
}

// TestBlocks demands that every block of the pages is run by a test, or says here why not,
// and tries those that are no commands of pgsniff.
func TestBlocks(t *testing.T) {
	seen := make(map[string]bool)
	for _, path := range append(pages(t), "../../CONTRIBUTING.md") {
		page := readPage(t, path)
		for _, m := range block.FindAllStringSubmatchIndex(page, -1) {
			language, text, before := page[m[2]:m[3]], page[m[4]:m[5]], page[:m[0]]
			found := false
			for beginning := range tried {
				if strings.HasPrefix(text, beginning) {
					seen[beginning], found = true, true
					tryBlock(t, beginning, text)
				}
			}
			switch {
			case found:
			case language == "sh" && strings.HasPrefix(page[m[1]:], "\n```\n"): // TestPages runs it
			case language == "" && strings.HasSuffix(before, "```\n\n"): // and compares this
			case strings.HasSuffix(before, "-->\n"): // TestScreenPictures draws it
			case strings.HasPrefix(text, "pgsniff read [flags]"): // TestCLIPage
			case len(unshown(page[m[0]:m[1]])) > 0: // TestPageCommands runs it
			case strings.HasSuffix(path, "CONTRIBUTING.md"): // its walk-throughs are for those who read code
			default:
				t.Errorf("%s: no test runs\n%s", path, text)
			}
		}
	}
	for beginning := range tried {
		if !seen[beginning] {
			t.Errorf("no page has a block that begins with %q", beginning)
		}
	}
}

// tryBlock runs a block as far as it can be run here: what it captures on, writes to and
// installs is replaced.
func tryBlock(t *testing.T, beginning, text string) {
	dir := t.TempDir()
	if tried[beginning] != "TestBlocks" {
		return
	}
	var line string
	switch {
	case strings.HasPrefix(text, "port ="):
		file := filepath.Join(dir, "pgsniff.toml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, stderr, code := command("config", "live", "--config", file); code != ExitOK || !strings.Contains(out, "6432-6435") {
			t.Errorf("%s\nexit status %d: %s%s", text, code, out, stderr)
		}
		return
	case strings.HasPrefix(text, "fail_on"):
		file := filepath.Join(dir, "budget.toml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, stderr, code := command("check", capturePath("psql_simple"), "--budget", file); code != ExitOK {
			t.Errorf("%s\nexit status %d: %s%s", text, code, out, stderr)
		}
		return
	case strings.HasPrefix(text, "   "):
		line = overlaid(t, dir, text)
	case os.Geteuid() != 0 && strings.HasPrefix(text, "sudo "):
		return
	case strings.HasPrefix(text, "CGO"):
		line = "cd ../..; GOBIN=" + dir + " " + text + dir + "/pgsniff --version"
	case strings.HasPrefix(text, "sudo tcpdump"):
		first, _, _ := strings.Cut(text, "\n") // the next is of pgsniff
		first = strings.Replace(strings.TrimPrefix(first, "sudo "), "-w ", "-Z root -w "+dir+"/", 1)
		line = "timeout --preserve-status -s INT 1 " + first
	case strings.HasPrefix(text, "sudo setcap"):
		file := filepath.Join(dir, "pgsniff")
		line = "cp /bin/true " + file + "; " + regexp.MustCompile(`/usr/\S+`).ReplaceAllString(strings.TrimPrefix(text, "sudo "), file)
	}
	if out, err := exec.Command("bash", "-ec", line).CombinedOutput(); err != nil {
		t.Errorf("%s\n%v: %s", line, err, out)
	}
}

// overlaid returns a command that builds a file of Go as if it were in the repository.
func overlaid(t *testing.T, dir, text string) string {
	t.Helper()
	at, err := filepath.Abs("../count/count.go")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "count.go")
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {at: file}})
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{file: []byte(text), filepath.Join(dir, "overlay.json"): overlay} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return "go build -overlay " + dir + "/overlay.json ../count"
}
