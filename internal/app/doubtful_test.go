package app

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/hostile"
)

// wrongWay is a capture that begins in the middle of a connection, and the client's
// port, which is named as if it were the server's.
func wrongWay(t *testing.T, from int) (file, port string) {
	t.Helper()
	b, err := os.ReadFile(capturePath("copy"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := hostile.ParsePcap(b)
	if err != nil {
		t.Fatal(err)
	}
	src, dst := f.Ports(from)
	file = filepath.Join(t.TempDir(), "wrong.pcap")
	if err := os.WriteFile(file, f.From(from).Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, fmt.Sprint(src + dst - 5432)
}

// told is what JSON says of messages, and of the connection whose direction was wrong.
type told struct {
	Type, Dir, Msg, Code string
	Frame                uint64
	Doubtful             uint64 `json:"doubtful_before"`
}

func toldOf(t *testing.T, args ...string) (list []told) {
	t.Helper()
	out, errs, _ := command(append(args, "-o", "json", "--view", "messages,connections")...)
	for line := range strings.Lines(out) {
		var r told
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%v: %s%s", err, line, errs)
		}
		list = append(list, r)
	}
	return list
}

// TestDoubtfulRecords joins a connection in its middle, told the client's port as the
// server's: the connection's record says up to where what was told is not to be relied
// on. Whatever comes after that is in the whole capture, and something before is not.
func TestDoubtfulRecords(t *testing.T) {
	type place struct {
		frame    uint64
		dir, msg string
	}
	whole := map[place]bool{}
	for _, r := range toldOf(t, "read", capturePath("copy")) {
		whole[place{r.Frame, r.Dir, r.Msg}] = true
	}
	doubted, wrong := 0, 0
	for from := 4; from < 40; from++ {
		file, port := wrongWay(t, from)
		list := toldOf(t, "read", "--port", port, file)
		before := uint64(0)
		for _, r := range list {
			before = max(before, r.Doubtful)
		}
		if before > 0 {
			doubted++
		}
		for _, r := range list {
			right := r.Type != "message" || whole[place{r.Frame + uint64(from), r.Dir, r.Msg}]
			switch {
			case right:
			case r.Frame < before:
				wrong++
			case before > 0:
				t.Errorf("from %d: packet %d has no %s %s, and is not doubted: before %d", from, r.Frame, r.Dir, r.Msg, before)
			}
		}
	}
	if doubted == 0 || wrong == 0 {
		t.Errorf("%d connections are doubted, %d messages are wrong", doubted, wrong)
	}
}

// TestDoubtfulForPeople holds that the lines of a connection say what its record does.
func TestDoubtfulForPeople(t *testing.T) {
	doubted := 0
	for from := 4; from < 40; from++ {
		file, port := wrongWay(t, from)
		before := uint64(0)
		for _, r := range toldOf(t, "read", "--port", port, file) {
			before = max(before, r.Doubtful)
		}
		for _, view := range []string{"messages", "connections"} {
			out, _, _ := command("read", "--port", port, file, "--view", view)
			if got, want := strings.Contains(out, "doubtful"), before > 0; got != want {
				t.Errorf("from %d, %s: doubtful %v, want %v", from, view, got, want)
			}
			if before > 0 && !strings.Contains(out, fmt.Sprint(", doubtful before packet ", before)) {
				t.Errorf("from %d, %s: not before packet %d: %s", from, view, before, out)
			}
		}
		if before > 0 {
			doubted++
		}
	}
	if doubted == 0 {
		t.Error("nothing is doubted")
	}
}

// doubtfulRecords are the records of a connection whose direction was given up after
// something had been told of it.
func doubtfulRecords(t *testing.T) (list []byte) {
	t.Helper()
	for from := 4; from < 40; from++ {
		file, port := wrongWay(t, from)
		out, _, _ := command("read", "--port", port, file, "-o", "json", "--view", "messages,connections")
		if strings.Contains(out, `"doubtful_before":`) {
			list = append(list, out...)
		}
	}
	return list
}
