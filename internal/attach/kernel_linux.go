//go:build amd64 || arm64

package attach

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/btf"
)

// kernel is where facts are in the kernel's structures, in bytes: by its own
// description of its types (BTF), as they differ between versions.
type kernel struct {
	parent, pid, comm, files   int32 // task_struct
	tables                     int32 // files_struct
	array                      int32 // fdtable
	private, inode             int32 // file
	mode                       int32 // inode
	sk                         int32 // socket
	peerPID, peerCred          int32 // sock
	uid                        int32 // cred
	pidTasks, pidNumber, links int32 // struct pid, and where a task is in its list
}

// pidTypeTGID is the kernel's PIDTYPE_TGID; a list head has two pointers.
const (
	pidTypeTGID = 1
	listNode    = 16
	firstNode   = 8 // of an hlist_head
)

// maxDescriptor is more than any process has: fs.nr_open, as the kernel sets it.
const maxDescriptor = 1 << 20

// confidentiality is the mode of a kernel that is locked down the most.
const confidentiality = "confidentiality"

// errLockedDown is why the kernel's memory may not be read.
var errLockedDown = errors.New("the kernel is locked down for confidentiality")

// types finds the places in the kernel's structures. A program that reads them is
// refused where the kernel is locked down for confidentiality; what processes have in their
// own memory may be read even so.
func (h host) types() (*kernel, error) {
	if h.lockdown == confidentiality || h.lockdown == "" && !mayReadKernel() {
		return nil, errLockedDown
	}
	return readTypes()
}

// readKernel finds the places; its error tells what is missing.
func readKernel() (*kernel, error) {
	spec, err := btf.LoadKernelSpec()
	if err != nil {
		return nil, err
	}
	var k kernel
	for _, f := range []struct {
		to     *int32
		of     string
		member string
	}{
		{&k.parent, "task_struct", "real_parent"},
		{&k.pid, "task_struct", "tgid"},
		{&k.comm, "task_struct", "comm"},
		{&k.files, "task_struct", "files"},
		{&k.links, "task_struct", "pid_links"},
		{&k.tables, "files_struct", "fdt"},
		{&k.array, "fdtable", "fd"},
		{&k.private, "file", "private_data"},
		{&k.inode, "file", "f_inode"},
		{&k.mode, "inode", "i_mode"},
		{&k.sk, "socket", "sk"},
		{&k.peerPID, "sock", "sk_peer_pid"},
		{&k.peerCred, "sock", "sk_peer_cred"},
		{&k.uid, "cred", "uid"},
		{&k.pidTasks, "pid", "tasks"},
		{&k.pidNumber, "pid", "numbers"},
	} {
		var s *btf.Struct
		if err := spec.TypeByName(f.of, &s); err != nil {
			return nil, fmt.Errorf("struct %s: %w", f.of, err)
		}
		at, ok := memberOffset(s.Members, f.member)
		if !ok {
			return nil, fmt.Errorf("struct %s has no member %s", f.of, f.member)
		}
		*f.to = at
	}
	k.links += pidTypeTGID * listNode
	k.pidTasks += pidTypeTGID * firstNode
	return &k, nil
}

// memberOffset finds a member, also in what is embedded without a name.
func memberOffset(members []btf.Member, name string) (int32, bool) {
	for _, m := range members {
		if m.Name == name {
			return int32(m.Offset.Bytes()), true
		}
		if m.Name != "" {
			continue
		}
		if at, ok := memberOffset(membersOf(m.Type), name); ok {
			return int32(m.Offset.Bytes()) + at, true
		}
	}
	return 0, false
}

func membersOf(t btf.Type) []btf.Member {
	switch t := t.(type) {
	case *btf.Struct:
		return t.Members
	case *btf.Union:
		return t.Members
	}
	return nil
}

// follow reads the pointer at r6+at into r6; 0 or unreadable goes to label.
func (c *code) follow(at int32, label string) {
	c.stack(asm.R1, stackWalk)
	c.add(
		asm.Mov.Imm(asm.R2, 8),
		asm.Mov.Reg(asm.R3, asm.R6), asm.Add.Imm(asm.R3, at),
		asm.FnProbeReadKernel.Call(),
		asm.JNE.Imm(asm.R0, 0, label),
		asm.LoadMem(asm.R6, asm.RFP, stackWalk, asm.DWord),
		asm.JEq.Imm(asm.R6, 0, label),
	)
}

// take reads n bytes at r6+at into the record.
func (c *code) take(at, n, into int32) {
	c.add(
		asm.LoadMem(asm.R1, asm.RFP, stackRecord, asm.DWord), asm.Add.Imm(asm.R1, into),
		asm.Mov.Imm(asm.R2, n),
		asm.Mov.Reg(asm.R3, asm.R6), asm.Add.Imm(asm.R3, at),
		asm.FnProbeReadKernel.Call(),
	)
}

// identify adds to a recordOpen what the kernel knows: the process that the backend
// is a child of, and who is at the other end of its socket, where that is a Unix
// socket (as SO_PEERCRED tells, at the time of connect). The client may be gone
// before anybody could look it up by its pid.
//
// What the kernel's structures have are the numbers that processes have on the host: in a
// namespace of processes they are left out.
func (c *code) identify(k *kernel) {
	onHost := c.m.namespace == nil
	c.add(asm.FnGetCurrentTask.Call(), asm.Mov.Reg(asm.R6, asm.R0))
	if onHost {
		c.follow(k.parent, "socket")
		c.take(k.pid, 4, openParent)
	}
	c.add(asm.FnGetCurrentTask.Call().WithSymbol("socket"), asm.Mov.Reg(asm.R6, asm.R0))
	c.follow(k.files, "described")
	c.follow(k.tables, "described")
	c.follow(k.array, "described")
	// The descriptor is the first member of a Port.
	c.add(
		asm.LoadMem(asm.R1, asm.RFP, stackRecord, asm.DWord),
		asm.LoadMem(asm.R2, asm.R1, openPort, asm.Word),
		asm.JGT.Imm(asm.R2, maxDescriptor, "described"),
		asm.LSh.Imm(asm.R2, 3),
		asm.Add.Reg(asm.R6, asm.R2),
	)
	c.follow(0, "described")
	c.follow(k.private, "described")
	c.follow(k.sk, "described")
	c.add(asm.StoreMem(asm.RFP, stackState, asm.R6, asm.DWord))
	c.follow(k.peerCred, "described")
	c.take(k.uid, 4, openPeerUID)
	c.add(asm.LoadMem(asm.R6, asm.RFP, stackState, asm.DWord))
	c.follow(k.peerPID, "described")
	if onHost {
		c.take(k.pidNumber, 4, openPeerPID)
	}
	c.add(
		asm.LoadMem(asm.R1, asm.RFP, stackRecord, asm.DWord),
		asm.LoadMem(asm.R2, asm.R1, headFlags, asm.Word),
		asm.Or.Imm(asm.R2, flagKernel),
		asm.StoreMem(asm.R1, headFlags, asm.R2, asm.Word),
	)
	c.follow(k.pidTasks, "described")
	c.add(asm.Sub.Imm(asm.R6, k.links))
	c.take(k.comm, commSize, openComm)
	c.label("described")
}
