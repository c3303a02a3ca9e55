package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestClean fails when internal/api is not what the generator makes of models/.
func TestClean(t *testing.T) {
	t.Parallel()
	stale, err := run("../..", true)
	if err != nil {
		t.Fatal(err)
	}
	if len(stale) > 0 {
		t.Errorf("run go run ./cmd/gen: %v", stale)
	}
}

// TestRecursion: shapes that refer to each other in a circle are tied in init.
func TestRecursion(t *testing.T) {
	t.Parallel()
	node := &shape{Type: "structure", Members: map[string]*ref{"next": {Shape: "Node"}, "all": {Shape: "Nodes"}}}
	m := &model{
		Metadata:   metadata{ServiceID: "T", Protocols: []string{"json"}},
		Operations: map[string]*operation{"Op": {Name: "Op", Input: &ref{Shape: "Node"}}},
		Shapes:     map[string]*shape{"Node": node, "Nodes": {Type: "list", Member: &ref{Shape: "Node"}}},
		pkg:        "tapi",
	}
	files, err := generate(m)
	if err != nil {
		t.Fatal(err)
	}
	text := string(files["schemas.go"])
	for _, want := range []string{"schemaNode.Members[1].Target = schemaNode\n", "schemaNodes.Elem.Target = schemaNode\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("schemas.go lacks %q:\n%s", want, text)
		}
	}
}

// TestOverlayTypo: an overlay cannot invent shapes or members.
func TestOverlayTypo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"x.json":         `{"shapes":{"A":{"type":"structure","members":{}}}}`,
		"x.overlay.json": `{"shapes":{"A":{"members":{"Nope":{"queryName":"x"}}}}}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const digest = "x"
	if _, err := load(dir, "x.json", digest); err == nil || !strings.Contains(err.Error(), "LOCK") {
		t.Errorf("wrong digest: %v", err)
	}
	if err := merge(map[string]any{"shapes": map[string]any{}}, map[string]any{"shapes": map[string]any{"A": map[string]any{}}}, ""); err == nil {
		t.Error("an overlay invented a shape")
	}
}

func TestEnumName(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"AT_TIMESTAMP": "AtTimestamp", "AWSTraceHeader": "AWSTraceHeader", "aws:kms": "AwsKms", "ALL": "All", "1.0": "10",
	} {
		if got := enumName(value); got != want {
			t.Errorf("%s: %s, want %s", value, got, want)
		}
	}
}

// TestAdditions: an overlay may add what a newer model has, until the model has it.
func TestAdditions(t *testing.T) {
	t.Parallel()
	tree := func() map[string]any {
		return map[string]any{"shapes": map[string]any{"A": map[string]any{"members": map[string]any{"Old": map[string]any{"shape": "S"}}, "errors": []any{"x"}}}}
	}
	have := tree()
	err := add(have, map[string]any{"shapes": map[string]any{"A": map[string]any{"members": map[string]any{"New": map[string]any{"shape": "S"}}, "errors": []any{"y"}}}}, "")
	if err != nil {
		t.Fatal(err)
	}
	a := have["shapes"].(map[string]any)["A"].(map[string]any)
	if len(a["members"].(map[string]any)) != 2 || len(a["errors"].([]any)) != 2 {
		t.Errorf("added to: %v", a)
	}
	err = add(tree(), map[string]any{"shapes": map[string]any{"A": map[string]any{"members": map[string]any{"Old": map[string]any{"shape": "S"}}}}}, "")
	if err == nil || !strings.Contains(err.Error(), "/shapes/A/members/Old/shape now") {
		t.Errorf("an addition that the model has: %v", err)
	}
}

// TestEventStream: the stream is no member of its output; its events are shapes, its
// errors are not.
func TestEventStream(t *testing.T) {
	t.Parallel()
	m := &model{
		Metadata:   metadata{ServiceID: "T", Protocols: []string{"json"}},
		Operations: map[string]*operation{"Op": {Name: "Op", Output: &ref{Shape: "Out"}}},
		Shapes: map[string]*shape{
			"Out":       {Type: "structure", Members: map[string]*ref{"Stream": {Shape: "Stream"}, "Id": {Shape: "S"}}},
			"Stream":    {Type: "structure", Stream: true, Members: map[string]*ref{"Tick": {Shape: "TickEvent"}, "Bad": {Shape: "Bad"}}},
			"TickEvent": {Type: "structure", Members: map[string]*ref{"n": {Shape: "S"}}},
			"Bad":       {Type: "structure", Exception: true},
			"S":         {Type: "string"},
		},
		pkg: "tapi",
	}
	files, err := generate(m)
	if err != nil {
		t.Fatal(err)
	}
	shapes := string(files["shapes.go"])
	if strings.Contains(shapes, "type Stream ") || strings.Contains(shapes, "Stream *") || !strings.Contains(shapes, "type TickEvent ") || strings.Contains(shapes, "type Bad ") {
		t.Errorf("shapes.go:\n%s", shapes)
	}
	if ops := string(files["operations.go"]); !strings.Contains(ops, `{Name: "Tick", Schema: schemaTickEvent}`) || !strings.Contains(ops, "EventErrors: []*smithy.ErrorType{Bad}") {
		t.Errorf("operations.go:\n%s", ops)
	}
}
