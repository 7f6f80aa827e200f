package app

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/pgsniff/pgsniff/internal/attach"
)

// serverRecord is a PostgreSQL server of this host as JSON.
type serverRecord struct {
	Type      string   `json:"type"` // of the record
	PID       int      `json:"pid"`
	Version   string   `json:"server_version,omitempty"`
	Program   string   `json:"program"`
	DataDir   string   `json:"data_directory,omitempty"`
	Addresses []string `json:"addresses"`
	Sockets   []string `json:"sockets"`
	Container bool     `json:"container,omitempty"`
	// Attach tells that --attach can read from it, Problem why it cannot.
	Attach bool `json:"attach"`
	// Times tells that it says what its work took, too (query records' server_times).
	Times   bool   `json:"server_times,omitempty"`
	Problem string `json:"problem,omitempty"`
}

// writeServers lists the servers of this host.
func writeServers(w io.Writer, list []attach.Server, asJSON bool) error {
	records := make([]serverRecord, 0, len(list))
	for _, s := range list {
		records = append(records, serverRecord{
			Type: "server", PID: s.PID, Version: s.Version, Program: s.Path, DataDir: s.DataDir,
			Addresses: append([]string{}, s.Listens...), Sockets: append([]string{}, s.Sockets...),
			Container: s.Elsewhere, Attach: s.Problem == "", Times: s.Timed && s.Problem == "", Problem: s.Problem,
		})
	}
	if !asJSON {
		return writeServerTable(w, records)
	}
	e := json.NewEncoder(w)
	for i := range records {
		if err := e.Encode(&records[i]); err != nil {
			return err
		}
	}
	return nil
}

func writeServerTable(w io.Writer, records []serverRecord) error {
	if len(records) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\nSERVER\tVERSION\tLISTENS ON\tWHAT CAN BE SEEN")
	for i := range records {
		r := &records[i]
		version := r.Version
		if version == "" {
			version = "-"
		}
		places := strings.Join(append(r.Addresses[:len(r.Addresses):len(r.Addresses)], r.Sockets...), ", ")
		if places == "" {
			places = "-"
		}
		if r.Container {
			places += " (in a container)"
		}
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\n", r.PID, version, places, r.seen())
	}
	return t.Flush()
}

// seen says what can be seen of a server, and how.
func (r *serverRecord) seen() string {
	if r.Problem != "" {
		return "packets with -i; not its plaintext: " + r.Problem
	}
	times := ""
	if r.Times {
		times = ", and where its time goes"
	}
	return fmt.Sprintf("TLS, GSS and Unix sockets%s, with --attach=%d", times, r.PID)
}
