package app

import (
	"strconv"
	"strings"

	"golang.org/x/net/bpf"

	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/internal/filter"
)

// wholePacket is the snap length that cuts nothing: BIG TCP has 512 KiB.
const wholePacket = 1 << 20

// kernelFilter makes the programs that kernels run for a live capture.
type kernelFilter struct {
	ports   string // "port 5432 or portrange 6432-6435"; empty for all
	user    string // -f
	file    *filter.Program
	snapLen int
}

func newKernelFilter(ports *portFlags, kept *keptFlags, snapLen int) (*kernelFilter, error) {
	if snapLen == 0 {
		snapLen = wholePacket
	}
	k := &kernelFilter{user: kept.filter, file: kept.program, snapLen: snapLen}
	if ports.AnyPort {
		return k, nil
	}
	list, err := ports.ports()
	if err != nil {
		return nil, err
	}
	k.ports = portExpression(list)
	return k, nil
}

// portExpression names ports as the filter language does, runs as ranges.
func portExpression(list []uint16) string {
	var terms []string
	for i := 0; i < len(list); {
		j := i
		for j+1 < len(list) && list[j+1] == list[j]+1 {
			j++
		}
		term := "port " + number(list[i])
		if j > i {
			term = "portrange " + number(list[i]) + "-" + number(list[j])
		}
		terms = append(terms, term)
		i = j + 1
	}
	return strings.Join(terms, " or ")
}

func number(p uint16) string { return strconv.Itoa(int(p)) }

// program is capture.LiveOptions.Filter. The user's part and the one of the
// ports are compiled apart and run one after the other, since in the filter
// language a vlan of the one would move the headers for the other.
func (k *kernelFilter) program(t capture.FilterTarget) ([]bpf.RawInstruction, error) {
	var users []bpf.RawInstruction
	if k.user != "" {
		p, err := filter.CompileWith(k.user, t.LinkType, k.snapLen, filter.CompileOptions{VLANAux: t.KernelTags})
		if err != nil {
			return nil, err
		}
		users = p.Raw()
	} else if k.file != nil && t.LinkType == linkEthernet {
		users = k.file.Raw() // for other link layers see keeper.matches
	}
	if k.ports == "" && (users != nil || k.file != nil) {
		return users, nil
	}
	p, err := filter.CompileWith(k.tcp(t.LinkType), t.LinkType, k.snapLen, filter.CompileOptions{VLANAux: t.KernelTags})
	if err != nil {
		return nil, err
	}
	return both(users, p.Raw()), nil
}

// tcp is the expression for TCP on the ports. A fragment that is not an IP
// packet's first has no ports, so those of all TCP packets are taken; the tag of
// a VLAN, or two, is looked behind where frames have tags.
func (k *kernelFilter) tcp(linkType uint16) string {
	plain := "ip proto 6 or ip6 proto 6"
	if k.ports != "" {
		plain = "(tcp and (" + k.ports + ")) or (ip proto 6 and ip[6:2] & 0x1fff != 0) or (ip6[6] = 44 and ip6[40] = 6)"
	}
	if linkType != linkEthernet {
		return plain
	}
	return "(" + plain + ") or (vlan and ((" + plain + ") or (vlan and (" + plain + "))))"
}

// Operations of classic BPF that end a program, and two others.
const (
	bpfReturn    = 0x06 // the constant
	bpfReturnA   = 0x16 // the accumulator
	bpfJump      = 0x05
	bpfJumpEqual = 0x15
)

// both is a program that accepts what first and then second accept: where first
// would, second runs and decides.
func both(first, second []bpf.RawInstruction) []bpf.RawInstruction {
	if len(first) == 0 {
		return second
	}
	code := make([]bpf.RawInstruction, 0, len(first)+2+len(second))
	for i, in := range first {
		rest := uint32(len(first) - i - 1)
		switch {
		case in.Op == bpfReturn && in.K != 0:
			in = bpf.RawInstruction{Op: bpfJump, K: rest + 2}
		case in.Op == bpfReturnA:
			in = bpf.RawInstruction{Op: bpfJump, K: rest}
		}
		code = append(code, in)
	}
	code = append(code,
		bpf.RawInstruction{Op: bpfJumpEqual, K: 0, Jf: 1},
		bpf.RawInstruction{Op: bpfReturn})
	return append(code, second...)
}
