// Command pgo writes the profile that the compiler optimises pgsniff by
// (https://go.dev/doc/pgo): cmd/pgsniff/default.pgo, which go build and go install
// take by themselves. It runs pgsniff on captures that benchcap makes, in each of the
// ways that benchfiles times.
//
// Usage: go run -trimpath ./scripts/pgo [-dir DIR] [-mb N] [-o FILE]
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/pprof"
	"time"

	"github.com/pgsniff/pgsniff/internal/app"
	"github.com/pgsniff/pgsniff/scripts/captures"
)

// ways are the ways to run pgsniff, each with one goroutine and with all.
var ways = [][]string{
	{"--view", "stats"},
	{"--view", "queries", "--json"},
	{"--json"},
	{},
}

// atLeast is how long each way is repeated: a sample is taken every 10 ms.
const atLeast = 8 * time.Second

func main() {
	dir := flag.String("dir", ".bench", "directory of the captures")
	megabytes := flag.Int("mb", 100, "size of a capture that is made, in megabytes")
	out := flag.String("o", filepath.Join("cmd", "pgsniff", "default.pgo"), "the profile")
	flag.Parse()
	if err := write(*out, *dir, *megabytes); err != nil {
		fmt.Fprintln(os.Stderr, "pgo:", err)
		os.Exit(1)
	}
}

func write(out, dir string, megabytes int) error {
	files, err := captures.Make(dir, megabytes)
	if err != nil {
		return err
	}
	profile, err := os.Create(out + ".new")
	if err != nil {
		return err
	}
	defer profile.Close()
	if err := pprof.StartCPUProfile(profile); err != nil {
		return err
	}
	for _, file := range files {
		for _, way := range ways {
			if err := repeat(append([]string{"read", "-q", file}, way...)); err != nil {
				return err
			}
		}
	}
	pprof.StopCPUProfile()
	if err := profile.Close(); err != nil {
		return err
	}
	return os.Rename(out+".new", out)
}

func repeat(args []string) error {
	env := &app.Env{
		In: os.Stdin, Out: io.Discard, Err: os.Stderr, Now: time.Now,
		Getenv: func(string) string { return "" }, Width: func() int { return 0 },
	}
	for begin := time.Now(); time.Since(begin) < atLeast; {
		for _, workers := range []string{"1", "0"} {
			if code := app.Run(env, append(args, "--workers", workers)); code != app.ExitOK {
				return fmt.Errorf("%v ends with status %d", args, code)
			}
		}
	}
	return nil
}
