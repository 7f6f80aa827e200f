package app

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	fence   = regexp.MustCompile("(?ms)^```.*?^```$")
	code    = regexp.MustCompile("`[^`\n]*`")
)

// TestLinks wants every link of the pages to lead to a file that is there, and to a
// heading in it. Links to other sites are only looked at: tests have no network.
func TestLinks(t *testing.T) {
	list := pages(t)
	for _, name := range []string{"ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"} {
		list = append(list, filepath.Join("../..", name))
	}
	found := 0
	for _, page := range list {
		text := fence.ReplaceAllString(readPage(t, page), "")
		for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(text, ""), -1) {
			found++
			checkLink(t, page, m[1])
		}
	}
	if found < 20 {
		t.Errorf("only %d links were found", found)
	}
}

func checkLink(t *testing.T, page, to string) {
	t.Helper()
	if strings.Contains(to, "://") {
		if !strings.HasPrefix(to, "https://") {
			t.Errorf("%s: %s is not https", page, to)
		}
		return
	}
	path, anchor, _ := strings.Cut(to, "#")
	file := page
	if path != "" {
		file = filepath.Join(filepath.Dir(page), path)
	}
	if _, err := os.Stat(file); err != nil {
		t.Errorf("%s: %s leads nowhere: %v", page, to, err)
		return
	}
	if anchor == "" {
		return
	}
	for _, h := range heading.FindAllStringSubmatch(fence.ReplaceAllString(readPage(t, file), ""), -1) {
		if anchorOf(h[1]) == anchor {
			return
		}
	}
	t.Errorf("%s: %s has no heading for #%s", page, file, anchor)
}

// anchorOf makes of a heading what links to it say.
func anchorOf(h string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(h) {
		switch {
		case r == ' ':
			b.WriteByte('-')
		case r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r > 127:
			b.WriteRune(r)
		}
	}
	return b.String()
}
