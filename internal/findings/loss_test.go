package findings_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/findings"
)

// losses are ways to lose packets: one in n at random, a burst, one host's.
func losses(n int, rng *rand.Rand) map[string]func(int) bool {
	burst := rng.IntN(max(n-1, 1))
	length := 1 + rng.IntN(200)
	every := 2 + rng.IntN(40)
	rare := make([]bool, n)
	for i := range rare {
		rare[i] = rng.IntN(every) == 0
	}
	one := rng.IntN(n)
	return map[string]func(int) bool{
		"one":    func(i int) bool { return i == one },
		"burst":  func(i int) bool { return i >= burst && i < burst+length },
		"random": func(i int) bool { return rare[i] },
		"begin":  func(i int) bool { return i < burst },
		"end":    func(i int) bool { return i > burst },
	}
}

// TestLossInventsNothing wants captures that lack packets to show no illness that
// the whole ones do not have.
func TestLossInventsNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(19, 1))
	all := truths(t)
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		want := all[name]
		list := packets(t, "illness/"+name+".pcap.xz")
		rounds := 1
		if want.Healthy {
			rounds = 3
		}
		for range rounds {
			for how, drop := range losses(len(list), rng) {
				got := diagnose(list, 1, drop)
				for i := range got {
					f := &got[i]
					if f.Code == "refused" && slices.Contains(want.Illnesses, "admin_shutdown") {
						continue // what is left to say where the shutdown itself was lost
					}
					if f.Severity > findings.Info && !slices.Contains(want.Illnesses, f.Code) && !slices.Contains(want.May, f.Code) {
						t.Errorf("%s, %s lost: %s%s", name, how, f.Code, text(got))
					}
				}
			}
		}
	}
}

// TestHealthyClients wants no warning about the captures of healthy clients, but
// for what is a fact of their making: their ways to log in.
func TestHealthyClients(t *testing.T) {
	facts := map[string][]string{
		"auth_md5": {"md5_auth"},
	}
	for _, name := range []string{
		"any_lo_duplicates", "auth_md5", "auth_scram", "base_mix", "client_jdbc", "ipv6", "large_objects", "libpq_extended",
		"libpq_pipeline", "linux_sll", "linux_sll2",
	} {
		for _, f := range diagnose(packets(t, "pcaps/"+name+".pcap"), 1, nil) {
			if f.Severity > findings.Info && !slices.Contains(facts[name], f.Code) {
				t.Errorf("%s: %s: %s", name, f.Code, f.Title)
			}
		}
	}
}

// TestNoSecrets wants no value of the captures in findings: no parameter, constant
// or password, but what an error's text names.
func TestNoSecrets(t *testing.T) {
	for name := range truths(t) {
		for _, f := range diagnose(packets(t, "illness/"+name+".pcap.xz"), 1, nil) {
			for _, q := range f.Queries {
				if strings.Contains(q.Normalized, "'") {
					t.Errorf("%s: %s", name, q.Normalized)
				}
			}
		}
	}
}
