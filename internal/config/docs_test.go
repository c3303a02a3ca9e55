package config

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/config.md anew")

const (
	docFile     = "../../docs/config.md"
	exampleFile = "../../docs/config.example.yaml"
)

// The comments of the fields are the documentation: go test -update writes it.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	want := documentation(t)
	if *update {
		if err := os.WriteFile(docFile, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(docFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/config.md is not what the fields' comments say: go test ./internal/config -update")
	}
}

func documentation(t *testing.T) []byte {
	t.Helper()
	structs := parseStructs(t)
	var b bytes.Buffer
	b.WriteString(`# Configuration

Generated from internal/config by ` + "`go test ./internal/config -update`" + `.

A flag beats an environment variable, that beats the file (` + "`--config FILE`, `SPILLWAY_CONFIG`" + `), that
beats LocalStack's variables, and those beat the default. Unknown keys in the file are errors. Empty variables
count as not set; lists are separated by commas. [config.example.yaml](config.example.yaml) is a file with
everything in it; ` + "`spillway config show --sources`" + ` prints what is in force and where it comes from.

| key | variable | meaning |
| --- | --- | --- |
`)
	for _, s := range Default().settings() {
		key := strings.Split(s.key, ".")
		name := "Config"
		for _, part := range key[:len(key)-1] {
			name = structs[name].field(part).typ
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", s.key, s.env(), structs[name].field(key[len(key)-1]).doc)
	}
	for _, section := range []struct{ title, name string }{
		{"sqs.queues", "Queue"}, {"sns.topics", "Topic"}, {"sns.topics.subscriptions", "Subscription"}, {"kinesis.streams", "Stream"}, {"lambda.functions", "Function"}, {"accounts", "Account"}, {"accounts.users", "User"}, {"accounts.roles", "Role"}, {"accounts.root_keys and accounts.users.keys", "Key"},
	} {
		fmt.Fprintf(&b, "\n## %s\n\nA list; only the file can set it. %s\n\n| key | meaning |\n| --- | --- |\n", section.title, structs[section.name].doc)
		for _, f := range structs[section.name].fields {
			fmt.Fprintf(&b, "| `%s` | %s |\n", f.key, f.doc)
		}
	}
	b.WriteString("\n## Variables of LocalStack\n\nRead so that existing set-ups work, also with the prefix `LOCALSTACK_`. Everything else beats them.\n\n| variable | sets | how |\n| --- | --- | --- |\n")
	for _, a := range aliases() {
		fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", a.name, a.key, a.meaning)
	}
	for _, i := range ignored() {
		fmt.Fprintf(&b, "| `%s` | nothing | %s |\n", i[0], i[1])
	}
	return b.Bytes()
}

// ignored are variables of LocalStack that existing set-ups have and that mean
// nothing here, each with the reason.
func ignored() [][2]string {
	return [][2]string{
		{"SERVICES", "every service is always there"},
		{"LOCALSTACK_HOST", "queue URLs have the caller's own host; `external_url` sets another"},
		{"HOSTNAME_EXTERNAL", "as LOCALSTACK_HOST"},
		{"USE_SSL", "a certificate switches HTTPS on, beside HTTP"},
		{"SQS_ENDPOINT_STRATEGY", "every known form of queue URL is accepted"},
		{"SQS_ENABLE_MESSAGE_RETENTION_PERIOD", "messages always expire"},
	}
}

type structDoc struct {
	doc    string
	fields []fieldDoc
}

type fieldDoc struct{ key, typ, doc string }

func (s structDoc) field(key string) fieldDoc {
	for _, f := range s.fields {
		if f.key == key {
			return f
		}
	}
	return fieldDoc{}
}

func parseStructs(t *testing.T) map[string]structDoc {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "config.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	oneLine := func(c *ast.CommentGroup) string { return strings.Join(strings.Fields(c.Text()), " ") }
	out := map[string]structDoc{}
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.TYPE {
			continue
		}
		spec := g.Specs[0].(*ast.TypeSpec)
		doc := structDoc{doc: oneLine(g.Doc)}
		for _, f := range spec.Type.(*ast.StructType).Fields.List {
			if f.Tag == nil {
				continue
			}
			tag, err := strconv.Unquote(f.Tag.Value)
			if err != nil {
				t.Fatal(err)
			}
			if f.Doc == nil {
				t.Errorf("%s.%s has no comment", spec.Name, f.Names[0])
			}
			typ, _ := f.Type.(*ast.Ident)
			field := fieldDoc{key: reflect.StructTag(tag).Get("yaml"), doc: oneLine(f.Doc)}
			if typ != nil {
				field.typ = typ.Name
			}
			doc.fields = append(doc.fields, field)
		}
		out[spec.Name.Name] = doc
	}
	return out
}

// The example shows every key; single settings have their defaults.
func TestExample(t *testing.T) {
	t.Parallel()
	c, err := Load(exampleFile, environment())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	want := Default().settings()
	for i, s := range c.settings() {
		if _, there := c.sources[s.key]; !there {
			t.Errorf("the example has no %s", s.key)
		}
		if strings.HasPrefix(s.key, "root.") {
			continue
		}
		if got, want := fmt.Sprint(s.value.Interface()), fmt.Sprint(want[i].value.Interface()); got != want {
			t.Errorf("the example has %s %s, the default is %s", s.key, got, want)
		}
	}
	for name, s := range parseStructs(t) {
		for _, f := range s.fields {
			if name == "Config" || f.typ != "" {
				continue
			}
			found := false
			for key := range c.sources {
				found = found || strings.HasSuffix(key, "."+f.key)
			}
			if !found {
				t.Errorf("the example has no %s of a %s", f.key, name)
			}
		}
	}
}
