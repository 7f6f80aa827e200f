package attach

import (
	"bytes"
	"debug/elf"
)

// probeSite is a place in a program where a statically defined probe is
// (https://sourceware.org/systemtap/wiki/UserSpaceProbeImplementation).
type probeSite struct {
	name      string
	offset    uint64 // in the file
	semaphore uint64 // in the file; 0: none
	arguments string
}

// timed are the probes of PostgreSQL that say what a server's work took (manual,
// "Dynamic Tracing").
var timed = map[string]bool{
	"query__parse__start": true, "query__parse__done": true,
	"query__rewrite__start": true, "query__rewrite__done": true,
	"query__plan__start": true, "query__plan__done": true,
	"query__execute__start": true, "query__execute__done": true,
	"lock__wait__start": true, "lock__wait__done": true,
}

// sites returns the places of one probe.
func sites(list []probeSite, name string) (found []probeSite) {
	for _, p := range list {
		if p.name == name {
			found = append(found, p)
		}
	}
	return found
}

// The words of a note of a probe: three addresses.
const (
	noteHead     = 12
	sdtAddresses = 3 * 8
	sdtType      = 3
	maxNotes     = 1 << 20 // bytes; PostgreSQL has some 10,000
)

// timingProbes returns the places of the probes in timed. A program without has none.
func timingProbes(f *elf.File) []probeSite {
	s := f.Section(".note.stapsdt")
	if s == nil || s.Size > maxNotes || f.Class != elf.ELFCLASS64 {
		return nil
	}
	data, err := s.Data()
	if err != nil {
		return nil
	}
	var base uint64
	if b := f.Section(".stapsdt.base"); b != nil {
		base = b.Addr
	}
	var sites []probeSite
	for len(data) >= noteHead {
		nameSize, descSize := align4(f.ByteOrder.Uint32(data)), align4(f.ByteOrder.Uint32(data[4:]))
		kind := f.ByteOrder.Uint32(data[8:])
		data = data[noteHead:]
		if uint64(len(data)) < nameSize+descSize {
			break
		}
		desc := data[nameSize : nameSize+descSize]
		if kind == sdtType {
			if p, ok := readSite(f, desc, base); ok {
				sites = append(sites, p)
			}
		}
		data = data[nameSize+descSize:]
	}
	return sites
}

func align4(n uint32) uint64 { return (uint64(n) + 3) &^ 3 }

// readSite reads the description of a probe; false if it is not one of ours.
func readSite(f *elf.File, desc []byte, base uint64) (p probeSite, ok bool) {
	if len(desc) < sdtAddresses {
		return p, false
	}
	order := f.ByteOrder
	place, noted, semaphore := order.Uint64(desc), order.Uint64(desc[8:]), order.Uint64(desc[16:])
	texts := bytes.SplitN(desc[sdtAddresses:], []byte{0}, 4)
	if len(texts) < 3 || string(texts[0]) != "postgresql" || !timed[string(texts[1])] {
		return p, false
	}
	if base != 0 { // it was moved by prelink
		place += base - noted
		if semaphore != 0 {
			semaphore += base - noted
		}
	}
	p = probeSite{name: string(texts[1]), arguments: string(texts[2])}
	if p.offset, ok = fileOffset(f, place); !ok {
		return p, false
	}
	if semaphore != 0 {
		p.semaphore, ok = fileOffset(f, semaphore)
	}
	return p, ok
}

// fileOffset is where in the file what is loaded to an address comes from.
func fileOffset(f *elf.File, address uint64) (uint64, bool) {
	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD && address >= p.Vaddr && address-p.Vaddr < p.Filesz {
			return address - p.Vaddr + p.Off, true
		}
	}
	return 0, false
}
