package capture

import (
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Classic BPF (linux/filter.h), and where the kernel keeps what is not in the
// packet.
const (
	bpfLoadWord = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	bpfEqual    = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	bpfReturn   = unix.BPF_RET | unix.BPF_K

	skfPacketType = 0xfffff000 + 4 // SKF_AD_OFF + SKF_AD_PKTTYPE
	skfInterface  = 0xfffff000 + 8 // SKF_AD_OFF + SKF_AD_IFINDEX

	// loopbackIndex is lo's in every network namespace (LOOPBACK_IFINDEX).
	loopbackIndex = 1
)

// onceOnLoopback refuses what goes out on lo: it comes in there as well. It
// goes on to what follows for all else.
var onceOnLoopback = []bpf.RawInstruction{
	{Op: bpfLoadWord, K: skfInterface},
	{Op: bpfEqual, K: loopbackIndex, Jf: 3},
	{Op: bpfLoadWord, K: skfPacketType},
	{Op: bpfEqual, K: unix.PACKET_OUTGOING, Jf: 1},
	{Op: bpfReturn, K: 0},
}

var (
	acceptAll = []bpf.RawInstruction{{Op: bpfReturn, K: 0xffffffff}}
	rejectAll = []bpf.RawInstruction{{Op: bpfReturn, K: 0}}
)

// filter makes an interface's program.
func (l *rings) filter(d *device) ([]bpf.RawInstruction, error) {
	target := FilterTarget{LinkType: linkEthernet, KernelTags: true}
	if d.cooked { // the filter sees what the socket delivers
		target.LinkType = linkRaw
	}
	rest := acceptAll
	if l.opt.Filter != nil {
		program, err := l.opt.Filter(target)
		if err != nil {
			return nil, err
		}
		if len(program) > 0 {
			rest = program
		}
	}
	return append(append([]bpf.RawInstruction(nil), onceOnLoopback...), rest...), nil
}

// SetFilter exchanges the programs of all interfaces, once all of them are compiled.
func (l *rings) SetFilter(f func(FilterTarget) ([]bpf.RawInstruction, error)) error {
	before := l.opt.Filter
	l.opt.Filter = f
	programs := make([][]bpf.RawInstruction, len(l.devices))
	for i, d := range l.devices {
		var err error
		if programs[i], err = l.filter(d); err != nil {
			l.opt.Filter = before
			return err
		}
	}
	for i, d := range l.devices {
		if err := d.SetFilter(programs[i]); err != nil {
			l.opt.Filter = before
			for _, changed := range l.devices[:i] {
				if old, failed := l.filter(changed); failed == nil {
					_ = changed.SetFilter(old) // it was in force before
				}
			}
			return err
		}
	}
	return nil
}
