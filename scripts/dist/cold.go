package main

// cold are packages in which next to no time is spent, as patterns of the go command: the
// command line, of which a call or two are made for a message, the screen, what is asked or
// opened once, and cryptography by public keys. They are built without inlining, which
// takes some 0.9 MB from the program, most of them of the tables for stack traces. All
// else is inlined as ever. Whoever calls a function of these packages calls it, so none may
// be here whose functions are small and called for each packet: encoding/binary, time.
var cold = []string{
	"github.com/pgsniff/pgsniff/internal/app", "github.com/pgsniff/pgsniff/internal/attach",
	"github.com/pgsniff/pgsniff/internal/check", "github.com/pgsniff/pgsniff/internal/compare",
	"github.com/pgsniff/pgsniff/internal/flow",
	"github.com/pgsniff/pgsniff/internal/inside", "github.com/pgsniff/pgsniff/internal/overview",
	"github.com/pgsniff/pgsniff/internal/privilege", "github.com/pgsniff/pgsniff/internal/report",
	"github.com/pgsniff/pgsniff/internal/screen", "github.com/pgsniff/pgsniff/internal/sqlscript",
	"github.com/pgsniff/pgsniff/internal/timeline", "github.com/pgsniff/pgsniff/internal/transactions",
	"github.com/pgsniff/pgsniff/internal/walfile", "github.com/pgsniff/pgsniff/internal/zoneinfo",

	"charm.land/...", "github.com/atotto/...", "github.com/BurntSushi/...", "github.com/charmbracelet/...",
	"github.com/cilium/...", "github.com/clipperhouse/...", "github.com/fatih/...", "github.com/lucasb-eyer/...",
	"github.com/mattn/...", "github.com/muesli/...", "github.com/rivo/...", "github.com/spf13/...",
	"github.com/xo/...", "golang.org/x/sync/...", "golang.org/x/term",

	"compress/...", "crypto", "crypto/ecdh", "crypto/ecdsa", "crypto/ed25519", "crypto/elliptic", "crypto/hpke",
	"crypto/internal/fips140/bigmod", "crypto/internal/fips140/drbg", "crypto/internal/fips140/ecdh",
	"crypto/internal/fips140/ecdsa", "crypto/internal/fips140/ed25519", "crypto/internal/fips140/edwards25519/...",
	"crypto/internal/fips140/mlkem", "crypto/internal/fips140/nistec/...", "crypto/internal/fips140/rsa",
	"crypto/rand", "crypto/rsa", "crypto/tls/...", "crypto/x509/...",
	"debug/...", "encoding/asn1", "encoding/base64", "encoding/csv", "encoding/hex", "encoding/json", "encoding/pem",
	"encoding/xml", "fmt", "image/...", "internal/zstd", "io/fs", "log/...", "math/big", "math/rand", "math/rand/v2",
	"mime/...", "net/...", "os", "os/exec", "os/signal", "os/user", "path/filepath", "reflect", "regexp/...", "text/...",
	"vendor/...",
}

// shapes is the length from which on the name of a generic function has a hash in place of
// the types it is made for: names of 500 bytes take 70 kB.
const shapes = "-d=maxshapelen=60"

// alignment is that of functions, in bytes. 16 is what all other processors have; the 32
// that is usual for amd64 takes 0.15 MB of padding. Loops that the profile says are hot are
// aligned within their functions, and those with them.
const alignment = "-funcalign=16"

// sizeFlags are the arguments of go build for the size of the program.
func sizeFlags() []string {
	flags := []string{"-gcflags=all=" + shapes}
	for _, pattern := range cold {
		flags = append(flags, "-gcflags="+pattern+"=-l "+shapes) // the last pattern that matches counts alone
	}
	return flags
}
