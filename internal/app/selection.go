package app

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pgsniff/pgsniff/internal/selection"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/replication"
)

// selectionFlags say what is shown. What is not shown is tracked all the same.
type selectionFlags struct {
	span        *span // nil for live
	types       []string
	users       []string
	databases   []string
	apps        []string
	clients     []string
	conns       []string
	minDuration time.Duration
	errors      bool
	grep        string
}

func (f *selectionFlags) add(cmd *cobra.Command) {
	s := cmd.Flags()
	s.StringSliceVar(&f.types, "type", nil, "show only messages of the names in `LIST` (Query,ErrorResponse)")
	s.StringSliceVar(&f.users, "user", nil, "show only connections of the users in `LIST`")
	s.StringSliceVar(&f.databases, "database", nil, "show only connections to the databases in `LIST`")
	s.StringSliceVar(&f.apps, "app", nil, "show only connections with the application_names in `LIST`")
	s.StringSliceVar(&f.clients, "client", nil, "show only connections from the addresses in `LIST` (10.0.0.7, 10.0.0.0/8 or 10.0.0.7:51950)")
	s.StringSliceVar(&f.conns, "conn", nil, "show only connections with the numbers in `LIST`")
	s.DurationVar(&f.minDuration, "min-duration", 0, "show only queries that took at least `D` (250ms), and their messages")
	s.BoolVar(&f.errors, "errors", false, "show only errors: failed queries, ErrorResponse messages")
	s.StringVar(&f.grep, "grep", "", "show only what the regular expression `RE` matches in SQL, values and texts")
}

func (f *selectionFlags) check() error {
	if f.span == nil {
		return nil
	}
	return f.span.check()
}

func (f *selectionFlags) compile() (s *selection.Selection, err error) {
	s = &selection.Selection{
		Users: set(f.users), Databases: set(f.databases), Apps: set(f.apps),
		MinDuration: int64(f.minDuration), Errors: f.errors,
	}
	if f.span != nil && f.span.from.set {
		s.Within = f.span.has
	}
	if f.minDuration < 0 {
		return nil, usageError("--min-duration %s: must not be negative", f.minDuration)
	}
	if len(f.types) > 0 {
		s.Kinds = new([messages.NumKinds]bool)
		for _, name := range f.types {
			if k, ok := replicationKind(name); ok {
				if s.Replicated == nil {
					s.Replicated = new([replication.NumKinds]bool)
				}
				s.Replicated[k] = true
				continue
			}
			k, ok := kindByName(name)
			if !ok {
				return nil, usageError("--type %s: no such message; names are those of PostgreSQL's manual, such as Query, DataRow, ErrorResponse", name)
			}
			s.Kinds[k] = true
		}
	}
	for _, c := range f.conns {
		n, err := strconv.ParseUint(strings.TrimPrefix(c, "#"), 10, 64)
		if err != nil {
			return nil, usageError("--conn %s: must be a connection's number", c)
		}
		if s.Conns == nil {
			s.Conns = make(map[uint64]bool)
		}
		s.Conns[n] = true
	}
	if s.Clients, err = selection.ParseAddresses(f.clients); err != nil {
		return nil, usageError("%v", err)
	}
	if f.grep != "" {
		re, err := regexp.Compile(f.grep)
		if err != nil {
			return nil, usageError("--grep: %v", err)
		}
		s.Grep = re
	}
	return s, nil
}

// set returns the names of a list, nil for none.
func set(list []string) map[string]bool {
	if len(list) == 0 {
		return nil
	}
	m := make(map[string]bool, len(list))
	for _, v := range list {
		m[v] = true
	}
	return m
}

func kindByName(name string) (messages.Kind, bool) {
	for k := range messages.NumKinds {
		if strings.EqualFold(messages.Kind(k).String(), name) {
			return messages.Kind(k), true
		}
	}
	return 0, false
}

// replicationKind finds a message inside CopyData by its name; XLogData is another
// name of WALData. Names of the protocol's own messages come first.
func replicationKind(name string) (replication.Kind, bool) {
	if _, ok := kindByName(name); ok {
		return 0, false
	}
	if strings.EqualFold(name, "XLogData") {
		return replication.KindWALData, true
	}
	for k := replication.KindUnknown + 1; k < replication.NumKinds; k++ {
		if strings.EqualFold(k.String(), name) {
			return k, true
		}
	}
	return 0, false
}
