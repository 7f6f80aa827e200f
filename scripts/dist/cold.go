package main

// cold are packages in which next to no time is spent, as patterns of the go command: the
// command line, of which a call or two are made for a message, the screen, what is asked or
// opened once, and cryptography by public keys. They are built without inlining, which
// takes some 0.7 MB from the program, most of them of the tables for stack traces. All
// else is inlined as ever.
var cold = []string{
	"github.com/pgsniff/pgsniff/internal/app", "github.com/pgsniff/pgsniff/internal/check",
	"github.com/pgsniff/pgsniff/internal/compare", "github.com/pgsniff/pgsniff/internal/privilege",
	"github.com/pgsniff/pgsniff/internal/screen",

	"charm.land/...", "github.com/atotto/...", "github.com/BurntSushi/...", "github.com/charmbracelet/...",
	"github.com/cilium/...", "github.com/clipperhouse/...", "github.com/fatih/...", "github.com/lucasb-eyer/...",
	"github.com/mitchellh/...", "github.com/muesli/...", "github.com/rivo/...", "github.com/schollz/...",
	"github.com/spf13/...", "github.com/xo/...",

	"compress/...", "crypto", "crypto/internal/fips140/drbg", "crypto/internal/fips140/ecdsa",
	"crypto/internal/fips140/mlkem", "crypto/internal/fips140/rsa", "crypto/tls/...", "crypto/x509/...",
	"debug/...", "encoding/asn1", "encoding/csv", "encoding/json", "encoding/pem", "encoding/xml", "image/...",
	"internal/zstd", "io/fs", "log/...", "math/big", "math/rand", "math/rand/v2", "mime/...", "net/...",
	"os/exec", "os/signal", "os/user", "path/filepath", "regexp/...", "text/...", "vendor/...",
}

// coldFlags are the arguments of go build for them.
func coldFlags() []string {
	flags := make([]string, 0, len(cold))
	for _, pattern := range cold {
		flags = append(flags, "-gcflags="+pattern+"=-l")
	}
	return flags
}
