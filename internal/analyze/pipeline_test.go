package analyze_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/pgsniff/pgsniff/internal/analyze"
	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/internal/render"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/session"
)

const pcaps = "../../testdata/pcaps/"

// way is how a capture is led through the whole pipeline.
type way struct {
	workers int
	ports   []uint16
	onlyOn  bool // no connections on other ports
	strict  bool
	quiet   bool // no messages, which lets sessions take whole cycles at once
	keys    func() session.TLS
	// handler, if not nil, takes everything instead of a JSON writer.
	handler session.Handler
	max     int // longest value written; 0: any
}

// sink makes a writer's handler of what belongs to PostgreSQL.
type sink struct{ render.Writer }

func (s sink) End(x *session.Session) {
	if x.PostgreSQL() {
		s.Writer.End(x)
	}
}

// analyse leads a capture, or several one after the other, through the whole
// pipeline. The error is the one that ended the reading, nil for the end of the
// file.
func (w way) analyse(captures ...io.Reader) ([]byte, *analyze.Analyzer, error) {
	var out bytes.Buffer
	var json render.Writer = render.NewJSON(&out, render.Options{MaxValueBytes: w.max, ShowSecrets: true})
	if w.workers > 1 {
		json = render.NewPipe(json)
	}
	h := w.handler
	if h == nil {
		h = sink{json}
	}
	if w.ports == nil {
		w.ports = []uint16{5432}
	}
	if w.keys == nil {
		w.keys = analyze.NewTLS(nil)
	}
	a := analyze.New(analyze.Options{
		Ports: w.ports, AnyPort: !w.onlyOn, Workers: w.workers, Limits: exchange.Limits{},
		Session: session.Config{Messages: !w.quiet, Exchanges: true, Strict: w.strict, NewTLS: w.keys},
	}, h)
	var failure error
	var base uint64
	for _, c := range captures {
		n, err := feedCapture(a, c, base)
		base += n
		if err != nil {
			failure = err
			break
		}
	}
	a.Finish()
	if err := json.Flush(); err != nil {
		return nil, a, err
	}
	return out.Bytes(), a, failure
}

// feedCapture reads one capture to its end. Frames count on from base.
func feedCapture(a *analyze.Analyzer, r io.Reader, base uint64) (n uint64, err error) {
	files, err := capture.OpenFiles([]string{"-"}, capture.FileOptions{
		Stdin: r, OnWarning: func(error) {}, NoReadAhead: true,
	})
	if err != nil {
		return 0, err
	}
	defer files.Close()
	var p capture.Packet
	for {
		if err := files.Next(&p); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return n, err
		}
		n++
		p.Frame += base
		a.Packet(&p)
	}
}

func readCapture(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile(filepath.Join(pcaps, name))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}
