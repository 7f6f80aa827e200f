package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

// base_mix.pcap is a capture of a real server, whose log tells what was run.
func TestSlowest(t *testing.T) {
	var out bytes.Buffer
	if err := run(&out, "../../testdata/pcaps/base_mix.pcap", "../../testdata/pcaps/auth_scram.pcap"); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	row := regexp.MustCompile(`^ *[0-9.]+(µs|ms|s) +[0-9.]+(µs|ms|s) +[1-9][0-9]* +[0-9]+ +[0-9]+  \S`)
	if len(lines) != 11 {
		t.Errorf("%d lines:\n%s", len(lines), out.String())
	}
	for _, line := range lines[1:] {
		if !row.MatchString(line) {
			t.Errorf("line %q", line)
		}
	}
	if err := run(&out, "no such file"); err == nil {
		t.Error("no error for a file that is not there")
	}
}
