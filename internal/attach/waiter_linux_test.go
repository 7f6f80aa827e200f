//go:build linux && (amd64 || arm64)

package attach

import (
	"os"
	"testing"
	"time"
)

// waits begins to wait for a pipe, which holds what nobody has read, and returns its end
// for writing.
func waits(t *testing.T) (*waiter, *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.WriteString("unread"); err != nil {
		t.Fatal(err)
	}
	var waits waiter
	if err := waits.open(int(r.Fd())); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		waits.close()
		_ = r.Close()
		_ = w.Close()
	})
	return &waits, w
}

// What is unread ends no wait, but that it came may end one: else a busy server would have
// the reader never sleep.
func TestWaitBesideUnread(t *testing.T) {
	w, in := waits(t)
	if _, err := in.WriteString("more"); err != nil {
		t.Fatal(err)
	}
	const came, waits = 2, 20
	ended := 0
	for range waits {
		filled, err := w.wait(time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if filled {
			ended++
		}
	}
	if ended > came {
		t.Errorf("%d of %d waits were ended by what came twice", ended, waits)
	}
}

// What comes during a wait ends it, and so does a stop, also one before it; that one once.
func TestWaitEnds(t *testing.T) {
	w, in := waits(t)
	begin := func() chan error {
		done := make(chan error)
		go func() {
			_, err := w.wait(time.Hour)
			done <- err
		}()
		return done
	}
	for done := begin(); done != nil; {
		select {
		case err := <-done:
			if done = nil; err != nil {
				t.Error(err)
			}
		case <-time.After(time.Millisecond): // the wait may not have begun before
			if _, err := in.WriteString("more"); err != nil {
				t.Fatal(err)
			}
		}
	}
	done := begin()
	w.end()
	if err := <-done; err != nil {
		t.Error(err)
	}

	w, _ = waits(t)
	w.end()
	if err := <-begin(); err != nil {
		t.Error(err)
	}
	// What had begun to be written is waited for.
	if _, err := w.wait(time.Millisecond); err != nil {
		t.Error(err)
	}
	if w.ending.Load() != w.ended {
		t.Error("the stop ends each wait")
	}
	w.close()
	w.end()
}
