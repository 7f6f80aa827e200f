package findings

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// constantsSlowly finds the constants of a text byte by byte.
func constantsSlowly(e *Engine, sql []byte) (list []uint64) {
	word := func(c byte) bool {
		return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
	}
	for i := 0; i < len(sql) && len(list) < maxValues; {
		from := i
		switch c := sql[i]; {
		case c == '\'' || c == '"':
			for i++; i < len(sql) && sql[i] != c; i++ {
			}
			if c == '\'' {
				list = append(list, e.number(sql[from+1:i], 0))
			}
			i++
		case c >= '0' && c <= '9':
			for i < len(sql) && (word(sql[i]) || sql[i] == '.') {
				i++
			}
			list = append(list, e.number(sql[from:i], 0))
		case word(c):
			for i < len(sql) && word(sql[i]) {
				i++
			}
		default:
			i++
		}
	}
	return list
}

// TestConstants compares the constants of texts with those found byte by byte.
func TestConstants(t *testing.T) {
	e, rng := New(Options{}), rand.New(rand.NewPCG(3, 1))
	parts := []string{"select ", "a1", "t.c2_0", " 12", "3.5e7", "-4", "$1", "'x 9'", "'it''s'", "'", `"t 5"`, `"`, "=", ".", ",7", "é8", "\x00", " ", "x", "0"}
	for range 20_000 {
		var sql []byte
		for range rng.IntN(14) {
			sql = append(sql, parts[rng.IntN(len(parts))]...)
		}
		e.values = e.values[:0]
		if e.constants(sql); !slices.Equal(e.values, constantsSlowly(e, sql)) {
			t.Fatalf("%q: %x, not %x", sql, e.values, constantsSlowly(e, sql))
		}
	}
}
