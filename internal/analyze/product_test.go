package analyze_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/hostile"
)

// soak tells that the long tests run as a whole.
var soak = os.Getenv("PGSNIFF_SOAK") != ""

// held runs the program over a capture and holds it to the bound.
func held(t *testing.T, name string, r io.Reader, args string) {
	t.Helper()
	m := measure(t, hostile.Scenario{Name: name, Make: func(int) io.Reader { return r }}, 0, args)
	peak := m.peakKiB
	t.Logf("%s: peak %d MiB, %v", name, peak>>10, m.cpu)
	if peak > maxPeak {
		t.Errorf("%s, %s: peak of %d MiB, want at most %d", name, args, peak>>10, maxPeak>>10)
	}
}

// otherArgs are other ways of running the program over the same.
func otherArgs(t *testing.T) []string {
	file := filepath.Join(t.TempDir(), "kept.pcapng")
	return []string{
		"read --only-matching -w " + file + " --min-duration 1us --view queries --json -",
		"read --min-duration 1us --view messages,queries,connections,stats --json --max-value-bytes 0 -",
	}
}

// TestPeakMemoryOfProduct: whatever there is to keep, left however it may be, on many
// connections: all of it in one run, and by itself each thing that is left open or
// failed; with PGSNIFF_SOAK each pair, also of smaller things on more connections.
func TestPeakMemoryOfProduct(t *testing.T) {
	if testing.Short() {
		t.Skip("long: reads captures of many megabytes")
	}
	const size = 1000_000 // close below the largest message that is kept whole
	held(t, "all", hostile.Products(4, size, nil), allRecords)
	for _, args := range otherArgs(t) {
		held(t, "all", hostile.Products(3, size, nil), args)
	}
	percent := 10
	if soak {
		percent = 100
	}
	for _, args := range append(otherArgs(t), allRecords) {
		held(t, "all scenarios", hostile.All(percent), args)
	}
	for _, k := range hostile.AllKept {
		for _, l := range hostile.AllLeft {
			if !soak && (l.Name != "open" && l.Name != "failed" || l.Name == "failed" && !strings.HasPrefix(k.Name, "statement")) {
				continue
			}
			one := func(a hostile.Kept, b hostile.Left) bool { return a.Name == k.Name && b.Name == l.Name }
			held(t, k.Name+", "+l.Name, hostile.Products(300, size, one), allRecords)
			if soak {
				held(t, k.Name+", "+l.Name+", small", hostile.Products(20_000, 20_000, one), allRecords)
			}
		}
	}
}
