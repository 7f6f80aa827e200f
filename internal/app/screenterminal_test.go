package app

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
)

// terminal is a virtual terminal that the program runs on: what is written shows on its
// screen, and what is typed, and what it answers to the program, is the program's input.
type terminal struct {
	t    *testing.T
	mu   sync.Mutex
	vt   *vt.Emulator
	raw  bytes.Buffer
	main bool // the main screen is shown, not the alternate one
	name string
	done chan int
	errs bytes.Buffer
	in   *typed
}

// typed is what the program reads: keys and answers of the terminal.
type typed struct{ c chan []byte }

func (i *typed) Read(b []byte) (int, error) {
	data, ok := <-i.c
	if !ok {
		return 0, errors.New("the terminal was closed")
	}
	return copy(b, data), nil
}

// Write is the program's output. A terminal that is not in raw mode, which this one
// cannot be, returns to the first column at each line feed.
func (s *terminal) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.raw.Write(b)
	if _, err := s.vt.Write(bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n"))); err != nil {
		return 0, err
	}
	return len(b), nil
}

// onTerminal runs the program on a terminal of so many columns and lines.
func onTerminal(t *testing.T, w, h int, args ...string) *terminal {
	t.Helper()
	s := &terminal{t: t, vt: vt.NewEmulator(w, h), done: make(chan int, 1), in: &typed{make(chan []byte, 1024)}, main: true}
	s.vt.SetCallbacks(vt.Callbacks{
		AltScreen: func(on bool) { s.main = !on },
		Title:     func(name string) { s.name = name },
	})
	answered := make(chan struct{})
	pieces := make(chan []byte, 64)
	go func() {
		defer close(pieces)
		for {
			b := make([]byte, 256)
			n, err := s.vt.Read(b)
			if err != nil {
				return
			}
			pieces <- b[:n]
		}
	}()
	go func() { // an answer goes out whole: an escape alone would be a key
		defer close(answered)
		for answer := range pieces {
			for wait := time.After(10 * time.Millisecond); wait != nil; {
				select {
				case more := <-pieces:
					answer = append(answer, more...)
				case <-wait:
					wait = nil
				}
			}
			s.in.c <- answer
		}
	}()
	env := &Env{
		In: s.in, Out: s, Err: &s.errs, Now: time.Now, Width: func() int { return w },
		Getenv: func(name string) string { return map[string]string{"TERM": "xterm-256color"}[name] },
	}
	screenSize = func() (int, int) { return w, h }
	go func() { s.done <- Run(env, args) }()
	t.Cleanup(func() {
		select {
		case <-s.done:
		default:
			s.keys("ctrl+c")
			<-s.done
		}
		_ = s.vt.InputPipe().(io.Closer).Close() // which ends the reader below
		<-answered
		screenSize = nil
	})
	return s
}

// keyCodes are the keys that are not what they are called.
var keyCodes = map[string]string{
	"enter": "\r", "esc": "\x1b", "up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D", "tab": "\t", "shift+tab": "\x1b[Z",
	"pgdown": "\x1b[6~", "end": "\x1b[F", "home": "\x1b[H", "space": " ", "ctrl+c": "\x03", "backspace": "\x7f",
}

// keys types keys, by name or as text.
func (s *terminal) keys(list ...string) {
	for _, k := range list {
		if seq, ok := keyCodes[k]; ok {
			k = seq
		}
		s.in.c <- []byte(k)
		if k == "\x1b" { // alone, and not the beginning of another key
			time.Sleep(100 * time.Millisecond)
		}
	}
}

// screen is what is on the screen.
func (s *terminal) screen() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := strings.Split(s.vt.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// wait waits until a text is on the screen.
func (s *terminal) wait(text string) string {
	s.t.Helper()
	return s.until(fmt.Sprintf("%q", text), func(screen string) bool { return strings.Contains(screen, text) })
}

func (s *terminal) until(what string, ok func(screen string) bool) string {
	s.t.Helper()
	const patience = 30 * time.Second
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		screen := s.screen()
		if ok(screen) {
			return screen
		}
		select {
		case code := <-s.done:
			s.done <- code
			s.t.Fatalf("the program ended with %d before there was %s: %s\n%s", code, what, s.errs.String(), screen)
		default:
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("there is no %s on the screen:\n%s", what, screen)
		}
	}
}

// settled waits until the file is read, and the screen is that of all of it.
func (s *terminal) settled() string {
	s.t.Helper()
	return s.until("end of reading", func(screen string) bool {
		return strings.Contains(screen, "q/s") && !strings.Contains(screen, "reading")
	})
}

func (s *terminal) ends(code int) {
	s.t.Helper()
	select {
	case got := <-s.done:
		s.done <- got
		if got != code {
			s.t.Errorf("exit %d: %s", got, s.errs.String())
		}
	case <-time.After(time.Minute):
		s.t.Fatalf("the program does not end:\n%s", s.screen())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.main {
		s.t.Error("the alternate screen is still shown")
	}
	if s.vt.CursorHidden() {
		s.t.Error("the cursor is still hidden")
	}
	for _, mode := range []string{"1000", "1002", "1003", "1006", "2004"} { // mouse, bracketed paste
		if on, off := strings.LastIndex(s.raw.String(), "?"+mode+"h"), strings.LastIndex(s.raw.String(), "?"+mode+"l"); on > off {
			s.t.Errorf("mode %s is still set", mode)
		}
	}
}

// golden compares a screen with the one that is kept.
func (s *terminal) golden(name string) {
	s.t.Helper()
	path := filepath.Join("testdata", "screens", name+".txt")
	got := s.screen() + "\n"
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			s.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			s.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	if got != string(want) {
		s.t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}
