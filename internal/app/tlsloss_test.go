package app

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// tlsCaptures have key logs beside them; between them they have every kind of
// record protection.
var tlsCaptures = []string{"tls13_aes128gcm", "tls13_chacha20", "tls12_RSA_AES256_GCM", "tls12_ECDHE_RSA_AES128_CBC_SHA"}

// damaged is a pcap of little endian whose packets are on their way to a test.
type damaged struct {
	head    []byte
	packets [][]byte // with their record headers
}

func loadPackets(t *testing.T, path string) damaged {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const fileHeader, recordHeader = 24, 16
	d := damaged{head: b[:fileHeader]}
	for b = b[fileHeader:]; len(b) > 0; {
		n := recordHeader + int(binary.LittleEndian.Uint32(b[8:]))
		d.packets = append(d.packets, b[:n:n])
		b = b[n:]
	}
	return d
}

// payload returns the TCP payload of an Ethernet packet in IPv4.
func payload(packet []byte) []byte {
	ip := packet[16+14:]
	total := int(binary.BigEndian.Uint16(ip[2:]))
	tcp := ip[int(ip[0]&15)*4 : total]
	return tcp[int(tcp[12]>>4)*4:]
}

func (d damaged) file(t *testing.T) string {
	t.Helper()
	out := append([]byte(nil), d.head...)
	for _, p := range d.packets {
		out = append(out, p...)
	}
	path := filepath.Join(t.TempDir(), "damaged.pcap")
	if err := os.WriteFile(path, out, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// damages are what can happen to a capture after the handshake of TCP.
var damages = map[string]func(r *rand.Rand, d *damaged){
	"lost packets": func(r *rand.Rand, d *damaged) {
		for range 1 + r.IntN(4) {
			i := 3 + r.IntN(len(d.packets)-3)
			d.packets = append(d.packets[:i:i], d.packets[i+1:]...)
		}
	},
	"lost runs": func(r *rand.Rand, d *damaged) {
		i := 3 + r.IntN(len(d.packets)-3)
		n := min(1+r.IntN(20), len(d.packets)-i)
		d.packets = append(d.packets[:i:i], d.packets[i+n:]...)
	},
	"late start": func(r *rand.Rand, d *damaged) {
		d.packets = d.packets[r.IntN(len(d.packets)-1):]
	},
	"cut end": func(r *rand.Rand, d *damaged) {
		d.packets = d.packets[:3+r.IntN(len(d.packets)-3)]
	},
	"changed bytes": func(r *rand.Rand, d *damaged) {
		for range 1 + r.IntN(3) {
			i := 3 + r.IntN(len(d.packets)-3)
			d.packets[i] = append([]byte(nil), d.packets[i]...)
			if p := payload(d.packets[i]); len(p) > 0 {
				p[r.IntN(len(p))] ^= byte(1 + r.IntN(255))
			}
		}
	},
	"swapped": func(r *rand.Rand, d *damaged) {
		for range 3 {
			i := 3 + r.IntN(len(d.packets)-4)
			d.packets[i], d.packets[i+1] = d.packets[i+1], d.packets[i]
		}
	},
}

// TestTLSDamaged: whatever happens to the ciphertext, the messages shown are some
// of the true ones, and what is missing is told.
func TestTLSDamaged(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 2
	}
	for _, name := range tlsCaptures {
		whole := loadPackets(t, filepath.Join(pcaps, name+".pcap"))
		keys := filepath.Join(pcaps, name+".keys")
		records, _ := sniff(t, "--keylog", keys, whole.file(t))
		truth, tags := inventory(records), results(records)
		for what, damage := range damages {
			t.Run(name+"/"+what, func(t *testing.T) {
				for seed := range uint64(rounds) {
					d := damaged{head: whole.head, packets: append([][]byte(nil), whole.packets...)}
					damage(rand.New(rand.NewPCG(seed, 1)), &d)
					got, _ := sniff(t, "--keylog", keys, d.file(t))
					if fault := compareDamaged(got, truth, tags); fault != "" {
						t.Errorf("seed %d: %s", seed, fault)
					}
					if what == "swapped" && len(ofType(got, "message", 0)) < sum(truth) {
						t.Errorf("seed %d: %d messages of %d", seed, len(ofType(got, "message", 0)), sum(truth))
					}
				}
			})
		}
	}
}

// compareDamaged says what is wrong, "" if nothing is.
func compareDamaged(got []jsonLine, truth map[string]int, tags map[string]string) string {
	seen := inventory(got)
	for key, n := range seen {
		if n > truth[key] {
			return fmt.Sprintf("%d of %s, in truth there are %d", n, key, truth[key])
		}
	}
	for _, q := range ofType(got, "query", 0) {
		if want, ok := tags[q.text("sql")]; q["complete"] == true && q.text("sql") != "" && (!ok || want != resultOf(q)) {
			return fmt.Sprintf("a query is called complete: %v, in truth %s", q, want)
		}
	}
	if sum(seen) < sum(truth) && !toldOfLoss(got) {
		return fmt.Sprintf("%d of %d messages, and nothing is said", sum(seen), sum(truth))
	}
	return ""
}

// inventory counts messages that are whole by what they are. Values are left out
// where the types that they are shown by may be lost.
func inventory(records []jsonLine) map[string]int {
	m := make(map[string]int)
	for _, r := range ofType(records, "message", 0) {
		if r["truncated"] == true {
			continue
		}
		body, _ := json.Marshal(r["body"])
		switch r.text("msg") {
		case "DataRow", "Bind":
			body = nil
		}
		m[fmt.Sprint(r.text("dir"), " ", r.text("msg"), " ", r["len"], " ", string(body))]++
	}
	return m
}

func sum(m map[string]int) (n int) {
	for _, k := range m {
		n += k
	}
	return n
}

// results are the outcomes of queries by their SQL.
func results(records []jsonLine) map[string]string {
	m := make(map[string]string)
	for _, q := range ofType(records, "query", 0) {
		m[q.text("sql")] = resultOf(q)
	}
	return m
}

func resultOf(q jsonLine) string { return fmt.Sprint(q["rows"], " ", q["bytes"], " ", q["tx"]) }

// toldOfLoss reports whether anything says that not all is there.
func toldOfLoss(records []jsonLine) bool {
	if len(ofType(records, "notice", 0)) > 0 {
		return true
	}
	for _, r := range records {
		if r["truncated"] == true || r["started_mid_stream"] == true || r.text("type") == "connection" && r.text("state") == "open" {
			return true
		}
	}
	return len(ofType(records, "connection", 0)) == 0
}

// TestTLSResync: one lost packet in the middle of bulk rows costs the records it
// was part of, and no more.
func TestTLSResync(t *testing.T) {
	for _, name := range tlsCaptures {
		t.Run(name, func(t *testing.T) {
			whole := loadPackets(t, filepath.Join(pcaps, name+".pcap"))
			keys := filepath.Join(pcaps, name+".keys")
			want, _ := sniff(t, "--keylog", keys, whole.file(t))
			i := len(whole.packets) / 2
			for len(payload(whole.packets[i])) < 1000 {
				i++
			}
			whole.packets = append(whole.packets[:i:i], whole.packets[i+1:]...)
			got, _ := sniff(t, "--keylog", keys, whole.file(t))
			all, n := len(ofType(want, "message", 0)), len(ofType(got, "message", 0))
			// A record of libpq's peer holds 8 KiB: some 38 rows of 219 bytes.
			if n < all-60 || n >= all {
				t.Errorf("%d of %d messages", n, all)
			}
			theOne(t, got, "connection", 0).expect(t, map[string]any{"state": "terminated", "queries": 4.0, "decrypted": true})
			told := false
			for _, r := range got {
				told = told || r.text("code") == "lost" || r["truncated"] == true
			}
			if !told {
				t.Error("the loss is not told")
			}
			for _, q := range ofType(got, "query", 0) {
				if q["rows"] != 300.0 && q["complete"] == true && q["rows"].(float64) > 2 {
					t.Errorf("called complete: %v", q)
				}
			}
		})
	}
}
