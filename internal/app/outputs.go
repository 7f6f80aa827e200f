package app

import (
	"encoding/csv"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/pgsniff/pgsniff/internal/metrics"
	"github.com/pgsniff/pgsniff/internal/otlp"
	"github.com/pgsniff/pgsniff/internal/sink"
)

// outputSpec is one output of a run: what is shown, how, and where.
type outputSpec struct {
	views  []string
	format string
	to     string // path; empty for standard output
	chosen bool   // --view was given
	any    bool   // --view or -o was given
	flag   string // that said to; empty: --to
}

// view reports whether a view was asked for.
func (s *outputSpec) view(name string) bool { return slices.Contains(s.views, name) }

// handsOn is what views hand on that derive nothing.
func (s *outputSpec) handsOn() (w sink.Wants) {
	for i := range registeredViews {
		if v := &registeredViews[i]; s.view(v.Name) {
			w = w.Or(v.Of)
		}
	}
	return w
}

// builtin reports whether the format is one of those that know the built-in views
// of themselves.
func (s *outputSpec) builtin() bool { return slices.Contains(builtinFormats, s.format) }

// byLine reports whether each line of the format stands alone, so that some can be left out.
func (s *outputSpec) byLine() bool { return s.format == "json" || s.format == otlp.Name }

// outputFlags collect --view, -o, --json and --to in the order of the command
// line: --to ends an output and says where it goes.
type outputFlags struct {
	specs []outputSpec // ended by --to
	last  outputSpec   // what came after
	usual string       // the view where --view is not given; empty: messages
	// Short forms of -o NAME --to PLACE, which stand beside the others.
	otlp    string
	metrics string

	views   map[string]sink.OpenView // of the registry, once their flags are set
	outputs map[string]sink.OpenOutput
}

func (o *outputFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.VarP(&formatFlag{o}, "output", "o", "print in this `FORMAT`: pretty or json (one JSON object a line)"+registeredHelp(formatNames()[len(builtinFormats):]))
	f.Var(&jsonFlag{o}, "json", "short for -o json")
	f.Lookup("json").NoOptDefVal = "true"
	f.Var(&viewFlag{o}, "view", "what to print, a `LIST` of "+strings.Join(viewNames(), ", "))
	f.Var(&toFlag{o}, "to", "where the --view and -o before it go instead of standard output: `PATH`; more may follow for further outputs")
	f.StringVar(&o.otlp, "otlp", "", "send OpenTelemetry spans and metrics to the collector at `URL` (http://host:4318): -o otlp --to URL")
	f.StringVar(&o.metrics, "metrics", "", "serve metrics for Prometheus at `ADDRESS` (127.0.0.1:9187): -o metrics --to ADDRESS")
	o.views, o.outputs = make(map[string]sink.OpenView), make(map[string]sink.OpenOutput)
	for i := range registeredViews {
		if v := &registeredViews[i]; v.Setup != nil {
			o.views[v.Name] = v.Setup(f)
		}
	}
	for _, v := range registeredOutputs {
		o.outputs[v.Name] = v.Setup(f)
	}
}

// check has nothing to refuse: what an output cannot be is told when all are known.
func (o *outputFlags) check() error { return nil }

func registeredHelp(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return ", " + strings.Join(names, ", ")
}

// all returns the outputs of the run with what was left to defaults.
func (o *outputFlags) all() ([]outputSpec, error) {
	list := slices.Clone(o.specs)
	short := o.short()
	if o.last.any || len(list) == 0 && len(short) == 0 {
		list = append(list, o.last)
	}
	list = append(list, short...)
	for i := range list {
		s := &list[i]
		if s.format == "" {
			s.format = "pretty"
		}
		if err := oneOf("output", s.format, formatNames()...); err != nil {
			return nil, err
		}
		if s.to == "-" {
			s.to = ""
		}
		for _, other := range list[:i] {
			if other.to == s.to {
				return nil, usageError("two outputs would go to %s: --to PATH says where the --view and -o before it go", place(s.to))
			}
		}
		if o.usual != "" && !s.chosen && s.builtin() {
			s.views, s.chosen = []string{o.usual}, true
		}
		if err := s.complete(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// short returns the outputs that flags of their own ask for. Alone, they leave standard
// output empty.
func (o *outputFlags) short() (list []outputSpec) {
	if o.otlp != "" {
		list = append(list, outputSpec{format: otlp.Name, to: o.otlp, any: true})
	}
	if o.metrics != "" {
		list = append(list, outputSpec{format: metrics.Name, to: o.metrics, any: true})
	}
	return list
}

// complete fills in the views, and refuses those that the format does not have.
func (s *outputSpec) complete() error {
	allowed := viewNames()
	if s.builtin() {
		if !s.chosen {
			s.views = []string{"messages"}
		}
	} else if own := outputNamed(s.format).Views; len(own) > 0 {
		allowed = own
		if !s.chosen {
			s.views = own[:1]
		}
	}
	for _, v := range s.views {
		if err := oneOf("view", v, viewNames()...); err != nil {
			return err
		}
		if !slices.Contains(allowed, v) {
			return usageError("--view %s: -o %s has %s", v, s.format, strings.Join(allowed, ", "))
		}
	}
	if !s.builtin() && s.view(viewStats.Name) {
		return usageError("--view stats: -o %s does not have it", s.format)
	}
	return nil
}

func outputNamed(name string) *sink.Output {
	for i := range registeredOutputs {
		if registeredOutputs[i].Name == name {
			return &registeredOutputs[i]
		}
	}
	return nil
}

func place(to string) string {
	if to == "" {
		return "standard output"
	}
	return to
}

// viewFlag is --view.
type viewFlag struct{ o *outputFlags }

func (v *viewFlag) String() string {
	if v.o == nil || len(v.o.last.views) == 0 {
		return "[messages]"
	}
	return "[" + strings.Join(v.o.last.views, ",") + "]"
}

// Type is that of lists, for --help.
func (v *viewFlag) Type() string { return "strings" }

// Set adds to the views of the output.
func (v *viewFlag) Set(s string) error {
	names := []string{}
	if s != "" {
		var err error
		if names, err = csv.NewReader(strings.NewReader(s)).Read(); err != nil {
			return err
		}
	}
	l := &v.o.last
	l.views = append(l.views, names...)
	l.chosen, l.any = true, true
	return nil
}

// formatFlag is -o.
type formatFlag struct{ o *outputFlags }

func (v *formatFlag) String() string {
	if v.o == nil || v.o.last.format == "" {
		return "pretty"
	}
	return v.o.last.format
}

// Type is that of texts, for --help.
func (v *formatFlag) Type() string { return "string" }

// Set sets the format of the output; the last one counts.
func (v *formatFlag) Set(s string) error {
	v.o.last.format, v.o.last.any = s, true
	return nil
}

// jsonFlag is --json.
type jsonFlag struct{ o *outputFlags }

func (v *jsonFlag) String() string { return "false" }

// Type is that of switches, for --help.
func (v *jsonFlag) Type() string { return "bool" }

// IsBoolFlag tells that it takes no value.
func (v *jsonFlag) IsBoolFlag() bool { return true }

// Set sets the format.
func (v *jsonFlag) Set(s string) error {
	on, err := strconv.ParseBool(s)
	if on {
		v.o.last.format, v.o.last.any = "json", true
	}
	return err
}

// toFlag is --to.
type toFlag struct{ o *outputFlags }

func (v *toFlag) String() string { return "" }

// Type is that of texts, for --help.
func (v *toFlag) Type() string { return "string" }

// Set ends the output.
func (v *toFlag) Set(s string) error {
	o := v.o
	if s == "" {
		return usageError("must be a path, or - for standard output")
	}
	if !o.last.any && len(o.specs) > 0 {
		return usageError("no --view or -o says what is to go there")
	}
	o.last.to = s
	o.specs = append(o.specs, o.last)
	o.last = outputSpec{}
	return nil
}
