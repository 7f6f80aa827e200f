package app

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"github.com/pgsniff/pgsniff/internal/tlsdecrypt"
)

// secretsTLS is pcapng's type of secrets for an NSS key log.
const secretsTLS = 0x544c534b

// maxKeyWarnings is how many malformed lines of key logs are told of: a file
// that is no key log would have nothing but such lines.
const maxKeyWarnings = 10

// keys are the TLS secrets of a run, of a key log and of the captures.
type keys struct {
	*tlsdecrypt.KeyLog
	warn  func(error)
	named bool // a key log was named

	mu        sync.Mutex // the log of a capture is read where it is used
	malformed uint64     // lines
	lastError string     // of reading the key log again

	toldLeftOut   bool
	toldForgotten bool
}

// openKeys reads the key log, if one is named. Captures may bring secrets of
// their own, so there is always one to add to. For live traffic the file need not
// be there yet, and grows.
func openKeys(path string, live bool, warn func(error)) (*keys, error) {
	k := &keys{warn: warn, named: path != ""}
	k.KeyLog = tlsdecrypt.NewKeyLog(k.warnLine)
	if path == "" {
		return k, nil
	}
	if live {
		k.Grow()
	}
	switch err := k.OpenFile(path); {
	case err == nil:
		k.tellForgotten()
	case live && errors.Is(err, fs.ErrNotExist):
		k.lastError = err.Error()
		warn(fmt.Errorf("--keylog: %w; waiting for it", err))
	default:
		return nil, &exitError{ExitFailure, fmt.Errorf("--keylog: %w", err)}
	}
	return k, nil
}

// source is what the sessions get: nothing where no keys are to come, so that
// they do not wait for them. The traffic may bring some: captures and servers do.
func (k *keys) source(bringsKeys bool) *tlsdecrypt.KeyLog {
	if !bringsKeys && !k.named {
		return nil
	}
	return k.KeyLog
}

func (k *keys) warnLine(w tlsdecrypt.Warning) {
	k.mu.Lock()
	k.malformed++
	n := k.malformed
	k.mu.Unlock()
	if n <= maxKeyWarnings {
		k.warn(errors.New(w.String()))
	}
}

// tellForgotten says once that there are more secrets than are kept.
func (k *keys) tellForgotten() {
	if k.toldForgotten || k.Forgotten() == 0 {
		return
	}
	k.toldForgotten = true
	k.warn(fmt.Errorf("there are TLS secrets for more than %d connections; those that came first are forgotten, and their connections cannot be decrypted", tlsdecrypt.MaxConnections))
}

// finish tells of the malformed lines that were passed over in silence.
func (k *keys) finish() {
	k.tellForgotten()
	k.mu.Lock()
	defer k.mu.Unlock()
	if n := k.malformed; n > maxKeyWarnings {
		k.warn(fmt.Errorf("%s of key logs more", plural(n-maxKeyWarnings, "malformed line")))
		k.malformed = 0
	}
}

// refresh reads what was added to the key log. An error is told once.
func (k *keys) refresh() {
	text := ""
	if err := k.Refresh(); err != nil {
		if text = err.Error(); text != k.lastError {
			k.warn(fmt.Errorf("--keylog: %w", err))
		}
	}
	k.lastError = text
	k.tellForgotten()
}

// addSecrets takes decryption secrets of a capture, in the order of its packets.
func (r *run) addSecrets(kind uint32, data []byte) {
	if kind != secretsTLS {
		return
	}
	if r.keep != nil && r.keep.out != nil && !r.opt.kept.embedKeys && !r.keys.toldLeftOut {
		r.keys.toldLeftOut = true
		r.warn(errors.New("the capture holds TLS secrets; they are not written to -w without --embed-keys"))
	}
	data = bytes.Clone(data)
	r.analyzer.Keys(func() {
		r.keys.Grow() // where there are some, there are more
		r.keys.Embedded(data)
	})
}

// embedKeys writes the secrets that have decrypted something since it was last
// called to the file of packets, if that was asked for.
func (r *run) embedKeys() error {
	if r.keep == nil || !r.opt.kept.embedKeys {
		return nil
	}
	return r.keep.secrets(r.keys.TakeUsed())
}

// lockedWriter is for standard error, to which both stages of the analysis
// write.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

// Write writes b at once.
func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}
