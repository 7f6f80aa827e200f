package capture_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/gopacket/pcapgo"

	"github.com/pgsniff/pgsniff/pkg/capture"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

const pcaps = "../../testdata/pcaps/"

// all reads a capture to its end.
func all(t *testing.T, o capture.Options, path string) (list []capture.Record) {
	t.Helper()
	if keys, err := os.ReadFile(strings.TrimSuffix(path, ".pcap") + ".keys"); err == nil {
		o.KeyLog = bytes.NewReader(keys)
	}
	for r, err := range capture.Files(o, path) {
		var w *capture.Warning
		if err != nil && !errors.As(err, &w) {
			t.Fatal(path, err)
		}
		if err == nil {
			list = append(list, r)
		}
	}
	return list
}

// golden is what the program is known to say of a capture, in the fields that are
// compared.
type golden struct {
	Type, Msg, SQL, User string
	Conn                 uint64
	Rows                 uint64
	Normalized           string
}

func readGolden(t *testing.T, path string) (list []golden) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var g golden
		if err := json.Unmarshal(lines.Bytes(), &g); err != nil {
			t.Fatal(err)
		}
		list = append(list, g)
	}
	return list
}

// The records are those that the program itself prints, of every capture that has a
// golden file.
func TestSameAsTheProgram(t *testing.T) {
	files, err := filepath.Glob(pcaps + "*.jsonl")
	if err != nil || len(files) < 20 {
		t.Fatal(len(files), err)
	}
	for _, file := range files {
		pcap := strings.TrimSuffix(file, ".jsonl") + ".pcap"
		if _, err := os.Stat(pcap); err != nil {
			continue
		}
		var want, got []string
		said := readGolden(t, file)
		withMessages := false
		for _, g := range said {
			withMessages = withMessages || g.Type == "message"
		}
		for _, g := range said {
			switch g.Type {
			case "message":
				want = append(want, fmt.Sprint(g.Conn, " ", g.Msg))
			case "query":
				want = append(want, fmt.Sprintf("%d query %.100q %d", g.Conn, g.Normalized, g.Rows))
			case "connection":
				want = append(want, fmt.Sprintf("%d connection %s", g.Conn, g.User))
			}
		}
		for _, r := range all(t, capture.Options{Messages: withMessages}, pcap) {
			switch r := r.(type) {
			case *capture.Message:
				got = append(got, fmt.Sprint(r.Conn.ID, " ", r.Kind))
			case *capture.Query:
				got = append(got, fmt.Sprintf("%d query %.100q %d", r.Conn.ID, r.Normalized, r.Rows))
			case *capture.Connection:
				got = append(got, fmt.Sprintf("%d connection %s", r.Conn.ID, r.Conn.User))
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d records, want %d", file, len(got), len(want))
			continue
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%s, record %d: %s, want %s", file, i, got[i], want[i])
				break
			}
		}
	}
}

// A gopacket source gives what the file gives.
func TestPackets(t *testing.T) {
	for _, name := range []string{"base_mix.pcap", "auth_scram.pcap", "copy.pcap"} {
		f, err := os.Open(pcaps + name)
		if err != nil {
			t.Fatal(err)
		}
		src, err := pcapgo.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for r, err := range capture.Packets(capture.Options{}, src, src.LinkType()) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, show(r))
		}
		_ = f.Close()
		var want []string
		for _, r := range all(t, capture.Options{}, pcaps+name) {
			want = append(want, show(r))
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || len(got) < 2 {
			t.Errorf("%s: %d records, %d of the file", name, len(got), len(want))
		}
	}
}

func show(r capture.Record) string {
	switch r := r.(type) {
	case *capture.Query:
		c := *r
		c.Conn = nil
		return fmt.Sprintf("%+v", c)
	case *capture.Connection:
		c := *r
		c.Conn = nil
		return fmt.Sprintf("%+v", c)
	}
	return fmt.Sprintf("%T", r)
}

// Messages decode, and those that are secrets hold none unless they are asked for.
func TestMessagesAndSecrets(t *testing.T) {
	decoded, hidden, shown := 0, 0, 0
	for _, o := range []capture.Options{{Messages: true}, {Messages: true, ShowSecrets: true}} {
		for _, name := range []string{"auth_scram.pcap", "auth_md5.pcap"} {
			for _, r := range all(t, o, pcaps+name) {
				m, ok := r.(*capture.Message)
				if !ok {
					continue
				}
				secret := false
				switch m.Kind {
				case messages.KindPasswordMessage, messages.KindBackendKeyData, messages.KindSASLResponse, messages.KindAuthenticationMD5Password:
					secret = true
				}
				switch {
				case secret && !o.ShowSecrets && m.Body == nil:
					hidden++
				case secret && o.ShowSecrets && len(m.Body) > 0:
					shown++
				case secret:
					t.Errorf("%v: shown %v: body %q", m.Kind, o.ShowSecrets, m.Body)
				case m.Body == nil && m.Len > 5: // another secret
				default:
					if _, err := m.Decode(); err != nil {
						t.Error(m.Kind, err)
					}
					decoded++
				}
			}
		}
	}
	if decoded < 50 || hidden < 4 || shown != hidden {
		t.Errorf("%d decoded, %d hidden, %d shown", decoded, hidden, shown)
	}
}

func TestErrorsAndLeaving(t *testing.T) {
	n := 0
	for r, err := range capture.Files(capture.Options{}, "no such file") {
		if n++; r != nil || err == nil {
			t.Errorf("%v, %v", r, err)
		}
	}
	if n != 1 {
		t.Errorf("%d errors", n)
	}
	for range capture.Files(capture.Options{}, pcaps+"base_mix.pcap") {
		break
	}
	whole, err := os.ReadFile(pcaps + "base_mix.pcap")
	if err != nil {
		t.Fatal(err)
	}
	records, warnings := 0, 0
	for r, err := range capture.Files(capture.Options{Stdin: bytes.NewReader(whole[:len(whole)-7])}, "-") {
		var w *capture.Warning
		switch {
		case err == nil && r != nil:
			records++
		case errors.As(err, &w):
			warnings++
		default:
			t.Error(err)
		}
	}
	if records < 10 || warnings != 1 {
		t.Errorf("%d records, %d warnings", records, warnings)
	}
}

// What a capture holds in a few lines.
func Example() {
	for r, err := range capture.Files(capture.Options{}, pcaps+"auth_scram.pcap") {
		if err != nil {
			fmt.Println(err)
		}
		switch r := r.(type) {
		case *capture.Query:
			fmt.Println(r.Conn.User, r.Rows, r.SQL)
		case *capture.Connection:
			fmt.Println(r.State, r.Auth)
		}
	}
	// Output:
	// app_scram 1 select current_user, 42 as answer
	// terminated scram-sha-256
}
