// Package app is the command line: cobra commands, their options, and the way
// from a capture source to a writer. Streams, clock and terminal are injected,
// so that tests run commands as a user would.
package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/pgsniff/pgsniff/internal/render"
)

// Exit codes of the program; docs/cli.md lists them.
const (
	ExitOK        = 0
	ExitFailure   = 1 // could not do it; what was before the fault is printed
	ExitUsage     = 2
	ExitViolation = 3 // --strict and something broke the protocol
	ExitCheck     = 4 // check found what it forbids
)

// memoryLimit is where the collector begins to work harder, in bytes.
const memoryLimit = 192 << 20

// Env is what commands have from outside.
type Env struct {
	In       io.Reader
	Out, Err io.Writer
	Getenv   func(string) string
	args     []string // of the command line
	Now      func() time.Time
	// Width returns the columns of the terminal that Out is, 0 if it is none.
	Width func() int
	// ErrTerminal tells that Err is a terminal.
	ErrTerminal bool
	// BecomeCapturing, if not nil, starts the program that may capture in place of
	// this one, where there is one. It returns where there is none.
	BecomeCapturing func(attach bool)
	// again reads the command line, the environment and the configuration file once more.
	again func() (*parsed, error)
}

// Main runs the program on the process's own streams and returns its exit code.
func Main() int {
	// Writing to a closed pipe is to return an error, not to kill the process:
	// files of packets must be ended.
	signal.Ignore(syscall.SIGPIPE)
	// Garbage must not double the largest buffers of a hostile compressed file.
	debug.SetMemoryLimit(memoryLimit)
	collectLater()
	env := &Env{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Now: time.Now,
		Width:       func() int { return terminalWidth(os.Stdout) },
		ErrTerminal: term.IsTerminal(int(os.Stderr.Fd())), BecomeCapturing: becomeCapturing,
	}
	return Run(env, os.Args[1:])
}

// firstCollection is the percentage of the collector's least heap, 4 MB, at which the
// first collection comes.
const firstCollection = 500

// collectLater has the first collection come later than usual: what a run makes at its
// beginning, tables and buffers, stays to its end, and most runs over a file make little
// more. After it the collector works as it always does.
func collectLater() {
	usual := debug.SetGCPercent(firstCollection)
	if usual < 0 { // GOGC=off
		debug.SetGCPercent(usual)
		return
	}
	runtime.AddCleanup(new([32]byte), func(percent int) { debug.SetGCPercent(percent) }, usual)
}

func terminalWidth(f *os.File) int {
	if !term.IsTerminal(int(f.Fd())) {
		return 0
	}
	w, _, err := term.GetSize(int(f.Fd()))
	if err != nil || w <= 0 {
		return 80
	}
	return w
}

// exitError carries an exit code; its message has been printed if it is empty.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func usageError(format string, args ...any) error {
	return &exitError{ExitUsage, fmt.Errorf(format, args...)}
}

// Run runs the program with arguments and returns its exit code.
func Run(env *Env, args []string) int {
	own := *env
	own.args = args
	root := newRoot(&own)
	var p *parsed
	err := mistyped(root, args)
	if err == nil {
		args = implied(root, args)
	}
	if err == nil && maySet(env, root, args) {
		p, err = parse(env, args)
	}
	if p != nil {
		own.again = func() (*parsed, error) { return parse(env, args) }
		root.SetArgs(p.args)
	} else {
		root.SetArgs(args)
	}
	if err == nil {
		err = root.Execute()
	}
	if err == nil {
		return ExitOK
	}
	if isClosedPipe(err) {
		return ExitOK
	}
	code := ExitUsage // what cobra itself refuses is wrong usage
	var e *exitError
	if errors.As(err, &e) {
		code = e.code
	}
	if msg := err.Error(); msg != "" {
		if e == nil {
			err = linedError{err} // cobra makes suggestions, a line each
		}
		fmt.Fprintf(env.Err, "pgsniff: %s\n", visible(err))
	}
	return code
}

// visible is the text of an error as it may be shown on a terminal: on one line, since it
// may have names of others in it, unless it is an error whose own text has several.
func visible(err error) string {
	var several interface {
		error
		Lined()
	}
	if !errors.As(err, &several) {
		return render.Visible(err.Error())
	}
	lines := strings.Split(err.Error(), "\n")
	for i := range lines {
		lines[i] = render.Visible(lines[i])
	}
	return strings.Join(lines, "\n")
}

// linedError marks the error of another package as one with several lines.
type linedError struct{ error }

func (linedError) Lined() {}

// isClosedPipe reports whether the reader of our output has gone: the end of
// the work, not an error.
func isClosedPipe(err error) bool {
	return errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe)
}

// Root returns the command of the program, for those who make pages of it.
func Root() *cobra.Command {
	return newRoot(&Env{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard, Getenv: func(string) string { return "" }, Now: time.Now, Width: func() int { return 0 }})
}

func newRoot(env *Env) *cobra.Command {
	root := &cobra.Command{
		Use:   "pgsniff",
		Short: "See what PostgreSQL clients and servers say to each other",
		Long: `pgsniff decodes the PostgreSQL protocol from live traffic or capture files and
prints the annotated message flow, the queries with their times and results,
the connections, or totals; as text, or as JSON for jq.

pgsniff FILE… is pgsniff read FILE….`,
		Example: `  pgsniff day.pcap
  pgsniff day.pcap --view stats
  sudo pgsniff live -i any --view queries`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if asked, _ := cmd.Flags().GetBool("version"); asked {
				_, err := fmt.Fprintln(env.Out, versionLine())
				return err
			}
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return cmd.Help()
		},
	}
	root.SetIn(env.In)
	root.SetOut(env.Out)
	root.SetErr(env.Err)
	root.AddCommand(newRead(env), newLive(env), newDiagnose(env), newCheck(env), newCompare(env), newReport(env), newTop(env), newBrowse(env), newInterfaces(env), newConfig(env), newMerge(env), newVersion(env))
	addHelp(root)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	root.ValidArgsFunction = filesToo
	for _, c := range root.Commands() {
		if c.Name() == "help" {
			c.ValidArgsFunction = helped
		}
		if c.Name() == "completion" || c.Name() == "help" {
			refuseUnknown(c)
		}
		if completes(env.args) {
			addCompletion(c)
		}
	}
	return root
}

func unknownCommand(root *cobra.Command, name string) error {
	if len(name) < 4 {
		root.SuggestionsMinimumDistance = 1 // of short words, most are near to each other
	}
	if near := root.SuggestionsFor(name); len(near) > 0 {
		return usageError("unknown command %q; did you mean %s?", name, strings.Join(near, " or "))
	}
	return usageError("unknown command %q, and no such file; pgsniff help lists the commands", name)
}

// mistyped refuses a first argument that is no file and near to a command's name.
func mistyped(root *cobra.Command, args []string) error {
	if len(args) < 2 || strings.HasPrefix(args[0], "-") || isCommand(root, args[0]) || namesFile(args[0]) {
		return nil
	}
	err := unknownCommand(root, args[0])
	if strings.Contains(err.Error(), "did you mean") {
		return err
	}
	return nil
}

// refuseUnknown makes a name that one of cobra's own commands does not know
// wrong usage: cobra shows help instead.
func refuseUnknown(c *cobra.Command) {
	run := c.Run
	c.Run = nil
	c.Args = cobra.ArbitraryArgs
	c.RunE = func(cmd *cobra.Command, args []string) error {
		among := cmd
		if cmd.Name() == "help" {
			among = cmd.Root()
		}
		if len(args) > 0 && !slices.ContainsFunc(among.Commands(), func(s *cobra.Command) bool { return s.Name() == args[0] }) {
			return usageError("%s %s: must be one of %s", cmd.Name(), args[0], strings.Join(names(among), ", "))
		}
		if run == nil {
			return cmd.Help()
		}
		run(cmd, args)
		return nil
	}
}

// names lists a command's subcommands.
func names(c *cobra.Command) (list []string) {
	for _, s := range c.Commands() {
		list = append(list, s.Name())
	}
	return list
}
