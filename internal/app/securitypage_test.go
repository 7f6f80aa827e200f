package app

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestSecurityPage: the page's numbers of conversations are those of the tests.
func TestSecurityPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "security.md"))
	if err != nil {
		t.Fatal(err)
	}
	all, most := allAttacks(), 0
	for i := range all {
		most = max(most, len(all[i].say))
	}
	for _, want := range []string{
		fmt.Sprintf("| %d conversations of one to %d requests;", len(all), most),
		fmt.Sprintf("| %d conversations of up to", len(slices.Concat(harmless, harmlessDaily))),
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("docs/security.md has not %q", want)
		}
	}
}
