package export

import (
	"regexp"
	"strings"
	"testing"
)

// tracedByLibpq are the captures with a trace of libpq's beside them. Where all is
// false, the capture has connections of other programs too.
var tracedByLibpq = []struct {
	name string
	all  bool
}{
	{"auth_md5", true},
	{"auth_scram", true},
	{"auth_scram_pg18_proto32", true},
	{"base_mix", true},
	{"cancel_pg18_proto32", true},
	{"copy", false},
	{"ipv6", true},
	{"large_objects", false},
	{"libpq_extended", true},
	{"libpq_pipeline", true},
	{"linux_sll", true},
	{"linux_sll2", true},
	{"lossy_real_server", true},
	{"nanosecond", true},
	{"notify_params", true},
	{"terminate_57P01", true},
}

var (
	traceLine = regexp.MustCompile(`(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}\t([FB]\t\d+\t.*)$`)
	// The traces are those of libpq 15, which had no names for what these have, did not
	// trace the data of COPY, and wrote bytes as negative numbers.
	untraced = regexp.MustCompile(`^[FB]\t\d+\t(Unknown message.*|Authentication.*|StartupMessage.*|SSL.*|GSS.*|CopyData.*|BackendKeyData.*|PasswordMessage.*|SASL.*|CancelRequest.*|Terminate|NegotiateProtocolVersion.*|)$`)
	negative = regexp.MustCompile(`\\xffffff([0-9a-f]{2})`)
)

// traceLines counts the lines that both versions of libpq write alike.
func traceLines(trace []byte) map[string]int {
	lines := make(map[string]int)
	for _, m := range traceLine.FindAllStringSubmatch(string(trace), -1) {
		if line := m[1]; !untraced.MatchString(line) {
			lines[negative.ReplaceAllString(line, `\x$1`)]++
		}
	}
	return lines
}

// TestPQTrace holds -o pqtrace against what libpq itself traced of the same sessions.
func TestPQTrace(t *testing.T) {
	for _, c := range tracedByLibpq {
		t.Run(c.name, func(t *testing.T) {
			want, got := traceLines(file(t, c.name+".log")), traceLines(read(t, c.name, "-o", "pqtrace"))
			if len(want) < 3 {
				t.Fatal("there is no trace")
			}
			for line, n := range want {
				if got[line] < n || c.all && got[line] > n {
					t.Errorf("%d times, want %d: %s", got[line], n, line)
				}
			}
			for line, n := range got {
				if c.all && want[line] == 0 {
					t.Errorf("%d times, want none: %s", n, line)
				}
			}
		})
	}
}

// TestPQTraceFlags holds the flags, and that secrets are shown when asked for only.
func TestPQTraceFlags(t *testing.T) {
	out := string(read(t, "auth_scram", "-o", "pqtrace", "--pqtrace-regress", "--pqtrace-no-timestamps"))
	for _, want := range []string{"F\tNN\tStartupMessage\t 3 0 \"user\" \"SSSS\"", "B\t12\tBackendKeyData\t NNNN 'BBBB'\n", "F\t54\tSASLInitialResponse\t \"SCRAM-SHA-256\" 32 'BBBB'\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(string(read(t, "auth_scram", "-o", "pqtrace")), "n,,n=") {
		t.Error("SCRAM's data is shown")
	}
	if !strings.Contains(string(read(t, "auth_scram", "-o", "pqtrace", "--show-secrets")), "n,,n=") {
		t.Error("SCRAM's data is not shown")
	}
}
