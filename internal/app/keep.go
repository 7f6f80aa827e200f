package app

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/internal/filter"
	"github.com/pgsniff/pgsniff/internal/pcapngw"
)

// keptFlags say which packets are taken and where they are written.
type keptFlags struct {
	filter      string
	bpfFile     string
	write       string
	rotateSize  string
	rotateTime  time.Duration
	rotateFiles int
	embedKeys   bool
	matching    bool
	program     *filter.Program // of bpfFile
	rotateBytes int64
}

func (k *keptFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVarP(&k.filter, "filter", "f", "", "take only packets that match `EXPR`, in tcpdump's language")
	f.StringVar(&k.bpfFile, "bpf-file", "", "take only packets that match the filter in `FILE`, which tcpdump -ddd made")
	f.StringVarP(&k.write, "write", "w", "", "also write the packets taken to `FILE`, as pcapng")
	f.StringVar(&k.rotateSize, "rotate-size", "", "begin a new file before one exceeds `SIZE` (100M, 2G)")
	f.DurationVar(&k.rotateTime, "rotate-time", 0, "begin a new file after `D` (10m)")
	f.IntVar(&k.rotateFiles, "rotate-files", 0, "keep the last `N` files only")
	f.BoolVar(&k.matching, "only-matching", false, "write only the packets of connections of which something is shown")
	f.BoolVar(&k.embedKeys, "embed-keys", false, "write the TLS secrets that decrypted something to the file of -w: who has it can read all")
}

// check refuses what cannot be, syntax errors of the filter among it.
func (k *keptFlags) check() error {
	if err := k.checkFilter(); err != nil {
		return err
	}
	rotates := k.rotates()
	switch {
	case k.rotateTime < 0 || k.rotateFiles < 0:
		return usageError("--rotate-time and --rotate-files take positive values")
	case k.write == "-":
		return usageError("-w -: standard output is for the results; name a file")
	case k.write == "" && (rotates || k.rotateFiles > 0):
		return usageError("--rotate-size, --rotate-time and --rotate-files need -w")
	case k.write == "" && k.matching:
		return usageError("--only-matching needs -w")
	case k.write == "" && k.embedKeys:
		return usageError("--embed-keys needs -w")
	case k.rotateFiles > 0 && !rotates:
		return usageError("--rotate-files needs --rotate-size or --rotate-time")
	}
	if k.rotateSize != "" {
		n, err := parseSize(k.rotateSize)
		if err != nil {
			return usageError("--rotate-size %s: %v", k.rotateSize, err)
		}
		k.rotateBytes = n
	}
	return nil
}

func (k *keptFlags) checkWithoutPackets() error {
	switch {
	case k.filter != "" || k.bpfFile != "":
		return usageError("without -i there are no packets for -f to choose from")
	case k.write != "":
		return usageError("without -i there are no packets for -w to keep")
	}
	return nil
}

// inStep tells that what matches, what is open and which keys are of use has to be known
// with each packet that is written.
func (k *keptFlags) inStep() bool { return k.matching || k.rotates() || k.embedKeys }

// rotates reports whether there is more than one file of packets.
func (k *keptFlags) rotates() bool { return k.rotateSize != "" || k.rotateTime != 0 }

func (k *keptFlags) checkFilter() error {
	if k.filter != "" && k.bpfFile != "" {
		return usageError("-f and --bpf-file: one of them is enough")
	}
	if k.bpfFile != "" {
		f, err := os.Open(k.bpfFile)
		if err != nil {
			return &exitError{ExitFailure, fmt.Errorf("--bpf-file: %w", err)}
		}
		defer f.Close()
		if k.program, err = filter.ParseDDD(f); err != nil {
			return usageError("--bpf-file %s: %v", k.bpfFile, err)
		}
	}
	if k.filter == "" {
		return nil
	}
	// An expression may make sense on one link layer only. What is refused for
	// all of them is wrong for certain.
	_, err := filter.Compile(k.filter, linkEthernet, 0)
	for _, t := range []uint16{linkSLL2, linkRaw, linkNull} {
		if err != nil {
			if _, other := filter.Compile(k.filter, t, 0); other == nil {
				err = nil
			}
		}
	}
	if err != nil {
		return usageError("-f: %w", err)
	}
	return nil
}

// LINKTYPE_ values that filters are tried on.
const (
	linkNull     = 0
	linkEthernet = 1
	linkRaw      = 101
	linkSLL2     = 276
)

// parseSize reads a number of bytes with a unit of 1024: K, M, G, T.
func parseSize(s string) (int64, error) {
	digits := strings.TrimRight(s, "KMGTkmgtiIbB")
	unit := strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(s[len(digits):]), "B"), "I")
	shift, ok := map[string]uint{"": 0, "K": 10, "M": 20, "G": 30, "T": 40}[unit]
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || n <= 0 || n > 1<<62>>shift {
		return 0, fmt.Errorf("must be a number of bytes, or one with K, M, G or T")
	}
	return n << shift, nil
}

// keeper chooses the packets that are taken, and writes them. A nil keeper takes
// all.
type keeper struct {
	expr     string
	program  *filter.Program            // from a file, for all packets
	programs map[uint16]*filter.Program // of expr, by link type
	out      *pcapngw.Writer
	numbers  map[outInterface]int
	live     bool
	names    []capture.LiveInterface // of a live capture
	snapLen  int
	matching *matching // nil without --only-matching
	passed   uint64    // packets that the filter does not match
}

// outInterface is an interface of the source: files say only with each packet
// what its link type is.
type outInterface struct {
	number   int
	linkType uint16
}

// newKeeper returns the keeper for the options, nil if none is needed. Its file
// is opened later: a live capture has to have begun.
func newKeeper(k *keptFlags) *keeper {
	if k.filter == "" && k.program == nil && k.write == "" {
		return nil
	}
	r := &keeper{expr: k.filter, program: k.program, programs: make(map[uint16]*filter.Program)}
	if k.matching {
		r.matching = newMatching(r.write)
	}
	return r
}

// onlyMatching reports whether packets wait for their connection to match.
func (k *keeper) onlyMatching() bool { return k != nil && k.matching != nil }

// letGo returns how many packets of matching connections are not in the file.
func (k *keeper) letGo() uint64 {
	if !k.onlyMatching() {
		return 0
	}
	return k.matching.letGo
}

// openPackets opens the file of packets, if there is to be one. Neither it nor one
// that follows it by rotation may be what is read, or another output.
func (r *run) openPackets() error {
	taken := r.inputs
	for _, out := range r.outputs {
		if out.file != nil {
			taken = taken.add("--to "+out.spec.to, out.file.File)
		}
	}
	o := pcapngw.Options{Refuse: func(path string) error { return taken.refuse("-w", path) }, State: r.state}
	if r.opt.kept.embedKeys && r.opt.live {
		o.Hold = holdTime
	}
	return r.keep.open(&r.opt.kept, o)
}

// holdTime is how long packets of a live capture wait for the secrets that they are
// read with: clients write these during the handshake, and other programs want them
// to stand before it.
const holdTime = time.Second

// open creates the file to write to, if there is to be one.
func (k *keeper) open(f *keptFlags, o pcapngw.Options) error {
	if f.write == "" {
		return nil
	}
	o.Path, o.RotateSize, o.RotateTime, o.MaxFiles = f.write, f.rotateBytes, f.rotateTime, f.rotateFiles
	o.App = "pgsniff " + Version()
	out, err := pcapngw.New(o)
	var refused *exitError
	switch {
	case errors.As(err, &refused):
		return refused
	case err != nil:
		return &exitError{ExitFailure, fmt.Errorf("-w: %w", err)}
	}
	k.out, k.numbers = out, make(map[outInterface]int)
	return nil
}

// matches reports whether the filter takes a packet. In a live capture the
// kernel has filtered already, but for a program that was made for cooked
// packets: the kernel filters those before they get their header.
func (k *keeper) matches(p *capture.Packet) (bool, error) {
	if k.live && (k.program == nil || p.LinkType != linkSLL2) {
		return true, nil
	}
	if k.program != nil {
		return k.program.Match(p.Data, p.OrigLen), nil
	}
	if k.expr == "" {
		return true, nil
	}
	prog := k.programs[p.LinkType]
	if prog == nil {
		var err error
		if prog, err = filter.Compile(k.expr, p.LinkType, 0); err != nil {
			return false, fmt.Errorf("-f: packet %d: %w", p.Frame, err)
		}
		k.programs[p.LinkType] = prog
	}
	return prog.Match(p.Data, p.OrigLen), nil
}

// write writes a packet that was taken.
func (k *keeper) write(p *capture.Packet) error {
	if k.out == nil {
		return nil
	}
	n, err := k.number(p)
	if err != nil {
		return err
	}
	return k.out.Write(n, p.Time, p.Data, p.OrigLen)
}

// rotate begins the next file if that is where a packet belongs that has not been
// looked at yet.
func (k *keeper) rotate(p *capture.Packet) error {
	if k.out == nil || k.matching != nil {
		return nil
	}
	return k.out.Next(p.Time, p.Data)
}

// number returns the written file's number for a packet's interface.
func (k *keeper) number(p *capture.Packet) (int, error) {
	key := outInterface{p.Interface, p.LinkType}
	if n, ok := k.numbers[key]; ok {
		return n, nil
	}
	about := pcapngw.Interface{LinkType: p.LinkType, SnapLen: k.snapLen, Filter: k.expr}
	if p.Interface < len(k.names) {
		about.Name = k.names[p.Interface].Name
	}
	n, err := k.out.AddInterface(about)
	if err == nil {
		k.numbers[key] = n
	}
	return n, err
}

// secrets writes lines of a key log to the file, for the packets after them.
func (k *keeper) secrets(lines []byte) error {
	if k == nil || k.out == nil {
		return nil
	}
	return k.out.Secrets(pcapngw.SecretsTLS, lines)
}

// statistics passes on the counts of an interface that a packet came from.
func (k *keeper) statistics(iface int, s pcapngw.Statistics) {
	if k == nil || k.out == nil {
		return
	}
	for key, n := range k.numbers {
		if key.number == iface {
			k.out.SetStatistics(n, s)
		}
	}
}

// flush hands what was written to the system.
func (k *keeper) flush() error {
	if k == nil || k.out == nil {
		return nil
	}
	return k.out.Flush()
}

// close ends the file, after the end of the analysis.
func (k *keeper) close() error {
	if k == nil || k.out == nil {
		return nil
	}
	if k.matching != nil {
		if err := k.matching.settle(); err != nil {
			return err
		}
	}
	return k.out.Close()
}

// take leads a packet to the analysis and to the file, unless the filter refuses
// it.
func (r *run) take(p *capture.Packet) (taken bool, err error) {
	if h := r.opt.hooks.history; h != nil {
		h.Add(p)
	}
	if r.keep == nil {
		r.analyzer.Packet(p)
		return true, nil
	}
	if taken, err = r.keep.matches(p); !taken {
		r.keep.passed++
		return false, err
	}
	if err := r.kept(r.keep.rotate(p)); err != nil {
		return true, err
	}
	r.analyzer.Packet(p)
	if err := r.embedKeys(); err != nil {
		return true, err
	}
	if m := r.keep.matching; m != nil {
		return true, m.packet(r.analyzer, p)
	}
	return true, r.kept(r.keep.write(p))
}

// kept takes what came of writing packets. Where the reader of a pipe has gone, that
// is the end of this file, and not of the run.
func (r *run) kept(err error) error {
	if err == nil || !isClosedPipe(err) {
		return err
	}
	r.keep.out, r.unread = nil, true
	r.warn(fmt.Errorf("-w %s: nobody reads the packets any more; no more are written", r.opt.kept.write))
	return nil
}
