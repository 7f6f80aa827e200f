package analyze_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/hostile"
)

// damaged are the captures that FuzzNeverWrong takes apart: waiting and pipelining
// clients, COPY, errors, portals, joins.
var damaged = []string{
	"asyncpg", "libpq_pipeline", "libpq_extended", "client_jdbc", "portal_suspend", "pgx_modes", "raw1", "psql_simple",
	"auth_scram", "statements/skipped_bind_existing_portal", "statements/query_during_copy_in", "pairing/lost_startup_reply_QQ",
}

// The kinds of damage that an operation of FuzzNeverWrong does.
const (
	damageDrop = iota
	damageDuplicate
	damageMove
	damageCut
	damageKinds
)

// damageSize is an operation in bytes: its kind, the packet, and how far or how much.
const damageSize = 4

// maxDamage bounds the operations: with most packets gone there is nothing to be wrong of.
const maxDamage = 24

// damage does the operations in ops to f, in their order. It returns what that was, and
// whether no packet is later than it was.
func damage(f *hostile.File, ops []byte) (what string, inOrder bool) {
	inOrder = true
	for n := 0; len(ops) >= damageSize && n < maxDamage && len(f.Records) > 1; n++ {
		i := (int(ops[1])<<8 | int(ops[2])) % len(f.Records)
		r, arg := f.Records[i], int(ops[3])
		switch ops[0] % damageKinds {
		case damageDrop:
			f.Records = slices.Delete(f.Records, i, i+1)
			what += fmt.Sprintf(" drop %d", i+1)
		case damageDuplicate:
			inOrder = false
			to := min(i+1+arg%32, len(f.Records))
			f.Records = slices.Insert(f.Records, to, r)
			what += fmt.Sprintf(" repeat %d before %d", i+1, to+1)
		case damageMove:
			inOrder = false
			f.Records = slices.Delete(f.Records, i, i+1)
			to := min(i+1+arg%16, len(f.Records))
			f.Records = slices.Insert(f.Records, to, r)
			what += fmt.Sprintf(" move %d before %d", i+1, to+1)
		case damageCut:
			f.Records[i].Snap(54 + arg)
			what += fmt.Sprintf(" cut %d to %d bytes", i+1, 54+arg)
		}
		ops = ops[damageSize:]
	}
	return what, inOrder
}

// FuzzNeverWrong drops, repeats, reorders and cuts packets of good captures: what calls
// itself complete must be in the whole capture.
func FuzzNeverWrong(f *testing.F) {
	for which := range byte(len(damaged)) {
		f.Add(append([]byte{which}, damageDrop, 0, 9, 0))
		f.Add(append([]byte{which}, damageDrop, 0, 20, 0, damageDrop, 0, 27, 0, damageMove, 0, 12, 3))
		f.Add(append([]byte{which}, damageCut, 0, 15, 30, damageDuplicate, 0, 11, 7, damageMove, 0, 30, 1, damageDrop, 0, 8, 0))
		f.Add(append([]byte{which}, slices.Repeat([]byte{damageDrop, 0, 0, 0}, 7)...))
	}
	wholes := make([]*truth, len(damaged))
	for i, name := range damaged {
		b, err := os.ReadFile(filepath.Join(pcaps, name+".pcap"))
		if err != nil {
			f.Fatal(err)
		}
		file, err := hostile.ParsePcap(b)
		if err != nil {
			f.Fatal(err)
		}
		wholes[i] = truthOf(f, file, way{quiet: true, ports: pgPorts})
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		which := int(b[0]) % len(damaged)
		whole := wholes[which]
		c := whole.file.Clone()
		if what, inOrder := damage(c, b[1:]); inOrder {
			whole.hold(t, damaged[which]+":"+what, c.Bytes())
		} else {
			whole.holdReordered(t, damaged[which]+":"+what, c.Bytes())
		}
	})
}
