package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
)

// source is what the code says beside its types: comments, and the values that named
// texts have.
type source struct {
	types  map[string]string            // a type's comment
	fields map[string]map[string]string // of a type: its fields' comments
	values map[string][]string          // of a named text: its constants
}

// readSource reads the files of one package.
func readSource(dir string) (*source, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, fmt.Errorf("read source: %w", err)
	}
	s := &source{types: map[string]string{}, fields: map[string]map[string]string{}, values: map[string][]string{}}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			return nil, fmt.Errorf("read source: %w", err)
		}
		for _, d := range file.Decls {
			if g, ok := d.(*ast.GenDecl); ok {
				s.add(g)
			}
		}
	}
	return s, nil
}

func (s *source) add(g *ast.GenDecl) {
	for _, spec := range g.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			s.types[spec.Name.Name] = oneLine(comment(g.Doc, spec.Doc))
			if t, ok := spec.Type.(*ast.StructType); ok {
				s.fields[spec.Name.Name] = fieldsOf(t)
			}
		case *ast.ValueSpec:
			s.addValue(spec)
		}
	}
}

func (s *source) addValue(spec *ast.ValueSpec) {
	of, ok := spec.Type.(*ast.Ident)
	if !ok || len(spec.Values) != 1 {
		return
	}
	literal, ok := spec.Values[0].(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return
	}
	if v, err := strconv.Unquote(literal.Value); err == nil {
		s.values[of.Name] = append(s.values[of.Name], v)
	}
}

func fieldsOf(t *ast.StructType) map[string]string {
	out := map[string]string{}
	for _, f := range t.Fields.List {
		for _, name := range f.Names {
			out[name.Name] = oneLine(comment(f.Doc, f.Comment))
		}
	}
	return out
}

// comment returns the first that says something.
func comment(groups ...*ast.CommentGroup) string {
	for _, g := range groups {
		if text := g.Text(); text != "" {
			return text
		}
	}
	return ""
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
