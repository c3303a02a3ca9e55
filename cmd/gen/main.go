// Command gen writes internal/api/<service>api from the API models in models/:
// shapes that speak smithy.Encoder and smithy.Decoder, their schemas, errors,
// enumerations and operation tables.
//
//	go run ./cmd/gen         write everything
//	go run ./cmd/gen -check  write nothing; list files that differ and exit 1
//
// Run it from the repository root. The output is committed.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

func main() {
	check := flag.Bool("check", false, "list generated files that are not up to date, and exit 1 if there are any")
	root := flag.String("root", ".", "the repository root")
	flag.Parse()
	stale, err := run(*root, *check)
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(2)
	}
	for _, path := range stale {
		fmt.Println(path)
	}
	if *check && len(stale) > 0 {
		os.Exit(1)
	}
}

// run generates all services below root and returns the files that changed, or
// with check would have.
func run(root string, check bool) ([]string, error) {
	models, err := loadAll(filepath.Join(root, "models"))
	if err != nil {
		return nil, err
	}
	var stale []string
	for _, m := range models {
		files, err := generate(m)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.file, err)
		}
		dir := filepath.Join(root, "internal", "api", m.pkg)
		changed, err := apply(dir, files, check)
		if err != nil {
			return nil, err
		}
		stale = append(stale, changed...)
	}
	return stale, nil
}

// apply makes dir hold exactly files, and returns what differed.
func apply(dir string, files map[string][]byte, check bool) ([]string, error) {
	var changed []string
	for name, want := range files {
		path := filepath.Join(dir, name)
		have, err := os.ReadFile(path)
		if err == nil && bytes.Equal(have, want) {
			continue
		}
		changed = append(changed, path)
		if check {
			continue
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, want, 0o644); err != nil {
			return nil, err
		}
	}
	// A file that an older generator wrote and this one does not is stale too.
	old, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, err
	}
	for _, path := range old {
		if _, ok := files[filepath.Base(path)]; ok {
			continue
		}
		have, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		if !bytes.HasPrefix(have, []byte(header)) {
			continue
		}
		changed = append(changed, path)
		if !check {
			if err := os.Remove(path); err != nil {
				return nil, err
			}
		}
	}
	slices.Sort(changed)
	return changed, nil
}
