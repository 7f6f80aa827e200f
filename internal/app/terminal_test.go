package app

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/pgsniff/pgsniff/internal/test/hostile"
)

// steering is a capture in which every field that can hold text holds v, each on a
// connection of its own for one v.
func steering(t *testing.T, texts [][]byte) string {
	t.Helper()
	var p hostile.Packets
	for i, v := range texts {
		steer(&p, hostile.NewConn(uint32(i)), string(v))
	}
	path := filepath.Join(t.TempDir(), "steering.pcap")
	if err := os.WriteFile(path, p.File(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func steer(p *hostile.Packets, c *hostile.Conn, v string) {
	text := hostile.String
	reply := func(tag byte) []byte {
		var b []byte
		for field := byte('A'); field <= 'z'; field++ {
			if field != 'S' && field != 'V' && (field <= 'Z' || field >= 'a') {
				b = append(append(b, field), text(v)...)
			}
		}
		return hostile.Message(tag, text("SERROR"), text("VERROR"), b, []byte{0})
	}
	setting := func(name, value string) []byte { return hostile.Message('S', text(name), text(value)) }
	then := func(list ...[]byte) []byte { return append(bytes.Join(list, nil), hostile.Ready()...) }
	p.Open(c)
	p.Send(c, hostile.Client, hostile.Startup("user", v, "database", v, "application_name", v, "options", v, v, v))
	p.Send(c, hostile.Server, bytes.Join([][]byte{
		hostile.Message('R', hostile.Int32(0)), reply('N'), setting("server_version", v), setting("TimeZone", v), setting("DateStyle", v), setting("x", v), setting(v, v), hostile.Ready(),
	}, nil))
	for _, q := range []string{"select '" + v + "' /*route='" + v + "'*/", `select "` + v + `" from "` + v + `"`, v, "begin", "commit"} {
		p.Send(c, hostile.Client, hostile.Query(q))
		p.Send(c, hostile.Server, then(hostile.Columns(v, v), hostile.Row(v, v), hostile.Complete(v)))
		p.Send(c, hostile.Client, hostile.Query(q))
		p.Send(c, hostile.Server, then(reply('E')))
	}
	p.Send(c, hostile.Client, bytes.Join([][]byte{hostile.Parse(v, "select $1, '"+v+"'"), hostile.Bind(v, v, v), hostile.Execute(v), hostile.Sync()}, nil))
	p.Send(c, hostile.Server, then(hostile.Message('1'), hostile.Message('2'), hostile.Complete("SELECT 1")))
	p.Send(c, hostile.Server, hostile.Message('A', hostile.Int32(1), text(v), text(v)))
	p.Send(c, hostile.Client, hostile.Query("copy t to stdout"))
	p.Send(c, hostile.Server, then(hostile.Message('H', []byte{0}, hostile.Int16(0)), hostile.Message('d', []byte(v)), hostile.Message('c'), hostile.Complete(v)))
	p.Send(c, hostile.Server, hostile.Message('~', []byte(v)))
	p.Send(c, hostile.Server, reply('E'))
	p.Close(c)
}

// steeringTexts are all characters but ideographs and what is not assigned, in blocks,
// and all bytes.
func steeringTexts() (texts [][]byte) {
	const block = 512
	for start := rune(1); start <= unicode.MaxRune; start += block {
		if start > 0x3000 && start < 0xd000 || start > 0x20000 && start < 0xe0000 || start > 0xe1000 {
			continue
		}
		var v []byte
		for r := start; r < start+block; r++ {
			if utf8.ValidRune(r) {
				v = utf8.AppendRune(v, r)
			}
		}
		texts = append(texts, v)
	}
	var all []byte
	for c := 1; c < 256; c++ {
		all = append(all, 'a', byte(c), '[', '2', 'J')
	}
	return append(texts, all, []byte("\x1b]0;owned\x07\x1b[2K"), []byte("\xc2\x9b2J"), []byte("\u202egnp.exe"), []byte("a\nforged line"), []byte("\xed\xa0\x80\xf4\x90\x80\x80"), []byte("<script>alert(1)</script>"))
}

// steersTerminal returns what in an output may steer a terminal, nil if nothing.
func steersTerminal(out string) error {
	if !utf8.ValidString(out) {
		return fmt.Errorf("not UTF-8")
	}
	for i, r := range out {
		if r == '\n' || r == '\t' {
			continue
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return fmt.Errorf("%U in %.80q", r, out[max(i-60, 0):])
		}
	}
	return nil
}

// commandOnTerminal runs the program as if standard output and error were a terminal.
func commandOnTerminal(args ...string) (stdout, stderr string, code int) {
	var out, errs bytes.Buffer
	env := &Env{
		In: strings.NewReader(""), Out: &out, Err: &errs, Now: time.Now, ErrTerminal: true,
		Getenv: func(name string) string { return map[string]string{"NO_COLOR": "1"}[name] }, Width: func() int { return 100 },
	}
	code = Run(env, args)
	return out.String(), errs.String(), code
}

// TestNothingSteers sends every character, and bytes that are none, through every field
// in every view and output, and through the names of files: nothing that comes to a
// terminal steers it.
func TestNothingSteers(t *testing.T) {
	file := steering(t, steeringTexts())
	shown := map[string]bool{}
	everyOutput(func(args ...string) {
		for _, color := range []string{"--color=never"} {
			args := append([]string{"read", file, color}, args...)
			out, errs, code := commandOnTerminal(args...)
			if code == ExitUsage {
				return
			}
			if len(out) > 0 {
				shown[strings.Join(args[3:min(7, len(args))], " ")] = true
			}
			for name, text := range map[string]string{"output": out, "error": errs} {
				if err := steersTerminal(text); err != nil {
					t.Errorf("%q: standard %s has %v", args[2:], name, err)
				}
			}
		}
	})
	if len(shown) < 10 {
		t.Errorf("only %v show anything", shown)
	}
	for _, cmd := range [][]string{{"diagnose", file}, {"check", file, "--deny", "all"}, {"compare", file, file}} {
		out, errs, _ := commandOnTerminal(cmd...)
		for _, text := range []string{out, errs} {
			if err := steersTerminal(text); err != nil {
				t.Errorf("%s: %v", cmd[0], err)
			}
		}
	}
	steersNot(t, filepath.Dir(file))
}

// steersNot sends the texts through the names of files and values of options.
func steersNot(t *testing.T, dir string) {
	t.Helper()
	whole, err := os.ReadFile(psqlSimple)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []string{"\x1b]0;owned\x07\x1b[2K", "\xc2\x9b2J", "\u202egnp", "a\nforged", "\x80\x9b\xff", "\u2028\u2066", "\r", "\x7f\x08"} {
		name := filepath.Join(dir, v)
		if err := os.WriteFile(name, whole[:len(whole)-5], 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{
			{"read", name},
			{"read", name, "-v"},
			{"read", name + ".none"},
			{"read", file0(dir, v)},
			{"read", psqlSimple, "--to", filepath.Join(dir, "none", v)},
			{"read", psqlSimple, "-w", filepath.Join(dir, "none", v)},
			{"read", psqlSimple, "-w", name, "--view", v},
			{"read", psqlSimple, "--keylog", filepath.Join(dir, "none", v)},
			{"read", psqlSimple, "--grep", "(" + v},
			{"read", psqlSimple, "-f", v},
			{"read", psqlSimple, "-o", v},
			{v},
			{"help", v},
			{"read", "--" + v, name},
			{"read", name, "--view", "findings"},
			{"diagnose", name},
			{"check", name, "--max", v},
			{"compare", name, psqlSimple},
			{"read", psqlSimple, "--to", name, "--view", "stats"},
			{"live", "-i", v},
			{"live", "--bpf-file", name + v},
		} {
			out, errs, _ := commandOnTerminal(args...)
			for _, text := range []string{out, errs} {
				if err := steersTerminal(text); err != nil {
					t.Errorf("%q: %v", args, err)
				}
			}
		}
	}
}

// file0 is a file that is no capture.
func file0(dir, v string) string {
	name := filepath.Join(dir, "0"+v)
	_ = os.WriteFile(name, []byte(v+"no capture at all, but some bytes"), 0o600)
	return name
}
