package screen

import (
	"testing"

	"github.com/charmbracelet/x/ansi"
)

// TestWidth holds that what width knows itself is what the tables of Unicode say.
func TestWidth(t *testing.T) {
	for r := rune(' '); r < 0x3000; r++ {
		for _, text := range []string{string(r), "a" + string(r) + "b", string(r) + "\u0301", string(r) + "\ufe0f", "µ" + string(r) + "█"} {
			if got, want := width(text), ansi.StringWidth(text); got != want {
				t.Errorf("%q is %d wide, not %d", text, got, want)
			}
		}
	}
}
