package capture

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/pgsniff/pgsniff/internal/analyze"
	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/internal/redact"
	"github.com/pgsniff/pgsniff/internal/tlsdecrypt"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// Options say what is read and told. The zero value is ready for use.
type Options struct {
	// Ports are those of servers; nil stands for 5432.
	Ports []uint16
	// PortsOnly leaves out connections on other ports, which are otherwise taken if
	// they open like PostgreSQL.
	PortsOnly bool
	// KeyLog is an NSS key log (SSLKEYLOGFILE) to decrypt TLS with; it may be nil.
	// Keys that a pcapng file carries are used in any case.
	KeyLog io.Reader
	// Messages has each message told, too.
	Messages bool
	// ShowSecrets leaves passwords, keys and the like in the records.
	ShowSecrets bool
	// Stdin is what the name "-" means to Files; nil stands for os.Stdin.
	Stdin io.Reader
}

// Warning is an error that does not stop the reading, such as a file that ends in the
// middle of a packet. The iterator goes on after it.
type Warning struct{ Err error }

func (w *Warning) Error() string { return w.Err.Error() }

// Unwrap returns Err.
func (w *Warning) Unwrap() error { return w.Err }

// secretsTLS is the type of pcapng's Decryption Secrets Block that holds a TLS key
// log.
const secretsTLS = 0x544c534b

// Files ranges over the records of capture files, read one after the other: pcap and
// pcapng, plain or compressed; "-" is Options.Stdin. A record comes when it is
// complete: a query with its last reply, a connection with its end. An error comes
// without a record; after a *Warning the reading goes on, any other is the last.
func Files(o Options, paths ...string) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		r := newReader(&o, yield)
		stdin := o.Stdin
		if stdin == nil {
			stdin = os.Stdin
		}
		src, err := capture.OpenFiles(paths, capture.FileOptions{
			Stdin:     stdin,
			OnWarning: func(err error) { r.warnings = append(r.warnings, err) },
			OnSecrets: func(kind uint32, data []byte) {
				if kind == secretsTLS {
					r.keys.addLines(data)
				}
			},
			OnLocal: func(_ uint32, data []byte) { r.analyzer.Resume(data) },
		})
		if err != nil {
			r.fail(err)
			return
		}
		r.run(src)
	}
}

// Packets is Files for any packet source of github.com/google/gopacket: a pcap.Handle, a
// pcapgo.Reader, an afpacket.TPacket. linkType is that of its packets. Src is closed
// at the end if it has a Close method. One of github.com/gopacket/gopacket, whose
// CaptureInfo is another type with the same fields, needs a wrapper that converts it.
func Packets(o Options, src gopacket.PacketDataSource, linkType layers.LinkType) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		newReader(&o, yield).run(capture.FromPacketData(src, uint16(linkType)))
	}
}

// reader leads the packets of a source through the analysis.
type reader struct {
	analyzer *analyze.Analyzer
	records  handler
	keys     keys
	yield    func(Record, error) bool
	warnings []error
	over     bool // yield has said that it is enough
}

func newReader(o *Options, yield func(Record, error) bool) *reader {
	r := &reader{yield: yield, records: handler{secrets: o.ShowSecrets}}
	r.keys.log = tlsdecrypt.NewKeyLog(nil)
	if o.KeyLog != nil {
		if err := r.keys.log.Load(o.KeyLog); err != nil {
			r.warnings = append(r.warnings, fmt.Errorf("the key log: %w", err))
		}
	}
	level := redact.Secrets
	if o.ShowSecrets {
		level = redact.None
	}
	ports := o.Ports
	if ports == nil {
		ports = []uint16{5432}
	}
	r.analyzer = analyze.New(analyze.Options{
		Ports: ports, AnyPort: !o.PortsOnly, Workers: 1,
		Session: session.Config{Messages: o.Messages, Exchanges: true, NewTLS: analyze.NewTLS(r.keys.log)},
	}, redact.NewHandler(level, &r.records))
	return r
}

// keys are those to decrypt TLS with.
type keys struct{ log *tlsdecrypt.KeyLog }

func (k *keys) addLines(data []byte) {
	for len(data) > 0 {
		line := data
		if i := indexNewline(data); i >= 0 {
			line, data = data[:i], data[i+1:]
		} else {
			data = nil
		}
		_ = k.log.Add(line) // what is no key is of no use, and does no harm
	}
}

func indexNewline(b []byte) int {
	for i, c := range b {
		if c == '\n' {
			return i
		}
	}
	return -1
}

// run reads src to its end and yields what comes out.
func (r *reader) run(src capture.Source) {
	defer func() { _ = src.Close() }()
	var p capture.Packet
	for {
		err := src.Next(&p)
		if err != nil {
			r.analyzer.Finish()
			if r.hand(); !errors.Is(err, io.EOF) {
				r.fail(err)
			}
			return
		}
		r.analyzer.Packet(&p)
		if r.hand(); r.over {
			return
		}
	}
}

// hand yields the warnings and records that there are.
func (r *reader) hand() {
	for _, err := range r.warnings {
		r.over = r.over || !r.yield(nil, &Warning{err})
	}
	r.warnings = r.warnings[:0]
	for i, record := range r.records.list {
		r.over = r.over || !r.yield(record, nil)
		r.records.list[i] = nil
	}
	r.records.list = r.records.list[:0]
}

// fail yields the last error.
func (r *reader) fail(err error) {
	if r.hand(); !r.over {
		r.yield(nil, err)
	}
}
