package config

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Source is where a setting comes from.
type Source struct {
	File string // of the configuration; "" if not from a file
	Line int
	// Name of the flag or environment variable; "" if from the file.
	Name string
}

func (s Source) String() string {
	if s.File != "" {
		return fmt.Sprintf("%s:%d", s.File, s.Line)
	}
	return s.Name
}

// Load returns the defaults, changed by LocalStack's variables, the file (none if
// ""), and Spillway's variables, in this order. Flags are for the caller to Set;
// then Validate.
func Load(file string, env func(string) (string, bool)) (*Config, error) {
	c := Default()
	c.sources = map[string]Source{}
	if err := c.applyAliases(env); err != nil {
		return nil, err
	}
	if file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("configuration file: %w", err)
		}
		if err := c.applyFile(file, text); err != nil {
			return nil, err
		}
	}
	if err := c.applyEnvironment(env); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Config) applyFile(name string, text []byte) error {
	parsed, err := parser.ParseBytes(text, 0)
	if err != nil {
		return inFile(name, err)
	}
	var document ast.Node
	for _, d := range parsed.Docs {
		if d.Body == nil || d.Body.Type() == ast.CommentType {
			continue
		}
		if document != nil {
			return inFile(name, at(d.Body, "a configuration is one YAML document"))
		}
		document = d.Body
	}
	if document == nil {
		return nil
	}
	f := fileReader{config: c, name: name, settings: map[string]setting{}}
	for _, s := range c.settings() {
		f.settings[s.key] = s
	}
	if err := f.visit("", document); err != nil {
		return inFile(name, err)
	}
	if err := yaml.NodeToValue(document, c, yaml.Strict()); err != nil {
		return inFile(name, err)
	}
	return nil
}

// fileReader looks through a file before it is decoded.
type fileReader struct {
	config   *Config
	name     string
	settings map[string]setting
}

// visit remembers the line of every key, such as accounts[0].users[1].name, and
// mends what the decoder would get wrong.
func (f *fileReader) visit(path string, n ast.Node) error {
	switch n := n.(type) {
	case *ast.MappingNode:
		for _, v := range n.Values {
			if err := f.visit(path, v); err != nil {
				return err
			}
		}
	case *ast.MappingValueNode:
		name := n.Key.GetToken().Value
		key := name
		if path != "" {
			key = path + "." + name
		}
		f.config.sources[key] = Source{File: f.name, Line: n.Key.GetToken().Position.Line}
		if _, number := n.Value.(*ast.IntegerNode); number && (name == "id" || name == "account_id") {
			// Account numbers begin with zeros, which numbers lose.
			n.Value = ast.String(n.Value.GetToken())
		}
		if err := f.checkDuration(key, n.Value); err != nil {
			return err
		}
		return f.visit(key, n.Value)
	case *ast.SequenceNode:
		for i, v := range n.Values {
			key := fmt.Sprintf("%s[%d]", path, i)
			f.config.sources[key] = Source{File: f.name, Line: v.GetToken().Position.Line}
			if err := f.visit(key, v); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkDuration is for the message: the decoder's has no line.
func (f *fileReader) checkDuration(key string, n ast.Node) error {
	s, ok := f.settings[key]
	if !ok {
		return nil
	}
	if _, ok := s.value.Interface().(time.Duration); !ok {
		return nil
	}
	text := n.GetToken().Value
	if _, err := time.ParseDuration(text); err != nil {
		return at(n, fmt.Sprintf("%s: %q is not a duration such as 60s", key, text))
	}
	return nil
}

// source is where a key was set: its own place, or that of what it is part of.
func (c *Config) source(key string) (Source, bool) {
	for key != "" {
		if s, ok := c.sources[key]; ok {
			return s, true
		}
		key = key[:max(strings.LastIndexByte(key, '.'), strings.LastIndexByte(key, '['), 0)]
	}
	return Source{}, false
}
