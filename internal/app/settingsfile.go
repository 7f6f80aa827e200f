package app

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// maxSettings bounds a configuration file, in bytes.
const maxSettings = 1 << 20

// settingsFile is a configuration file on its way to settings.
type settingsFile struct {
	path  string
	lines []string
	cmd   *cobra.Command
}

// readSettings reads what a configuration file says of a command's flags: keys are the
// names of flags; at the top for all commands that have them, in a table with the name
// of a command for that. What no command knows is an error: a filter whose name is
// mistyped would let everything through.
func readSettings(path string, cmd *cobra.Command) ([]setting, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, &exitError{ExitFailure, fmt.Errorf("--config: %w", err)}
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxSettings+1))
	if err != nil {
		return nil, &exitError{ExitFailure, fmt.Errorf("--config: %w", err)}
	}
	if len(text) > maxSettings {
		return nil, usageError("--config %s: larger than 1 MiB", path)
	}
	all := make(map[string]any)
	if _, err := toml.Decode(string(text), &all); err != nil {
		var syntax toml.ParseError
		if errors.As(err, &syntax) {
			return nil, usageError("%s:%d: %s", path, syntax.Position.Line, syntax.Message)
		}
		return nil, usageError("%s: %v", path, err)
	}
	f := &settingsFile{path: path, lines: strings.Split(string(text), "\n"), cmd: cmd}
	return f.settings(all)
}

func (f *settingsFile) settings(all map[string]any) ([]setting, error) {
	commands := make(map[string]*cobra.Command)
	for _, c := range f.cmd.Root().Commands() {
		if optionsOf(c) != nil {
			commands[c.Name()] = c
		}
	}
	var list []setting
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if _, table := all[key].(map[string]any); table && commands[key] != nil {
			continue
		}
		var knows *cobra.Command
		for _, name := range slices.Sorted(maps.Keys(commands)) {
			if c := commands[name]; knows == nil && c.Flags().Lookup(key) != nil {
				knows = c
			}
		}
		if f.cmd.Flags().Lookup(key) != nil {
			knows = f.cmd
		}
		s, err := f.one(knows, "", key, all[key])
		if err != nil {
			return nil, err
		}
		if knows == f.cmd {
			list = append(list, s...)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(commands)) {
		table, ok := all[name].(map[string]any)
		if !ok {
			continue
		}
		own, err := f.table(commands[name], name, table)
		if err != nil {
			return nil, err
		}
		if name == f.cmd.Name() {
			list = override(list, own)
		}
	}
	return list, nil
}

// table reads the table of a command.
func (f *settingsFile) table(c *cobra.Command, name string, table map[string]any) (own []setting, err error) {
	for _, key := range slices.Sorted(maps.Keys(table)) {
		knows := c
		if c.Flags().Lookup(key) == nil {
			knows = nil
		}
		s, err := f.one(knows, name, key, table[key])
		if err != nil {
			return nil, err
		}
		own = append(own, s...)
	}
	return own, nil
}

// override puts what a command's table says in place of what the top says.
func override(list, own []setting) []setting {
	replaced := func(s setting) bool {
		return slices.ContainsFunc(own, func(o setting) bool {
			return o.flag == s.flag || isOutputFlag(o.flag) && isOutputFlag(s.flag)
		})
	}
	return append(slices.DeleteFunc(list, replaced), own...)
}

// one reads a key. The command is one that knows it, nil if none does.
func (f *settingsFile) one(c *cobra.Command, table, key string, value any) ([]setting, error) {
	place := f.place(table, key)
	fail := func(format string, args ...any) error {
		return usageError("%s: %s", place, fmt.Sprintf(format, args...))
	}
	if outputs, ok := value.([]map[string]any); ok && key == "output" {
		if c == nil || !describesOutputs(c) {
			return nil, fail("%q: the command has no outputs", key)
		}
		return f.outputs(table, outputs)
	}
	if c == nil || notSettings[key] || isOutputFlag(key) {
		hint := ""
		if isOutputFlag(key) {
			hint = "; outputs are tables: [[output]] with view, format and to"
		} else if near := nearestFlag(f.cmd, key); near != "" {
			hint = "; did you mean " + near + "?"
		}
		return nil, fail("unknown key %q%s", key, hint)
	}
	flag := c.Flags().Lookup(key)
	values, err := textsOf(flag, value)
	if err != nil {
		return nil, fail("%s: %v", key, err)
	}
	var list []setting
	for _, v := range values {
		list = append(list, setting{key, v, "file " + place})
	}
	return list, nil
}

// outputs reads the tables that describe outputs.
func (f *settingsFile) outputs(table string, outputs []map[string]any) (list []setting, err error) {
	for i, out := range outputs {
		header := f.nth(table, "output", i)
		place := func(key string) string { return fmt.Sprintf("%s:%d", f.path, f.line(header, key)) }
		for key := range out {
			if key != "view" && key != "format" && key != "to" {
				return nil, usageError("%s: unknown key %q; an output has view, format and to", place(key), key)
			}
		}
		for _, part := range [...]struct{ key, flag string }{{"view", "view"}, {"format", "output"}, {"to", "to"}} {
			value, ok := out[part.key]
			if !ok && part.key == "to" {
				value = "-" // one ends where the next begins
			} else if !ok {
				continue
			}
			text, err := outputText(part.key, value)
			if err != nil {
				return nil, usageError("%s: %s: %v", place(part.key), part.key, err)
			}
			list = append(list, setting{part.flag, text, "file " + place(part.key)})
		}
	}
	return list, nil
}

func outputText(key string, value any) (string, error) {
	list, isList := value.([]any)
	if !isList {
		return textOf(value)
	}
	if key != "view" {
		return "", errors.New("must be a text")
	}
	var names []string
	for _, v := range list {
		s, err := textOf(v)
		if err != nil {
			return "", err
		}
		names = append(names, s)
	}
	return listValue(names), nil
}

// textsOf returns a value as it would stand on the command line, once for each time
// that the flag would have to.
func textsOf(f *pflag.Flag, value any) ([]string, error) {
	list, isList := value.([]any)
	kind := f.Value.Type()
	if !isList { // lists may be written as on the command line
		s, err := textOf(value)
		return []string{s}, err
	}
	if kind != "stringSlice" && kind != "stringArray" {
		return nil, errors.New("is no list")
	}
	var texts []string
	for _, v := range list {
		s, err := textOf(v)
		if err != nil {
			return nil, err
		}
		texts = append(texts, s)
	}
	if kind == "stringSlice" {
		return []string{listValue(texts)}, nil
	}
	return texts, nil
}

func textOf(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), nil
	case bool:
		return strconv.FormatBool(v), nil
	}
	return "", errors.New("must be a text, a number, true or false, or a list of them")
}

// place is where a key stands in the file.
func (f *settingsFile) place(table, key string) string {
	header := 0
	if table != "" {
		header = f.header("["+table+"]", 0)
	}
	return fmt.Sprintf("%s:%d", f.path, f.line(header, key))
}

// nth is the line, from 1, of the header of an item of a list of tables.
func (f *settingsFile) nth(table, name string, n int) int {
	header := "[[" + name + "]]"
	if table != "" {
		header = "[[" + table + "." + name + "]]"
	}
	return f.header(header, n)
}

func (f *settingsFile) header(header string, n int) int {
	for i, line := range f.lines {
		line, _, _ = strings.Cut(line, "#")
		if strings.ReplaceAll(strings.TrimSpace(line), " ", "") == header {
			if n == 0 {
				return i + 1
			}
			n--
		}
	}
	return 0
}

// line is the line of a key after a header. The library does not tell the places of
// keys; of one that is written in an unusual way it is the header's.
func (f *settingsFile) line(header int, key string) int {
	for i := header; i < len(f.lines); i++ {
		line := strings.TrimSpace(f.lines[i])
		if name, _, ok := strings.Cut(line, "="); ok && strings.Trim(strings.TrimSpace(name), `"'`) == key {
			return i + 1
		}
		if strings.HasPrefix(line, "[["+key) || strings.HasPrefix(line, "["+key) {
			return i + 1
		}
		if i > header && header > 0 && strings.HasPrefix(line, "[") {
			break
		}
	}
	return max(header, 1)
}
