package app

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// gate is a pipe whose reader stands still until it is opened.
type gate struct {
	bytes.Buffer
	open   chan struct{}
	pieces []int
}

func (g *gate) Write(b []byte) (int, error) {
	<-g.open
	g.pieces = append(g.pieces, len(b))
	return g.Buffer.Write(b)
}

// TestLineQueue writes lines of all lengths, cut anywhere, to a reader that stands still,
// and wants those that were not dropped whole and in order, those that were counted, and
// no more memory than the limit.
func TestLineQueue(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 1))
		limit := 1 + rng.IntN(60<<10)
		g := &gate{open: make(chan struct{})}
		var told uint64
		clock := time.Unix(0, 0)
		q := newLineQueue(g, limit, func() time.Time { return clock }, func(n, sum uint64) {
			if told += n; told != sum {
				t.Errorf("seed %d: told of %d, %d in all", seed, told, sum)
			}
		})
		var text []byte
		lines := 1 + rng.IntN(300)
		for i := range lines {
			text = fmt.Appendf(text, "%d %s\n", i, strings.Repeat("x", rng.IntN(1<<rng.IntN(14))))
		}
		opened := rng.IntN(2) == 0
		if opened {
			close(g.open)
		}
		for rest := text; len(rest) > 0; {
			n := 1 + rng.IntN(min(len(rest), 20000))
			if m, err := q.Write(rest[:n]); m != n || err != nil {
				t.Fatal(m, err)
			}
			rest = rest[n:]
			clock = clock.Add(queueTold)
			q.mu.Lock()
			if q.size > limit || len(q.started) > limit {
				t.Fatalf("seed %d: %d and %d bytes wait, not %d", seed, q.size, len(q.started), limit)
			}
			q.mu.Unlock()
		}
		if !opened {
			close(g.open)
		}
		if err := q.Close(); err != nil {
			t.Fatal(err)
		}
		lost, over, err := q.finish(time.Hour, nil)
		if !over || err != nil || lost != told+q.untold {
			t.Fatalf("seed %d: %d lost, %d told, %d untold, %v, %v", seed, lost, told, q.untold, over, err)
		}
		got := bytes.SplitAfter(g.Bytes(), []byte("\n"))
		got = got[:len(got)-1]
		next := 0
		sent := bytes.SplitAfter(text, []byte("\n"))
		for _, line := range got {
			for next < lines && !bytes.Equal(sent[next], line) {
				next++
			}
			if next++; next > lines {
				t.Fatalf("seed %d: the line %.40q is none, or out of order", seed, line)
			}
		}
		if uint64(lines-len(got)) != lost || !bytes.HasSuffix(append([]byte("\n"), g.Bytes()...), []byte("\n")) {
			t.Errorf("seed %d: %d of %d lines came, %d are counted", seed, len(got), lines, lost)
		}
		rest := g.Bytes()
		for _, n := range g.pieces {
			if piece := rest[:n]; piece[n-1] != '\n' || n > atomicWrite && bytes.Count(piece, []byte("\n")) > 1 {
				t.Fatalf("seed %d: a pipe may tear a piece of %d bytes", seed, n)
			}
			rest = rest[n:]
		}
	}
}

// TestLineQueueTellsOnceASecond wants one text a second for however many lines.
func TestLineQueueTellsOnceASecond(t *testing.T) {
	clock, texts := time.Unix(0, 0), 0
	g := &gate{open: make(chan struct{})}
	q := newLineQueue(g, 1, func() time.Time { return clock }, func(uint64, uint64) { texts++ })
	for range 100 {
		_, _ = q.Write([]byte("too long\n"))
		clock = clock.Add(queueTold / 10)
	}
	if close(g.open); texts != 10 {
		t.Errorf("told %d times in 10 s", texts)
	}
	_ = q.Close()
	if lost, _, err := q.finish(time.Hour, nil); lost != 100 || err != nil {
		t.Error(lost, err)
	}
}

// brokenPipe is a pipe whose reader has gone.
type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// TestLineQueueTellsErrors wants whoever writes to learn that the reader has gone, as
// without a queue, and nothing to be kept for it.
func TestLineQueueTellsErrors(t *testing.T) {
	q := newLineQueue(brokenPipe{}, 100, time.Now, func(uint64, uint64) { t.Error("a loss is told") })
	_, _ = q.Write([]byte("line\n"))
	<-q.ended
	for range 100 {
		if _, err := q.Write([]byte("line\n")); !errors.Is(err, io.ErrClosedPipe) {
			t.Fatal(err)
		}
	}
	_ = q.Close()
	if lost, over, err := q.finish(time.Hour, nil); lost != 0 || !over || !errors.Is(err, io.ErrClosedPipe) {
		t.Error(lost, over, err)
	}
}

// pipeOutput opens an output to a pipe that nobody reads, in a live run with others.
func pipeOutput(t *testing.T, errs io.Writer, several bool, format string) (*run, *outlet, io.WriteCloser, *os.File) {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reader.Close(); writer.Close() })
	r := &run{env: &Env{Out: writer, Err: errs, Now: time.Now}, opt: &Options{live: true}, several: several}
	out := &outlet{spec: outputSpec{format: format}}
	w, err := r.create(out)
	if err != nil {
		t.Fatal(err)
	}
	return r, out, w, reader
}

// TestOutputsThatNeedNoQueue wants one output alone to hold the capture back, and so what
// cannot be cut by lines.
func TestOutputsThatNeedNoQueue(t *testing.T) {
	for _, c := range []struct {
		several bool
		format  string
		queue   bool
	}{{false, "json", false}, {true, "pretty", false}, {true, "csvlog", false}, {true, "json", true}, {true, "otlp", true}} {
		r, out, _, _ := pipeOutput(t, io.Discard, c.several, c.format)
		if (out.queue != nil) != c.queue {
			t.Errorf("%+v", c)
		}
		r.outputs = []*outlet{out}
		r.closeOutputs()
	}
	r := &run{env: &Env{Now: time.Now}, opt: &Options{live: true}, several: true}
	out := &outlet{spec: outputSpec{format: "json", to: filepath.Join(t.TempDir(), "file")}}
	if _, err := r.create(out); err != nil || out.queue != nil {
		t.Error("a file has a queue", err)
	}
	_ = out.file.Close()
}

// TestUnreadPipeStopsNobody writes more to a pipe that nobody reads than it and its queue
// take, while another output goes on; what was taken comes whole and in order when the
// reader does, and where none comes, the end does not wait for it.
func TestUnreadPipeStopsNobody(t *testing.T) {
	for _, resumes := range []bool{true, false} {
		errs := &notes{}
		r, out, w, reader := pipeOutput(t, errs, true, "json")
		other := &outlet{spec: outputSpec{format: "json", to: filepath.Join(t.TempDir(), "other")}}
		beside, err := r.create(other)
		if err != nil {
			t.Fatal(err)
		}
		r.outputs = []*outlet{out, other}
		var text []byte
		lines := 0
		for ; len(text) < queueLimit+2<<20; lines++ {
			line := fmt.Appendf(nil, "{\"n\":%7d,\"x\":%q}\n", lines, strings.Repeat("x", 1000)) // where one finds no room, none does
			text = append(text, line...)
			for _, w := range []io.Writer{w, beside} {
				if _, err := w.Write(line); err != nil {
					t.Fatal(err)
				}
			}
		}
		var got []byte
		var failed error
		if resumes {
			read := make(chan []byte)
			go func() {
				b, _ := io.ReadAll(reader)
				read <- b
			}()
			_ = out.queue.Close()
			lost, over, err := out.queue.finish(time.Hour, nil)
			if failed = err; lost == 0 || !over {
				t.Errorf("%d lines lost", lost)
			}
			_ = out.pipe.Close()
			got = <-read
			r.finishQueue(out, time.Hour)
		} else {
			_ = out.queue.Close()
			r.finishQueue(out, 0)
			failed = out.failure
			_ = out.pipe.Close()
			got, _ = io.ReadAll(reader)
		}
		if failed != nil {
			t.Error(failed)
		}
		came := bytes.Count(got, []byte("\n"))
		if !bytes.HasPrefix(text, got) || !bytes.HasSuffix(got, []byte("\n")) {
			t.Error("what was read is not the first lines, whole")
		}
		if lost := r.linesLost.Load(); int(lost) != lines-came || !errs.has(fmt.Sprintf("did not keep up: %d lines dropped in all", lost)) || r.readAll() == nil {
			t.Errorf("%d of %d came, %d are counted: %s", came, lines, lost, errs.text.String())
		}
		if !errs.has("the reader of standard output does not keep up: 1 line dropped (1 in all)") {
			t.Error(errs.text.String())
		}
		_ = other.file.Close()
		if all, err := os.ReadFile(other.spec.to); err != nil || !bytes.Equal(all, text) {
			t.Error("the other output has not all", err)
		}
	}
}
