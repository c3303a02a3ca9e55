package archtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDependenciesHaveReasons: docs/DEPENDENCIES.md names every direct dependency.
func TestDependenciesHaveReasons(t *testing.T) {
	t.Parallel()
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	reasons := read("docs/DEPENDENCIES.md")
	found := 0
	for line := range strings.Lines(read("go.mod")) {
		module, _, ok := strings.Cut(strings.TrimSpace(line), " v")
		if !ok || strings.Contains(line, "// indirect") || strings.HasPrefix(module, "go ") {
			continue
		}
		found++
		name := strings.TrimPrefix(module, "github.com/")
		// Several modules of one repository share a row.
		if strings.HasPrefix(name, "aws/aws-sdk-go-v2/") {
			name = "aws/aws-sdk-go-v2"
		}
		if !strings.Contains(reasons, name) {
			t.Errorf("docs/DEPENDENCIES.md gives no reason for %s", module)
		}
	}
	if found < 5 {
		t.Fatalf("found %d direct dependencies: this test reads the wrong file", found)
	}
}
