package config

import (
	"fmt"

	"github.com/goccy/go-yaml"
)

// String is the configuration in YAML, without secrets.
func (c *Config) String() string {
	b, err := yaml.Marshal(c)
	if err != nil {
		return fmt.Sprintf("# %v\n", err)
	}
	return string(b)
}

// WithSources is String with a comment at each single setting on where it comes
// from.
func (c *Config) WithSources() (string, error) {
	comments := yaml.CommentMap{}
	for _, s := range c.settings() {
		from := "default"
		if source, ok := c.source(s.key); ok {
			from = source.String()
		}
		comments["$."+s.key] = []*yaml.Comment{yaml.LineComment(" " + from)}
	}
	b, err := yaml.MarshalWithOptions(c, yaml.WithComment(comments))
	return string(b), err
}
