package smithy

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// TestPatterns compiles every pattern of the committed models: one that RE2
// cannot express would be accepted unchecked, and must be known.
func TestPatterns(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../models/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no models", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var model struct {
			Shapes map[string]struct{ Pattern string }
		}
		if err := json.Unmarshal(text, &model); err != nil {
			t.Fatal(err)
		}
		for name, s := range model.Shapes {
			if _, err := compilePattern(s.Pattern); err != nil {
				t.Errorf("%s %s: %q: %v", filepath.Base(file), name, s.Pattern, err)
			}
		}
	}
}

func TestMatchesPattern(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, v string
		want       bool
	}{
		{`[\w]*`, "", true},
		{`[\w]+`, "a\n", false},
		{`a|b`, "ab", false},
		{`[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+`, "a\t漢😀", true},
		{`[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+`, "\x00", false},
		{`[\w+=,.@:\/-]*`, "a/b", true},
		{`(?!x)a`, "anything", true}, // not expressible: accepted
	} {
		s := &Schema{Limits: Limits{Pattern: c.pattern}}
		if got := s.matchesPattern(c.v); got != c.want {
			t.Errorf("%s on %q: %v", c.pattern, c.v, got)
		}
	}
}
