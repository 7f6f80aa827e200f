package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestCold holds that each pattern is of packages that the program has, and that none is
// of what packets, messages or queries go through.
func TestCold(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", "-tags", "nethttpomithttp2", "./cmd/pgsniff")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Fields(string(out))
	if len(packages) < 200 {
		t.Fatalf("%d packages", len(packages))
	}
	var without []string // of inlining
	for _, pattern := range cold {
		n := len(without)
		prefix, rest := strings.CutSuffix(pattern, "/...")
		for _, p := range packages {
			if p == prefix || rest && strings.HasPrefix(p, prefix+"/") {
				without = append(without, p)
			}
		}
		if len(without) == n {
			t.Errorf("%s is of no package of the program", pattern)
		}
	}
	const own = "github.com/pgsniff/pgsniff/"
	for _, hot := range []string{
		own + "internal/jsontext", own + "internal/netfacts", own + "internal/pooler", own + "internal/units", own + "internal/csvlog", own + "internal/pqtrace",
		"encoding/binary", "time", "io", "bufio", "math/bits", "unicode", "hash/maphash", "internal/runtime/maps", "golang.org/x/sys/unix",
		own + "pkg/reassembly", own + "pkg/codec", own + "pkg/messages", own + "pkg/tracker", own + "pkg/exchange", own + "pkg/session",
		own + "internal/analyze", own + "internal/capture", own + "internal/packet", own + "internal/filter", own + "internal/render",
		own + "internal/record", own + "internal/sqlnorm", own + "internal/redact", own + "internal/stats", own + "internal/tlsdecrypt",
		own + "internal/findings", own + "internal/value", own + "internal/otlp", own + "internal/parquet", own + "internal/sink",
		"github.com/klauspost/compress/zstd", "github.com/HdrHistogram/hdrhistogram-go", "runtime", "bytes", "strings", "sync", "strconv",
		"crypto/internal/fips140/aes", "crypto/internal/fips140/aes/gcm", "crypto/internal/fips140/sha256", "unicode/utf8",
	} {
		for _, p := range without {
			if p == hot {
				t.Errorf("%s is hot", p)
			}
		}
	}
}
