package app

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestOtherProtocols: nothing of what is not PostgreSQL is taken for a message, on
// any port, named or not.
func TestOtherProtocols(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "testdata", "foreign", "*.pcap"))
	if err != nil || len(files) < 6 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		for _, ports := range []string{"--any-port", "--port=3306,9092,9000,18913,18993"} {
			out, errs, code := command("read", ports, "--strict", "-o", "json", file)
			if code != ExitOK || strings.Contains(out, `"type":"message"`) {
				t.Errorf("%s %s: exit %d, %s%s", ports, file, code, out, errs)
			}
			if ports == "--any-port" && out != "" {
				t.Errorf("%s: %s", file, out)
			}
		}
	}
}

// TestNothingOfAnUnknownLoginIsShown: before the client is known, what nobody
// understands may be a password.
func TestNothingOfAnUnknownLoginIsShown(t *testing.T) {
	for name, secret := range map[string]string{
		"opengauss_sha256": "SECRETPROOF", "sasl_plainpw": "hunter2secret", "redshift_digest": "SECRETDIGEST",
	} {
		everyOutput(func(args ...string) {
			out, errs, code := command(append([]string{"read", "--any-port", capturePath(name)}, args...)...)
			hex := "534543524554" // SECRET
			if code != ExitUsage && (strings.Contains(out+errs, secret) || strings.Contains(out, hex)) {
				t.Errorf("%s, %q shows %s", name, args, secret)
			}
		})
	}
}
