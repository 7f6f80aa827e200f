package app

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/pgsniff/pgsniff/internal/render"
	"github.com/pgsniff/pgsniff/internal/selection"
)

// reloadedFlags are those that count at once when the configuration is read again;
// flags of outputs do, too. All others count from the next start on.
var reloadedFlags = []string{
	"user", "database", "app", "client", "conn", "min-duration", "errors", "grep", "sample", "sort", "top", "otlp", "metrics",
}

// reload reads the configuration again, if that was asked for: between two packets.
// What cannot be leaves everything as it is.
func (r *run) reload() {
	a := r.agent
	if a == nil || !a.hup.Swap(false) {
		return
	}
	changed, later, err := r.reread()
	switch {
	case err != nil:
		fmt.Fprintf(r.env.Err, "pgsniff: all stays as it is: %s\n", visible(err))
	case len(later) > 0:
		fmt.Fprintf(r.env.Err, "pgsniff: read %s again: %s; from the next start on: %s\n", render.Visible(r.opt.Config), changed, strings.Join(later, ", "))
	default:
		fmt.Fprintf(r.env.Err, "pgsniff: read %s again: %s\n", render.Visible(r.opt.Config), changed)
	}
}

func (r *run) reread() (changed string, later []string, err error) {
	a := r.agent
	p, err := r.env.again()
	if err != nil {
		return "", nil, err
	}
	if p == nil {
		return "", nil, errors.New("the command line is none any more")
	}
	o := optionsOf(p.command)
	p.command.PreRun(p.command, nil)
	o.live = true
	if err := o.check(); err != nil {
		return "", nil, err
	}
	sel, err := o.selection.compile()
	if err != nil {
		return "", nil, err
	}
	specs, err := o.outputs.all()
	if err == nil {
		err = o.choice.checkChoice(specs)
	}
	if err != nil {
		return "", nil, err
	}
	was, is := values(a.running), values(p)
	var now []string
	for _, name := range slices.Sorted(maps.Keys(is)) {
		switch {
		case was[name] == is[name]:
		case slices.Contains(reloadedFlags, name) || isOutputFlag(name) || ofFormat(name) != "":
			now = append(now, name)
		default:
			later = append(later, name)
		}
	}
	if err := r.exchangeOutputs(o, sel, specs, p); err != nil {
		return "", nil, err
	}
	if a.running = p; len(now) == 0 {
		return "nothing has changed", later, nil
	}
	return strings.Join(now, ", "), later, nil
}

// values returns the flags of a command line with what they are. Outputs are told by
// what was said of them, one flag after the other.
func values(p *parsed) map[string]string {
	m := make(map[string]string)
	if p == nil {
		return m
	}
	p.command.Flags().VisitAll(func(f *pflag.Flag) {
		if !notSettings[f.Name] && !isOutputFlag(f.Name) {
			m[f.Name] = f.Value.String()
		}
	})
	for _, row := range p.outputRows() {
		m[row[0]] += row[1] + "\n"
	}
	return m
}

// ofFormat returns the format that a flag belongs to, empty if it is not an output's own.
func ofFormat(flag string) string {
	for i := range registeredOutputs {
		if strings.HasPrefix(flag, registeredOutputs[i].Name+"-") {
			return registeredOutputs[i].Name
		}
	}
	return ""
}

// identity tells one output from another: one with the same goes on.
func identity(spec *outputSpec, p *parsed) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%q %q %q", spec.views, spec.format, spec.to)
	if p != nil {
		p.command.Flags().VisitAll(func(f *pflag.Flag) {
			if ofFormat(f.Name) == spec.format {
				fmt.Fprintf(&b, " %s=%q", f.Name, f.Value.String())
			}
		})
	}
	return b.String()
}

// exchangeOutputs puts a new selection and new outputs in the place of the old ones.
// New outputs are opened first: where one cannot be, nothing has happened.
func (r *run) exchangeOutputs(o *Options, sel *selection.Selection, specs []outputSpec, p *parsed) error {
	old := make(map[string]*outlet)
	for _, out := range r.outputs {
		old[identity(&out.spec, r.agent.running)] = out
	}
	flags, before := r.opt.outputs, *r.sel
	sel.Kinds, sel.Replicated = before.Kinds, before.Replicated // what outputs were opened with
	r.opt.outputs, *r.sel = o.outputs, *sel
	r.several = len(specs) > 1
	var outputs, opened []*outlet
	fail := func(err error) error {
		for _, out := range opened {
			if out.sink != nil {
				_ = out.sink.End(r.totals()) // it was told nothing
			}
			_ = r.close(out) // likewise
		}
		r.opt.outputs, *r.sel = flags, before
		return err
	}
	for i := range specs {
		id := identity(&specs[i], p)
		if out := old[id]; out != nil {
			outputs = append(outputs, out)
			delete(old, id)
			continue
		}
		out, err := r.openAnew(&specs[i])
		if err != nil {
			return fail(err)
		}
		opened, outputs = append(opened, out), append(outputs, out)
	}
	r.opt.selection, r.opt.choice.sample, r.opt.Sort, r.opt.Top = o.selection, o.choice.sample, o.Sort, o.Top
	r.agent.sampler.set(&r.opt.choice)
	r.outputs = outputs
	r.agent.list.to(outputs)
	for _, out := range old {
		if err := r.dropOutput(out); err != nil {
			r.warn(fmt.Errorf("writing an output that is over: %w", err))
		}
	}
	return nil
}

// openAnew opens an output beside those that are open.
func (r *run) openAnew(spec *outputSpec) (*outlet, error) {
	for _, out := range r.outputs {
		if out.spec.to == spec.to && spec.format != "otlp" {
			return nil, fmt.Errorf("the output to %s can be another after a restart, or at another place", place(spec.to))
		}
	}
	out := &outlet{spec: *spec}
	if _, err := r.openOutput(out, r.sel, r.agent.slots, false); err != nil {
		return nil, err
	}
	r.agent.slots++
	if v := out.stats; v != nil {
		v.totals.packets, v.totals.bytes = r.analyzer.Counts.Packets, r.analyzer.Counts.Bytes
	}
	for i := range out.parts {
		if out.parts[i].adapter.WantsNetwork() && !r.agent.network {
			_ = out.sink.End(r.totals()) // it was told nothing
			return nil, errors.New("the view findings is there after a restart")
		}
	}
	return out, nil
}

// dropOutput ends an output that is not wanted any more.
func (r *run) dropOutput(out *outlet) error {
	return errors.Join(out.end(r.totals()), r.close(out))
}
