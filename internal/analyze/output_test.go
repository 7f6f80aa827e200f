package analyze_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"
)

// checkOutput holds what the pipeline wrote to the rules that every output
// obeys, whatever the capture: each line is a JSON object with unique keys and
// a known type, each connection ends once and nothing follows its end.
func checkOutput(out []byte) error {
	ended := map[float64]bool{}
	for n := 1; len(out) > 0; n++ {
		line, rest, ok := bytes.Cut(out, []byte{'\n'})
		if !ok {
			return fmt.Errorf("line %d is not ended: %.200q", n, line)
		}
		out = rest
		if err := checkLine(line, ended); err != nil {
			return fmt.Errorf("line %d: %w: %.400s", n, err, line)
		}
	}
	return nil
}

var recordTypes = map[string]bool{"message": true, "query": true, "connection": true, "notice": true}

func checkLine(line []byte, ended map[float64]bool) error {
	if !json.Valid(line) || !utf8.Valid(line) {
		return errors.New("not JSON in UTF-8")
	}
	if err := uniqueKeys(line); err != nil {
		return err
	}
	var r struct {
		Type string   `json:"type"`
		Conn float64  `json:"conn"`
		Len  *float64 `json:"len"`
		Code string   `json:"code"`
		Msg  string   `json:"msg"`
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return err
	}
	switch {
	case !recordTypes[r.Type]:
		return fmt.Errorf("unknown type %q", r.Type)
	case r.Conn < 1:
		return errors.New("no connection")
	case r.Type == "message" && (r.Len == nil || *r.Len < 1 || r.Msg == ""):
		return errors.New("a message without name or length")
	case r.Type == "notice" && r.Code == "":
		return errors.New("a notice without code")
	}
	if ended[r.Conn] {
		return errors.New("its connection has ended before")
	}
	if r.Type == "connection" {
		ended[r.Conn] = true
	}
	return nil
}

// uniqueKeys looks through all objects of a line of valid JSON. Keys are
// compared as they are written: the same text is always escaped in the same way.
func uniqueKeys(line []byte) error {
	var stack []map[string]bool // nil for an array
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '{':
			stack = append(stack, map[string]bool{})
		case '[':
			stack = append(stack, nil)
		case '}', ']':
			stack = stack[:len(stack)-1]
		case '"':
			end := i + 1
			for line[end] != '"' {
				if line[end] == '\\' {
					end++
				}
				end++
			}
			if line[min(end+1, len(line)-1)] == ':' {
				key, keys := string(line[i+1:end]), stack[len(stack)-1]
				if keys[key] {
					return fmt.Errorf("key %q twice", key)
				}
				keys[key] = true
			}
			i = end
		}
	}
	return nil
}
