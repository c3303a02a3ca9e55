package archtest

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/spillway/spillway"

// only names the packages (by prefix, from the module's root) that may import
// something; everyone else may not. Tests count unless they are named.
var only = []struct {
	imported string
	by       []string
	why      string
}{
	{"github.com/cockroachdb/pebble", []string{"internal/store"}, "the engine under the store can be replaced"},
	{"github.com/nats-io", []string{"internal/cluster"}, "only the cluster knows what replicates"},
	{"github.com/valyala/fasthttp", []string{"internal/gateway"}, "fronts are the gateway's business"},
	{"net/http", []string{
		"internal/gateway", "internal/server", "internal/hook", "internal/loadtest", "cmd", "test", "internal/wire/wiretest",
		"internal/wire_test", "internal/sigv4_test", "internal/sns", "internal/deliver", "internal/lambda",
	}, "services and engines know no HTTP"},
	{"encoding/xml", []string{"test", "internal/wire/awsquery_test", "internal/gateway_test"}, "XML is written by wire/awsquery"},
	{module + "/internal/server", []string{"", "cmd"}, "server is the top"},
	{module + "/internal/sqs", []string{"internal/sqs", "internal/server", "internal/sns_test"}, "services do not know each other"},
	{module + "/internal/wire", []string{"internal/wire", "internal/gateway", "internal/server", "internal/sigv4"}, "services know no codec"},
	{module + "/internal/store", []string{"internal/store", "internal/partition", "internal/catalog", "internal/queue", "internal/stream", "internal/cluster", "internal/server", "internal/sqs_test", "internal/sns_test", "internal/kinesis_test", "internal/signing_test"}, "services persist through the catalog and the engines"},
	{module + "/internal/api", []string{"internal/api", "internal/sqs", "internal/sns", "internal/kinesis", "internal/sts", "internal/server", "internal/gateway_test", "internal/wire_test", "internal/smithy_test", "test"}, "codecs and engines know no service"},
}

// stdlibOnly packages import nothing but the standard library and the packages
// named.
var stdlibOnly = map[string][]string{
	"internal/arn":         nil,
	"internal/base64":      nil,
	"internal/queue/core":  nil,
	"internal/stream/core": nil,
	"internal/smithy":      nil,
	"internal/iam/policy":  {"internal/arn"},
	"internal/sns/filter":  nil,
}

// forbidden are imports that no file of the package may have.
var forbidden = []struct{ pkg, imported, why string }{
	{"internal/queue", module + "/internal/arn", "engines know no AWS"},
	{"internal/queue", module + "/internal/smithy", "engines know no AWS"},
	{"internal/queue", module + "/internal/service", "engines know no AWS"},
	{"internal/stream", module + "/internal/arn", "engines know no AWS"},
	{"internal/stream", module + "/internal/smithy", "engines know no AWS"},
	{"internal/stream", module + "/internal/service", "engines know no AWS"},
	{"internal/sqs", module + "/internal/gateway", "services do not know who calls"},
	{"internal/sns", module + "/internal/gateway", "services do not know who calls"},
	{"internal/kinesis", module + "/internal/gateway", "services do not know who calls"},
	{"internal/wire", module + "/internal/service", "codecs know no service"},
}

func TestImports(t *testing.T) {
	t.Parallel()
	eachFile(t, func(path string, imports []string) {
		pkg := filepath.ToSlash(filepath.Dir(path))
		if pkg == "." {
			pkg = ""
		}
		test := strings.HasSuffix(path, "_test.go")
		for _, imported := range imports {
			for _, rule := range only {
				if under(imported, rule.imported) && !allowed(pkg, test, rule.by) {
					t.Errorf("%s imports %s: %s", path, imported, rule.why)
				}
			}
			for _, rule := range forbidden {
				if under(pkg, rule.pkg) && under(imported, rule.imported) {
					t.Errorf("%s imports %s: %s", path, imported, rule.why)
				}
			}
			if also, ok := stdlibOnly[pkg]; ok && !test && strings.Contains(strings.Split(imported, "/")[0], ".") {
				if !allowed(strings.TrimPrefix(imported, module+"/"), false, also) {
					t.Errorf("%s imports %s: %s imports the standard library only", path, imported, pkg)
				}
			}
		}
	})
}

// TestPureCores: time and randomness are arguments there.
func TestPureCores(t *testing.T) {
	t.Parallel()
	eachFile(t, func(path string, imports []string) {
		if !strings.Contains(filepath.ToSlash(path), "/core/") || strings.HasSuffix(path, "_test.go") {
			return
		}
		for _, imported := range imports {
			switch imported {
			case "time", "math/rand", "math/rand/v2", "crypto/rand", "os", "net", "sync":
				t.Errorf("%s imports %s: a core is pure", path, imported)
			}
		}
	})
}

// allowed: an entry with the suffix "_test" is for tests only; "" is the root.
func allowed(pkg string, test bool, by []string) bool {
	for _, b := range by {
		b, testsOnly := strings.CutSuffix(b, "_test")
		if testsOnly && !test {
			continue
		}
		if b == "" && pkg == "" || b != "" && under(pkg, b) {
			return true
		}
	}
	return false
}

func under(path, prefix string) bool {
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

// eachFile calls f for every Go file of the module, with its path from the root.
func eachFile(t *testing.T, f func(path string, imports []string)) {
	t.Helper()
	files := 0
	walk(t, func(path string) {
		files++
		parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, path), nil, parser.ImportsOnly)
		if err != nil {
			t.Error(err)
			return
		}
		var imports []string
		for _, i := range parsed.Imports {
			imported, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				t.Error(err)
			}
			imports = append(imports, imported)
		}
		f(path, imports)
	})
	if files < 50 {
		t.Fatalf("found %d files: this test looks in the wrong place", files)
	}
}

const root = "../.."

func walk(t *testing.T, f func(path string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && path != root || d.Name() == "testdata" || d.Name() == "spillway-data") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		f(filepath.ToSlash(rel))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
