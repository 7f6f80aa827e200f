package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// reportData is what the tests read of a page.
type reportData struct {
	Meta struct {
		Packets, Bytes, Connections, Messages, Queries, Errors uint64
		LostBytes                                              uint64 `json:"lost_bytes"`
		Command                                                string
		Warnings                                               []string
	}
	Series struct {
		Queries, Errors []uint64
		Open            []int
	}
	Classes []struct {
		SQL                             string
		Unknown                         bool
		Calls, Errors, Rows, Total, Max uint64
		Slowest                         []struct {
			Rows  uint64
			Steps []struct {
				Name  string
				Count uint64
			}
		}
	}
	Other struct{ Calls uint64 }
	Users []struct {
		Name                       string
		Calls, Errors, Rows, Total uint64
	}
	Errors []struct {
		SQLState, Message string
		Count             uint64
	}
	MoreErrors uint64 `json:"more_errors"`
	Findings   []struct{ Code, Title string }
}

// reportOf makes a page and returns it and its data.
func reportOf(t *testing.T, args ...string) (page []byte, d reportData) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page.html")
	output(t, append([]string{"report", "-o", path}, args...)...)
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return page, pageData(t, page)
}

func pageData(t *testing.T, page []byte) (d reportData) {
	t.Helper()
	_, data, _ := bytes.Cut(page, []byte(`<script type="application/json" id="data">`))
	data, _, _ = bytes.Cut(data, []byte("</script>"))
	if err := json.Unmarshal(data, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func sumOf(list []uint64) (sum uint64) {
	for _, n := range list {
		sum += n
	}
	return sum
}

// TestReportFigures holds, of all captures, that a page tells what --view stats and
// pgsniff diagnose tell: the same findings, sums, and queries.
func TestReportFigures(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(pcaps, "*.pcap"))
	if err != nil || len(files) < 20 {
		t.Fatal(files, err)
	}
	seen := map[string]bool{} // what the captures have to have of it
	for _, path := range files {
		t.Run(filepath.Base(path), func(t *testing.T) {
			_, page := reportOf(t, path)
			var stats struct {
				Messages                        map[string]uint64
				Packets, Bytes, Queries, Errors uint64
				LostBytes                       uint64 `json:"lost_bytes"`
				Top                             []struct {
					Normalized          *string
					Calls, Errors, Rows uint64
					Duration            struct{ Total, Max uint64 } `json:"duration_ns"`
				}
			}
			if err := json.Unmarshal(output(t, "read", "--json", "--view", "stats", "--top", "1000", path), &stats); err != nil {
				t.Fatal(err)
			}
			m := &page.Meta
			got := []uint64{m.Messages, m.Packets, m.Bytes, m.Queries, m.Errors, m.LostBytes, sumOf(page.Series.Queries), sumOf(page.Series.Errors)}
			if want := []uint64{sumOf(slices.Collect(maps.Values(stats.Messages))), stats.Packets, stats.Bytes, stats.Queries, stats.Errors, stats.LostBytes, stats.Queries, stats.Errors}; !slices.Equal(got, want) {
				t.Errorf("messages, packets, bytes, queries, errors, lost bytes, and queries and errors over time are %d, not %d", got, want)
			}
			grouped := page.MoreErrors
			for _, e := range page.Errors {
				grouped += e.Count
			}
			if grouped != stats.Errors {
				t.Errorf("%d errors are grouped, of %d", grouped, stats.Errors)
			}
			var classes, want []string
			calls := page.Other.Calls
			for _, c := range page.Classes {
				calls += c.Calls
				classes = append(classes, fmt.Sprint(!c.Unknown, c.Calls, c.Errors, c.Rows, c.Total, c.Max))
				seen["unknown"] = seen["unknown"] || c.Unknown
			}
			for _, c := range stats.Top {
				want = append(want, fmt.Sprint(c.Normalized != nil, c.Calls, c.Errors, c.Rows, c.Duration.Total, c.Duration.Max))
			}
			slices.Sort(classes)
			slices.Sort(want)
			if calls != stats.Queries || !slices.Equal(classes, want) {
				t.Errorf("%d queries are listed, of %d:\n%q\n%q", calls, stats.Queries, classes, want)
			}
			var found []string
			for line := range bytes.Lines(output(t, "diagnose", "--json", path)) {
				var f struct{ Type, Code, Title string }
				if err := json.Unmarshal(line, &f); err != nil {
					t.Fatal(err)
				}
				if f.Type == "finding" {
					found = append(found, f.Code+": "+f.Title)
					seen[f.Code] = true
				}
			}
			var shown []string
			for _, f := range page.Findings {
				shown = append(shown, f.Code+": "+f.Title)
			}
			if !slices.Equal(shown, found) {
				t.Errorf("findings\n%q\nnot\n%q", shown, found)
			}
		})
	}
	if !seen["protocol_violation"] || !seen["n_plus_one"] || !seen["unknown"] {
		t.Error("the captures have too little to compare:", seen)
	}
}
