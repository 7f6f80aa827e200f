package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// releaseLog makes what a changelog has under Unreleased part of a version, whose heading
// gets the date. A version that has a section already, as the first one has while it is
// being written, is added to.
func releaseLog(path, version string, at time.Time) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	const unreleased = "\n## Unreleased\n"
	before, rest, ok := strings.Cut(string(b), unreleased)
	if !ok {
		return fmt.Errorf("%s has no heading Unreleased", path)
	}
	fresh, older, _ := strings.Cut(rest, "\n## ")
	fresh = strings.TrimSpace(fresh)
	section, others, more := "", older, older != ""
	if name, _, _ := strings.Cut(older, " "); name == version {
		section, others, more = strings.Cut(older, "\n## ")
		_, section, _ = strings.Cut(section, "\n")
		section = strings.TrimSpace(section)
	}
	text := strings.TrimSpace(section + "\n" + fresh)
	if text == "" {
		return fmt.Errorf("%s says nothing of what is new in %s", path, version)
	}
	out := before + unreleased + "\n## " + version + " - " + at.Format(time.DateOnly) + "\n\n" + text + "\n"
	if more {
		out += "\n## " + others
	}
	return os.WriteFile(path, []byte(out), 0o644)
}
