//go:build unix

package app

import (
	"bytes"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// loudBuffer is standard error that another goroutine reads.
type loudBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *loudBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *loudBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// SIGUSR1 has the totals so far written, in the middle of what is read.
func TestTotalsOnSignal(t *testing.T) {
	file, err := os.ReadFile(psqlSimple)
	if err != nil {
		t.Fatal(err)
	}
	for _, workers := range []string{"1", "3"} {
		in, feed := io.Pipe()
		errs := new(loudBuffer)
		env := &Env{
			In: in, Out: io.Discard, Err: errs, Now: time.Now,
			Getenv: func(string) string { return "" }, Width: func() int { return 0 },
		}
		code := make(chan int)
		go func() { code <- Run(env, []string{"read", "-", "--workers", workers}) }()
		half := len(file) / 2
		if _, err := feed.Write(file[:half]); err != nil {
			t.Fatal(err)
		}
		// What is read on is a packet time and again until the signal has come, which is
		// ignored before the reading has begun.
		again := file[24 : 24+16+74]
		rest := file[half:]
		for i := 0; !strings.Contains(errs.String(), "pgsniff: so far "); i++ {
			if i%100 == 0 {
				if err := syscall.Kill(os.Getpid(), syscall.SIGUSR1); err != nil {
					t.Fatal(err)
				}
			}
			if len(rest) > 0 {
				n := min(len(rest), 100)
				_, _ = feed.Write(rest[:n])
				rest = rest[n:]
				continue
			}
			if _, err := feed.Write(again); err != nil || i == 1e6 {
				t.Fatalf("%v: %s", err, errs)
			}
		}
		_, _ = feed.Write(rest)
		feed.Close()
		if c := <-code; c != ExitOK {
			t.Errorf("exit %d: %s", c, errs)
		}
		if text := errs.String(); !strings.Contains(text, "queries, ") || strings.Count(text, "pgsniff: ") < 2 {
			t.Error(text)
		}
	}
}
