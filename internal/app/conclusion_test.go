package app

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

var toldApplications = regexp.MustCompile(`of ([\d,]+) applications?,`)

// TestConclusionCountsApplications wants as many applications in the last line of
// diagnose as the query records of the capture name.
func TestConclusionCountsApplications(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(pcaps, "*.pcap"))
	if err != nil || len(files) == 0 {
		t.Fatal("no captures", err)
	}
	compared, several := 0, 0
	for _, f := range files {
		names, all := map[string]bool{}, true
		for line := range bytes.Lines(output(t, "read", f, "--json", "--view", "queries")) {
			var q struct {
				Application string `json:"application_name"`
				Skipped     bool   `json:"skipped"`
			}
			if err := json.Unmarshal(line, &q); err != nil {
				t.Fatal(err)
			}
			names[q.Application] = true
			all = all && q.Application != "" && !q.Skipped
		}
		if len(names) == 0 || !all {
			continue
		}
		m := toldApplications.FindSubmatch(output(t, "diagnose", f))
		if m == nil {
			t.Errorf("%s: diagnose names no applications", f)
			continue
		}
		compared++
		if len(names) > 1 {
			several++
		}
		if n, _ := strconv.Atoi(string(m[1])); n != len(names) {
			t.Errorf("%s: diagnose tells of %d applications, the queries of %d", f, n, len(names))
		}
	}
	if compared < 10 || several < 2 {
		t.Errorf("only %d captures, %d with several applications", compared, several)
	}
}
