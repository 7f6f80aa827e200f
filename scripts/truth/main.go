// Command truth writes the table of docs/truth.md: how many query records of a capture
// are complete without one packet, and with random loss, for two builds of pgsniff.
//
//	go run ./scripts/truth BEFORE NOW CAPTURE.pcap…
package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	ports     = "5432,6432,15415,16543,21432,22001"
	maxRuns   = 120 // packets dropped of one capture, spread over it
	seeds     = 10  // of random loss
	usageText = "usage: truth BEFORE NOW CAPTURE.pcap…"
)

// capture is a classic pcap file taken apart.
type capture struct {
	head    []byte
	records [][]byte
}

func load(path string) (*capture, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if len(b) < 24 || b[0] == 0xa1 {
		order = binary.BigEndian
	}
	c := &capture{head: b[:24]}
	for b = b[24:]; len(b) >= 16; {
		n := 16 + int(order.Uint32(b[8:]))
		c.records = append(c.records, b[:min(n, len(b))])
		b = b[min(n, len(b)):]
	}
	return c, nil
}

// without returns the file without the records that lost names.
func (c *capture) without(lost func(i int) bool) []byte {
	b := bytes.Clone(c.head)
	for i, r := range c.records {
		if !lost(i) {
			b = append(b, r...)
		}
	}
	return b
}

// query is what makes two query records the same.
type query struct {
	Type, Client string
	SQL          *string
	Params       json.RawMessage
	Results      []struct {
		Tag       *string `json:"command_tag"`
		Rows      uint64
		Suspended bool
	}
	Error    *struct{ SQLState string }
	Complete bool
}

func (q query) facts() string {
	q.Complete = true
	b, _ := json.Marshal(q)
	return string(b)
}

// queries runs a build of pgsniff on a file.
func queries(exe string, file []byte) []query {
	cmd := exec.Command(exe, "read", "-q", "--json", "--view", "queries", "--max-value-bytes", "0", "--port", ports, "-")
	cmd.Stdin = bytes.NewReader(file)
	out, _ := cmd.Output() // its exit code tells of errors in the capture, too
	var list []query
	for line := range bytes.Lines(out) {
		var q query
		if json.Unmarshal(line, &q) == nil && q.Type == "query" {
			list = append(list, q)
		}
	}
	return list
}

// build is one of the two that are compared, with a capture.
type build struct {
	exe      string
	known    map[string]bool
	complete int
}

func (b *build) whole(c *capture) {
	b.known, b.complete = map[string]bool{}, 0
	for _, q := range queries(b.exe, c.without(func(int) bool { return false })) {
		b.known[q.facts()] = true
		if q.Complete {
			b.complete++
		}
	}
}

// degraded counts the complete records of a file with less in it: those of the whole, and
// those that are not.
func (b *build) degraded(file []byte) (right, wrong int) {
	for _, q := range queries(b.exe, file) {
		switch {
		case !q.Complete:
		case q.SQL != nil && !b.known[q.facts()]:
			wrong++
		default:
			right++
		}
	}
	return right, wrong
}

// row is what the table says of one build.
type row struct {
	wrong, worst int
	mean         float64
	percent      [3]float64
}

var rates = [3]float64{0.001, 0.01, 0.05}

func (b *build) row(c *capture) (r row) {
	b.whole(c)
	runs, step := 0, max(1, len(c.records)/maxRuns)
	for i := 0; i < len(c.records); i += step {
		right, wrong := b.degraded(c.without(func(k int) bool { return k == i }))
		r.wrong += wrong
		r.worst = max(r.worst, b.complete-right)
		r.mean += float64(b.complete - right)
		runs++
	}
	r.mean /= float64(runs)
	for i, rate := range rates {
		sum := 0
		for seed := range uint64(seeds) {
			rnd := rand.New(rand.NewPCG(seed, uint64(i)))
			right, wrong := b.degraded(c.without(func(int) bool { return rnd.Float64() < rate }))
			sum, r.wrong = sum+right, r.wrong+wrong
		}
		r.percent[i] = 100 * float64(sum) / float64(seeds*max(b.complete, 1))
	}
	return r
}

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, usageText)
		os.Exit(2)
	}
	before, now := &build{exe: os.Args[1]}, &build{exe: os.Args[2]}
	fmt.Println("| capture | complete | wrong | fewer, mean | at worst | 0.1 % lost | 1 % | 5 % |")
	fmt.Println("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
	for _, path := range os.Args[3:] {
		c, err := load(path)
		if err != nil {
			fmt.Fprintln(os.Stderr, "truth:", err)
			os.Exit(1)
		}
		b, n := before.row(c), now.row(c)
		fmt.Printf("| `%s` | %d | %d → %d | %.2f → %.2f | %d → %d |", strings.TrimSuffix(filepath.Base(path), ".pcap"),
			now.complete, b.wrong, n.wrong, b.mean, n.mean, b.worst, n.worst)
		for i := range rates {
			fmt.Printf(" %.0f → %.0f %% |", b.percent[i], n.percent[i])
		}
		fmt.Println()
	}
}
