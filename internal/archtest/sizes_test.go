package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// Sizes: files aim at 80 to 250 lines. These are the limits, not the aim.
const (
	maxFile     = 500
	maxTestFile = 1000
	maxFunc     = 120
	maxFields   = 25
	maxMethods  = 6 // of an interface
)

// Exceptions, each with its reason.
var (
	longFiles = map[string]string{}
	longFuncs = map[string]string{}
	bigTypes  = map[string]string{
		"internal/smithy.Encoder":     "one method for each kind of value",
		"internal/smithy.Decoder":     "one method for each kind of value",
		"internal/queue/core.Journal": "one method for each kind of record",
		"internal/queue/core.Queue":   "the memory of one queue: lanes, indexes and counts that change together",
		"internal/queue/core.picker":  "what can happen to a message",
	}
)

func TestSizes(t *testing.T) {
	t.Parallel()
	walk(t, func(path string) {
		if strings.HasPrefix(path, "internal/api/") {
			return // generated
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, filepath.Join(root, path), nil, parser.ParseComments)
		if err != nil {
			t.Error(err)
			return
		}
		test := strings.HasSuffix(path, "_test.go")
		limit := maxFile
		if test {
			limit = maxTestFile
		}
		if n := fset.Position(file.End()).Line; n > limit && longFiles[path] == "" {
			t.Errorf("%s has %d lines, more than %d: split it by concept", path, n, limit)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			checkSize(t, fset, path, test, n)
			return true
		})
	})
}

func checkSize(t *testing.T, fset *token.FileSet, path string, test bool, n ast.Node) {
	t.Helper()
	pkg := filepath.ToSlash(filepath.Dir(path))
	switch n := n.(type) {
	case *ast.FuncDecl:
		lines := fset.Position(n.End()).Line - fset.Position(n.Pos()).Line + 1
		if key := pkg + "." + n.Name.Name; !test && lines > maxFunc && longFuncs[key] == "" {
			t.Errorf("%s: %s has %d lines, more than %d", path, n.Name.Name, lines, maxFunc)
		}
	case *ast.TypeSpec:
		key := pkg + "." + n.Name.Name
		if bigTypes[key] != "" || test {
			return
		}
		switch x := n.Type.(type) {
		case *ast.StructType:
			if fields := x.Fields.NumFields(); fields > maxFields && !strings.HasSuffix(n.Name.Name, "Config") {
				t.Errorf("%s: %s has %d fields, more than %d", path, n.Name.Name, fields, maxFields)
			}
		case *ast.InterfaceType:
			if methods := x.Methods.NumFields(); methods > maxMethods {
				t.Errorf("%s: %s has %d methods, more than %d", path, n.Name.Name, methods, maxMethods)
			}
		}
	}
}

// TestPackageDocs: every package says what it is.
func TestPackageDocs(t *testing.T) {
	t.Parallel()
	documented := map[string]bool{}
	walk(t, func(path string) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, path), nil, parser.ParseComments|parser.PackageClauseOnly)
		if err != nil {
			t.Error(err)
			return
		}
		pkg := filepath.ToSlash(filepath.Dir(path))
		documented[pkg] = documented[pkg] || file.Doc.Text() != ""
	})
	for pkg, ok := range documented {
		if !ok {
			t.Errorf("package %s has no package comment", pkg)
		}
	}
}

// TestPackageNames: a package is named by its purpose.
func TestPackageNames(t *testing.T) {
	t.Parallel()
	walk(t, func(path string) {
		for _, part := range strings.Split(filepath.ToSlash(filepath.Dir(path)), "/") {
			switch part {
			case "util", "utils", "common", "helper", "helpers", "misc", "shared", "manager":
				t.Errorf("%s: name the package by its purpose", path)
			}
		}
	})
}
