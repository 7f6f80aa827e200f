package arch

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const (
	module   = "github.com/pgsniff/pgsniff/"
	gopacket = "github.com/google/gopacket"
)

// rule is what a package may import.
type rule struct {
	own string // packages of this module, directly
	// pure tells that nothing it reaches is outside of this module and the
	// standard library: programs that use it as a library get nothing else.
	pure bool
	// gopacket tells that it imports gopacket itself; reaches that it does so
	// through others.
	gopacket, reaches bool
}

type packageRule struct {
	path string
	rule
}

// rules names every package of the module. Each stands below those that it may
// import, so imports go one way only.
var rules = []packageRule{
	{"pkg/messages", rule{pure: true}},
	{"pkg/wire", rule{pure: true}},
	{"internal/grammar", rule{own: "pkg/messages", pure: true}},
	{"internal/friend", rule{own: "pkg/messages internal/grammar", pure: true}},
	{"pkg/codec", rule{own: "pkg/messages internal/grammar internal/friend", pure: true}},
	{"pkg/tracker", rule{own: "pkg/messages internal/grammar internal/friend", pure: true}},
	{"internal/sqltext", rule{pure: true}},
	{"pkg/exchange", rule{own: "pkg/messages pkg/wire pkg/tracker internal/friend internal/sqltext", pure: true}},
	{"pkg/replication", rule{own: "pkg/messages internal/sqltext", pure: true}},
	{"pkg/session", rule{own: "pkg/messages pkg/wire pkg/codec pkg/tracker pkg/exchange pkg/replication internal/friend", pure: true}},
	{"pkg/connection", rule{own: "pkg/messages pkg/codec pkg/tracker", pure: true}},
	{"pkg/scram", rule{own: "pkg/messages"}},
	{"pkg/reassembly", rule{own: "pkg/wire", pure: true}},
	{"pkg/fromgopacket", rule{own: "pkg/reassembly", gopacket: true}},

	{"internal/sampling", rule{pure: true}},
	{"internal/order", rule{pure: true}},
	{"internal/sqlnorm", rule{own: "internal/sqltext", pure: true}},
	{"internal/redact", rule{own: "pkg/messages pkg/replication pkg/exchange pkg/session internal/sqlnorm", pure: true}},
	{"internal/zoneinfo", rule{pure: true}},
	{"internal/value", rule{own: "internal/zoneinfo", pure: true}},
	{"internal/privilege", rule{}},
	{"internal/tlsdecrypt", rule{}},
	{"internal/filter", rule{}},
	{"internal/pcapngw", rule{pure: true}},
	{"internal/ring", rule{}},
	{"internal/attach", rule{own: "pkg/messages internal/order"}},
	{"internal/termsafe", rule{pure: true}},
	{"internal/units", rule{pure: true}},
	{"internal/capture", rule{own: "internal/ring", gopacket: true}},
	{"internal/packet", rule{own: "pkg/reassembly internal/capture", reaches: true}},
	{"internal/record", rule{own: "pkg/messages pkg/replication pkg/tracker pkg/exchange pkg/session internal/sqlnorm internal/value", pure: true}},
	{"internal/jsontext", rule{own: "internal/record", pure: true}},
	{"internal/stats", rule{own: "pkg/messages pkg/replication internal/record internal/sqlnorm internal/units internal/order"}},
	{"internal/netfacts", rule{own: "pkg/reassembly internal/record", reaches: true}},
	{"internal/pooler", rule{own: "pkg/exchange pkg/session internal/record"}},
	{"internal/sink", rule{own: "pkg/messages pkg/exchange pkg/session internal/record internal/termsafe"}},
	{"internal/selection", rule{own: "pkg/messages pkg/replication pkg/exchange pkg/session internal/record internal/sink internal/value"}},
	{"internal/walfile", rule{own: "pkg/replication", pure: true}},
	{"internal/transactions", rule{own: "pkg/session internal/record internal/sink internal/units"}},
	{"internal/changes", rule{own: "pkg/messages internal/record internal/sink"}},
	{"internal/pqtrace", rule{own: "pkg/messages internal/record internal/sink"}},
	{"internal/csvlog", rule{own: "pkg/messages pkg/exchange pkg/session internal/record internal/sink"}},
	{"internal/sqlscript", rule{own: "pkg/exchange internal/record internal/sink internal/sqlnorm internal/value"}},
	{"internal/report", rule{own: "pkg/messages pkg/replication internal/record internal/sink internal/jsontext internal/termsafe"}},
	{"internal/parquet", rule{own: "internal/record internal/sink internal/jsontext"}},
	{"internal/metrics", rule{own: "pkg/messages internal/record internal/sink internal/sqlnorm internal/order"}},
	{"internal/otlp", rule{own: "pkg/messages pkg/exchange internal/record internal/sink internal/metrics internal/sqlnorm internal/jsontext"}},
	{"internal/render", rule{own: "pkg/messages pkg/replication pkg/exchange pkg/session pkg/tracker internal/sqlnorm internal/value internal/stats internal/record internal/sink internal/jsontext internal/units"}},
	{"internal/analyze", rule{
		own:     "pkg/messages pkg/codec pkg/exchange pkg/session pkg/reassembly internal/capture internal/packet internal/netfacts internal/tlsdecrypt internal/sqlnorm internal/friend",
		reaches: true,
	}},
	{"internal/findings", rule{
		own:     "pkg/messages pkg/exchange pkg/session internal/sqlnorm internal/sqltext internal/record internal/sink internal/netfacts internal/order internal/tlsdecrypt internal/units",
		reaches: true,
	}},
	{"internal/inside", rule{
		own:     "pkg/messages pkg/session pkg/exchange pkg/reassembly internal/analyze internal/attach",
		reaches: true,
	}},
	{"internal/timeline", rule{own: "internal/record internal/sink internal/sqlnorm internal/jsontext internal/netfacts internal/findings", reaches: true}},
	{"internal/compare", rule{own: "internal/order internal/findings internal/record internal/sink internal/sqlnorm internal/termsafe internal/units", reaches: true}},
	{"internal/check", rule{own: "internal/sqltext internal/findings internal/order internal/record internal/sink internal/termsafe pkg/messages", reaches: true}},
	{"internal/overview", rule{
		own:     "pkg/messages pkg/replication pkg/exchange pkg/session internal/record internal/sink internal/stats internal/findings internal/netfacts internal/order",
		reaches: true,
	}},
	{"internal/flow", rule{
		own:     "pkg/messages pkg/exchange pkg/session pkg/reassembly internal/capture internal/packet internal/pcapngw internal/record internal/render",
		reaches: true,
	}},
	{"internal/screen", rule{
		own:     "pkg/messages pkg/replication internal/findings internal/flow internal/overview internal/stats internal/termsafe internal/units",
		reaches: true,
	}},
	{"internal/app", rule{
		own: "internal/attach internal/inside " +
			"pkg/messages pkg/replication internal/walfile pkg/exchange pkg/session internal/capture internal/analyze internal/filter internal/redact internal/changes internal/transactions internal/render internal/record internal/sink internal/netfacts " +
			"internal/stats internal/value internal/tlsdecrypt internal/pcapngw internal/privilege internal/ring " +
			"internal/findings internal/pooler internal/check internal/compare internal/csvlog internal/metrics internal/otlp internal/parquet internal/pqtrace internal/report internal/sqlscript internal/timeline internal/sampling internal/selection " +
			"internal/flow internal/overview internal/screen internal/termsafe internal/units",
		reaches: true,
	}},
	{"pkg/capture", rule{
		own: "pkg/messages pkg/exchange pkg/session internal/analyze internal/capture internal/record internal/redact " +
			"internal/tlsdecrypt internal/value",
		gopacket: true,
	}},
	{"cmd/pgsniff", rule{own: "internal/app", reaches: true}},
	{"pkg/client", rule{own: "pkg/messages pkg/codec pkg/tracker pkg/connection pkg/scram internal/sqlnorm internal/value"}},

	// Programs beside it. The examples use what is public alone.
	{"examples/authproxy", rule{own: "pkg/messages pkg/connection pkg/scram"}},
	{"examples/logproxy", rule{own: "pkg/messages pkg/connection", pure: true}},
	{"examples/fakeserver", rule{own: "pkg/messages pkg/connection", pure: true}},
	{"examples/query", rule{own: "pkg/client"}},
	{"examples/slowest", rule{own: "pkg/capture", reaches: true}},
	{"examples/pgclient", rule{own: "pkg/messages pkg/connection pkg/scram"}},
	{"scripts/benchcap", rule{own: "pkg/messages", pure: true}},
	{"scripts/captures", rule{pure: true}},
	{"scripts/truth", rule{pure: true}},
	{"scripts/benchfiles", rule{own: "scripts/captures", pure: true}},
	{"scripts/pgo", rule{own: "internal/app scripts/captures", reaches: true}},
	{"scripts/dist", rule{own: "internal/app", reaches: true}},
	{"test/live", rule{}},
	{"test/export", rule{}},
	{"test/dist", rule{}},

	// For tests: no package may import them.
	{"internal/test/arch", rule{pure: true}},
	{"internal/test/samples", rule{own: "pkg/messages"}},
	{"internal/test/conversation", rule{own: "pkg/messages"}},
	{"internal/test/hostile", rule{pure: true}},
	{"internal/test/pgtest", rule{}},
	{"internal/test/linetest", rule{pure: true}},
	{"internal/test/steptest", rule{pure: true}},
	{"internal/test/tcpassemblytest", rule{pure: true}},
}

// listed is what the go command says of a package.
type listed struct {
	ImportPath    string
	Imports, Deps []string
}

func list(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-pgo=off", "-json=ImportPath,Imports,Deps", module+"...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, stderr.Bytes())
	}
	var all []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// touch looks at the files that the go command will read, so that a cached
// result of this test does not outlive them.
func touch(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir("../../..", func(path string, d fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".go" {
			_, _ = os.Stat(path) // gone since: go list will tell
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestImports(t *testing.T) {
	touch(t)
	byPath := map[string]rule{}
	for i, r := range rules {
		for _, own := range strings.Fields(r.own) {
			if !slices.ContainsFunc(rules[:i], func(o packageRule) bool { return o.path == own }) {
				t.Errorf("rules: %s may import %s, which does not stand above it", r.path, own)
			}
		}
		byPath[r.path] = r.rule
	}
	packages := list(t)
	for _, p := range packages {
		path := strings.TrimPrefix(p.ImportPath, module)
		r, ok := byPath[path]
		if !ok {
			t.Errorf("%s has no rule: enter it in the table, below all that it imports", path)
			continue
		}
		delete(byPath, path)
		check(t, path, r, p)
	}
	for path := range byPath {
		t.Errorf("%s has a rule and does not exist", path)
	}
}

func check(t *testing.T, path string, r rule, p listed) {
	allowed := strings.Fields(r.own)
	for _, i := range p.Imports {
		if own, ok := strings.CutPrefix(i, module); ok && !slices.Contains(allowed, own) {
			t.Errorf("%s imports %s: it may import %q", path, own, r.own)
		}
		if isGopacket(i) && !r.gopacket {
			t.Errorf("%s imports %s: only pkg/fromgopacket and internal/capture may", path, i)
		}
	}
	for _, d := range p.Deps {
		if isGopacket(d) && !r.gopacket && !r.reaches {
			t.Errorf("%s reaches %s through what it imports", path, d)
		}
		if r.pure && !strings.HasPrefix(d, module) && external(d) {
			t.Errorf("%s reaches %s: it may use the standard library alone", path, d)
		}
	}
}

func isGopacket(path string) bool {
	return path == gopacket || strings.HasPrefix(path, gopacket+"/")
}

// external reports whether a package is outside of the standard library, whose
// paths have no dot in their first element. Those that it vendors have "vendor"
// there.
func external(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return strings.Contains(first, ".")
}
