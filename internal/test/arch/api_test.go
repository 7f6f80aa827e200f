package arch

import (
	"bytes"
	"errors"
	"flag"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write what the public packages export to testdata/api")

// What the packages under pkg/ export changes only on purpose: who changes it writes
// the lists anew (go test ./internal/test/arch -run TestAPI -update), looks at the
// difference, and tells of it in CHANGELOG.md.
func TestAPI(t *testing.T) {
	folders, err := filepath.Glob("../../../pkg/*")
	if err != nil || len(folders) < 8 {
		t.Fatal(folders, err)
	}
	known := map[string]bool{}
	for _, folder := range folders {
		name := filepath.Base(folder)
		golden := filepath.Join("testdata", "api", name+".txt")
		known[name+".txt"] = true
		got := exported(t, folder)
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Errorf("%v; a new package needs its list (-update)", err)
			continue
		}
		for _, line := range difference(strings.Split(got, "\n"), strings.Split(string(want), "\n")) {
			t.Errorf("pkg/%s: %s", name, line)
		}
	}
	lists, err := filepath.Glob("testdata/api/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		if !known[filepath.Base(list)] {
			t.Errorf("%s is of no package", list)
		}
	}
}

// exported lists the exported declarations of a package without their comments and
// bodies, sorted.
func exported(t *testing.T, folder string) string {
	t.Helper()
	fset := token.NewFileSet()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(fset, name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.FileExports(file)
		for _, d := range file.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.IMPORT {
				continue
			}
			list = append(list, declaration(t, fset, d))
		}
	}
	slices.Sort(list)
	return strings.Join(list, "\n") + "\n"
}

func declaration(t *testing.T, fset *token.FileSet, d ast.Decl) string {
	t.Helper()
	switch d := d.(type) {
	case *ast.FuncDecl:
		d.Body, d.Doc = nil, nil
	case *ast.GenDecl:
		d.Doc = nil
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.ValueSpec:
				if s.Doc, s.Comment = nil, nil; d.Tok == token.VAR {
					s.Values = nil // what it begins with is no part of it
				}
			case *ast.TypeSpec:
				s.Doc, s.Comment = nil, nil
				ast.Inspect(s.Type, func(n ast.Node) bool {
					if f, ok := n.(*ast.Field); ok {
						f.Doc, f.Comment = nil, nil
					}
					return true
				})
			}
		}
	}
	var b bytes.Buffer
	if err := format.Node(&b, fset, d); err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, line := range strings.Split(b.String(), "\n") {
		if words := strings.Fields(line); len(words) > 0 { // how they are aligned says nothing
			indent := line[:len(line)-len(strings.TrimLeft(line, "\t"))]
			lines = append(lines, indent+strings.Join(words, " "))
		}
	}
	return strings.Join(lines, "\n")
}

// difference lists the lines that only one of two sides has.
func difference(got, want []string) (list []string) {
	count := map[string]int{}
	for _, line := range want {
		count[line]++
	}
	for _, line := range got {
		if count[line]--; count[line] < 0 {
			list = append(list, "new: "+line)
		}
	}
	for _, line := range want {
		if count[line] > 0 {
			count[line] = 0
			list = append(list, "gone: "+line)
		}
	}
	return list
}

// examples returns the tests with the examples of a package.
func examples(name string) (all []byte, err error) {
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "pkg", name, "*example_test.go"))
	for _, file := range files {
		b, failed := os.ReadFile(file)
		all, err = append(all, b...), errors.Join(err, failed)
	}
	return all, err
}

// What docs/library.md names in our packages is there.
func TestLibraryPageNamesWhatExists(t *testing.T) {
	page, err := os.ReadFile("../../../docs/library.md")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, m := range regexp.MustCompile("`\\*?([a-z]+)\\.([A-Z]\\w*)`").FindAllStringSubmatch(string(page), -1) {
		list, err := os.ReadFile(filepath.Join("testdata", "api", m[1]+".txt"))
		if m[1] == "errors" {
			continue
		}
		if err != nil {
			t.Errorf("%s.%s: no such package", m[1], m[2])
			continue
		}
		checked++
		if strings.HasPrefix(m[2], "Example") {
			if list, err = examples(m[1]); err != nil {
				t.Fatal(err)
			}
		}
		if !regexp.MustCompile(`\b` + m[2] + `\b`).Match(list) {
			t.Errorf("%s.%s: there is no such name", m[1], m[2])
		}
	}
	if checked < 40 {
		t.Errorf("only %d names were found", checked)
	}
	for _, m := range regexp.MustCompile(`\]\(\.\./([^)]+)\)`).FindAllStringSubmatch(string(page), -1) {
		if _, err := os.Stat(filepath.Join("..", "..", "..", m[1])); err != nil {
			t.Error(err)
		}
	}
}

// The four examples that the page calls short are.
func TestShortExamples(t *testing.T) {
	code := regexp.MustCompile(`(?m)^\s*[^\s/].*$`)
	for _, name := range []string{"fakeserver", "logproxy", "query", "slowest"} {
		files, err := filepath.Glob(filepath.Join("..", "..", "..", "examples", name, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(file, "_test.go") {
				n += len(code.FindAll(b, -1))
			}
		}
		if n < 30 || n >= 100 {
			t.Errorf("examples/%s has %d lines of code", name, n)
		}
	}
}
