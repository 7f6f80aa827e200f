package app

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/pgsniff/pgsniff/internal/attach"
	"github.com/pgsniff/pgsniff/internal/capture"
)

func newInterfaces(env *Env) *cobra.Command {
	var output string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "interfaces",
		Short: "List the interfaces that one can capture on, and the servers that one can look into",
		Example: `  pgsniff interfaces
  pgsniff interfaces --json | jq -r 'select(.type == "interface") | .name'`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				output = "json"
			}
			if err := oneOf("output", output, "pretty", "json"); err != nil {
				return err
			}
			list, err := capture.ListInterfaces()
			if err != nil {
				return &exitError{ExitFailure, err}
			}
			servers, err := attach.Find()
			if err != nil {
				return &exitError{ExitFailure, err}
			}
			if err := writeInterfaces(env.Out, list, output == "json"); err != nil {
				return err
			}
			return writeServers(env.Out, servers, output == "json")
		},
	}
	f := cmd.Flags()
	f.StringVarP(&output, "output", "o", "pretty", "print in this `FORMAT`: pretty or json (one JSON object a line)")
	f.BoolVar(&asJSON, "json", false, "short for -o json")
	return cmd
}

// interfaceRecord is one line of JSON.
type interfaceRecord struct {
	Type      string   `json:"type"` // of the record
	Name      string   `json:"name"`
	State     string   `json:"state"`
	Kind      string   `json:"interface_type,omitempty"`
	MTU       int      `json:"mtu,omitempty"`
	Hardware  string   `json:"hardware_address,omitempty"`
	Addresses []string `json:"addresses"`
}

func writeInterfaces(w io.Writer, list []capture.InterfaceInfo, asJSON bool) error {
	records := make([]interfaceRecord, 0, len(list)+1)
	for _, i := range list {
		r := interfaceRecord{
			Type: "interface", Name: i.Name, State: i.State.String(), Kind: i.Type, MTU: i.MTU,
			Hardware: i.Hardware.String(), Addresses: i.Addresses,
		}
		if r.Addresses == nil {
			r.Addresses = []string{}
		}
		records = append(records, r)
	}
	if runtime.GOOS == "linux" {
		records = append(records, interfaceRecord{
			Type: "interface", Name: capture.AnyInterface, State: "up", Kind: "all_interfaces", Addresses: []string{},
		})
	}
	if asJSON {
		e := json.NewEncoder(w)
		for i := range records {
			if err := e.Encode(&records[i]); err != nil {
				return err
			}
		}
		return nil
	}
	return writeInterfaceTable(w, records)
}

func writeInterfaceTable(w io.Writer, records []interfaceRecord) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "NAME\tSTATE\tTYPE\tMTU\tADDRESSES")
	for i := range records {
		r := &records[i]
		mtu := "-"
		if r.MTU > 0 {
			mtu = fmt.Sprint(r.MTU)
		}
		addresses := strings.Join(r.Addresses, ", ")
		if addresses == "" {
			addresses = "-"
		}
		kind := strings.ReplaceAll(r.Kind, "_", " ")
		if kind == "" {
			kind = "-"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", r.Name, strings.ReplaceAll(r.State, "_", " "), kind, mtu, addresses)
	}
	return t.Flush()
}
