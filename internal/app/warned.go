package app

import (
	"slices"
	"sync"
)

// warned keeps what a run warned of, for outputs that tell what is missing. Anybody may
// warn.
type warned struct {
	mu    sync.Mutex
	texts []string
}

// maxWarned is how many different warnings are kept: more are hardly read.
const maxWarned = 20

func (w *warned) add(err error) {
	text := visible(err)
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.texts) < maxWarned && !slices.Contains(w.texts, text) {
		w.texts = append(w.texts, text)
	}
}

// list returns what was warned of so far.
func (w *warned) list() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.texts)
}
