package tlsdecrypt

import (
	"bytes"
	"fmt"
	"slices"
)

// Used returns the secrets of the connections that were decrypted with them,
// as key log lines in the order of their client randoms, to be embedded in a
// capture. The result is the caller's.
func (k *KeyLog) Used() []byte {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.lines(k.allUsed())
}

// TakeUsed returns what Used does, less what an earlier call has returned, in
// the order in which connections came to be decrypted: for captures that are
// written meanwhile. A connection whose secrets became more comes again. It
// costs next to nothing where there is nothing new. The result is the caller's.
func (k *KeyLog) TakeUsed() []byte {
	if k.taking.Load() && k.fresh.Load() == 0 {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	list := k.freshUsed
	if !k.taking.Swap(true) {
		list = k.allUsed()
	}
	out := k.lines(list)
	k.freshUsed = nil
	k.fresh.Store(0)
	return out
}

// allUsed returns the client randoms of what was used, in their order.
func (k *KeyLog) allUsed() []clientRandom {
	var used []clientRandom
	for r, s := range k.conns.m {
		if s.used {
			used = append(used, r)
		}
	}
	slices.SortFunc(used, func(a, b clientRandom) int { return bytes.Compare(a[:], b[:]) })
	return used
}

// lines are the secrets under client randoms as lines of a key log.
func (k *KeyLog) lines(randoms []clientRandom) []byte {
	var out []byte
	for _, r := range randoms {
		s, ok := k.conns.get(r)
		if !ok {
			continue // forgotten meanwhile
		}
		for l, v := range s.value {
			if v != nil {
				out = fmt.Appendf(out, "%s %x %x\n", labelNames[l], r[:], v)
			}
		}
	}
	return out
}

// secretsOfUsed notes that there are secrets for TakeUsed. k.mu is held.
func (k *KeyLog) secretsOfUsed(r clientRandom) {
	if !k.taking.Load() || slices.Contains(k.freshUsed, r) {
		return
	}
	k.freshUsed = append(k.freshUsed, r)
	k.fresh.Add(1)
}
