package app

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// canaries are the secrets of a capture of statements, but for those that a
// function of the user's was given: nobody but the server knows what it does.
func canaries(t *testing.T, name string) (secrets []string, statements int) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "secrets", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var list []struct{ Canary, SQL string }
	if err := json.Unmarshal(b, &list); err != nil {
		t.Fatal(err)
	}
	unknowable := regexp.MustCompile(`(?i)^select f_(call|err|conn)\(`)
	for _, c := range list {
		if !unknowable.MatchString(c.SQL) {
			secrets = append(secrets, c.Canary)
		}
	}
	return secrets, len(list)
}

// everyOutput calls f with the arguments for each view in each format.
func everyOutput(f func(args ...string)) {
	for _, format := range formatNames() {
		for _, view := range viewNames() {
			f("-o", format, "--view", view, "--max-value-bytes", "0", "--rows", "0", "--top", "0", "-v")
		}
		f("-o", format)
	}
}

// TestNoOutputShowsSecrets: statements with secrets, the server's replies to them
// and rows of the catalogs, in every view and format.
func TestNoOutputShowsSecrets(t *testing.T) {
	rows := []string{
		"SCRAM-SHA-256$4096", "md57666dc9ed56a5f0ddbcd3efafbd698c9", "CNRYX060ZQ", "CNRYSUB1", "CNRYS074ZQ", "CNRYS078ZQ", "CNRYUM1", "CNRYOPT1",
		"CNRYCTX1", "CNRYCTX2",
	}
	simple, n := canaries(t, "sql_S")
	extended, m := canaries(t, "sql_P")
	if n != 136 || m != 122 {
		t.Fatalf("%d and %d statements", n, m)
	}
	for name, secrets := range map[string][]string{"sql_S": simple, "sql_P": extended, "sec_rows": rows} {
		file := filepath.Join("testdata", "secrets", name+".pcap")
		shown := 0
		everyOutput(func(args ...string) {
			for _, level := range []string{"secrets", "all"} {
				args := append([]string{"read", "--any-port", "--redact", level, file}, args...)
				out, errs, code := command(args...)
				if code == ExitUsage {
					return // no such view in this format
				}
				shown += len(out)
				for _, s := range secrets {
					if strings.Contains(out, s) || strings.Contains(errs, s) {
						t.Errorf("%q shows %s", args, s)
					}
				}
			}
		})
		if shown == 0 {
			t.Error("nothing is shown")
		}
		if out, _, _ := command("read", "--any-port", "-o", "json", "--redact", "none", file); !strings.Contains(out, secrets[0]) {
			t.Errorf("%s: nothing is shown that was asked for", name)
		}
	}
}

// TestGrepSearchesWhatIsShown: nothing is found that is hidden.
func TestGrepSearchesWhatIsShown(t *testing.T) {
	for _, name := range []string{"sql_S", "sql_P", "sec_rows"} {
		file := filepath.Join("testdata", "secrets", name+".pcap")
		for _, view := range []string{"messages", "queries"} {
			args := []string{"read", "--any-port", "-o", "json", "--view", view, file, "--grep", "CNRY[SP](0[0-35-9]|1[0-24])|SCRAM-SHA-256.4096|CNRY(SUB|UM|OPT|CTX)"}
			if out, _, _ := command(args...); out != "" {
				t.Errorf("%q finds %s", args, out)
			}
			if out, _, _ := command(append(args, "--show-secrets")...); out == "" {
				t.Errorf("%q finds nothing with --show-secrets", args)
			}
		}
	}
}

// TestRedactAll: no value and no constant is left, but their lengths, and what is
// no value.
func TestRedactAll(t *testing.T) {
	file := filepath.Join("..", "..", "testdata", "pcaps", "libpq_extended.pcap")
	plain, _, _ := command("read", "-o", "json", file)
	all, _, code := command("read", "-o", "json", "--redact", "all", file)
	if code != ExitOK || strings.Count(all, "\n") != strings.Count(plain, "\n") {
		t.Fatalf("exit %d, %d lines instead of %d", code, strings.Count(all, "\n"), strings.Count(plain, "\n"))
	}
	value := regexp.MustCompile(`^(null|"<redacted, \d+ bytes>")$`)
	values := 0
	for line := range strings.Lines(all) {
		var r struct {
			Body struct{ Values, Parameters json.RawMessage }
			Msg  string
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		var list []json.RawMessage
		if json.Unmarshal(r.Body.Values, &list) != nil {
			continue
		}
		for _, v := range list {
			if values++; !value.Match(v) {
				t.Errorf("%s: %s", r.Msg, v)
			}
		}
	}
	if values == 0 {
		t.Error("no values")
	}
}
