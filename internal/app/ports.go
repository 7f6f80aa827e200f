package app

import (
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// portFlags say which connections are taken for PostgreSQL's.
type portFlags struct {
	Ports        []string
	AnyPort      bool
	portsChanged bool // --port was given
}

func (f *portFlags) add(cmd *cobra.Command) {
	s := cmd.Flags()
	s.StringSliceVar(&f.Ports, "port", []string{"5432"}, "server ports, a `LIST` with ranges (5432,6432-6435)")
	s.BoolVar(&f.AnyPort, "any-port", false, "take PostgreSQL on all ports; with live, and without -f, capture all TCP")
}

func (f *portFlags) notice(given func(string) bool) { f.portsChanged = given("port") }

// unlessNamed adds a port, unless the user has said which ones are meant.
func (f *portFlags) unlessNamed(port string) {
	if !f.portsChanged && !slices.Contains(f.Ports, port) {
		f.Ports = append(f.Ports, port)
	}
}

func (f *portFlags) check() error {
	_, err := f.ports()
	return err
}

// ports reads the list of ports and ranges.
func (f *portFlags) ports() (list []uint16, err error) {
	for _, p := range f.Ports {
		lo, hi, isRange := strings.Cut(strings.TrimSpace(p), "-")
		a, err1 := strconv.ParseUint(lo, 10, 16)
		b := a
		var err2 error
		if isRange {
			b, err2 = strconv.ParseUint(hi, 10, 16)
		}
		if err1 != nil || err2 != nil || b < a || a == 0 {
			return nil, usageError("--port %s: must be a port number or a range", p)
		}
		for n := a; n <= b; n++ {
			list = append(list, uint16(n))
		}
	}
	return list, nil
}
