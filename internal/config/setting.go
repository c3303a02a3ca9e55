package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// setting is one value that text can set.
type setting struct {
	key   string // such as sqs.max_receive
	value reflect.Value
}

// env is the setting's environment variable.
func (s setting) env() string {
	return "SPILLWAY_" + strings.ToUpper(strings.ReplaceAll(s.key, ".", "_"))
}

// settings are the single values of c, in the order of their fields. Lists of
// structures are not among them: only the file can set those.
func (c *Config) settings() []setting { return settingsOf("", reflect.ValueOf(c).Elem()) }

func settingsOf(prefix string, v reflect.Value) []setting {
	var out []setting
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if !field.IsExported() {
			continue
		}
		key := prefix + field.Tag.Get("yaml")
		switch f := v.Field(i); {
		case f.Kind() == reflect.Struct:
			out = append(out, settingsOf(key+".", f)...)
		case f.Kind() == reflect.Slice && f.Type().Elem().Kind() != reflect.String, f.Kind() == reflect.Map:
		default:
			out = append(out, setting{key, f})
		}
	}
	return out
}

// set reads text into the setting.
func (s setting) set(text string) error {
	switch p := s.value.Addr().Interface().(type) {
	case *string:
		*p = text
	case *Secret:
		*p = Secret(text)
	case *bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q is neither true nor false", text)
		}
		*p = b
	case *int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", text)
		}
		*p = n
	case *int64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is not a whole number", text)
		}
		*p = n
	case *time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%q is not a duration such as 60s", text)
		}
		*p = d
	case *[]string:
		*p = nil
		for part := range strings.SplitSeq(text, ",") {
			if part = strings.TrimSpace(part); part != "" {
				*p = append(*p, part)
			}
		}
	default:
		return fmt.Errorf("a %s cannot be set by text", s.value.Type())
	}
	return nil
}

// Set sets the value of a key, such as sqs.max_receive, from text; from names
// whatever it comes from, for messages. Lists are separated by commas.
func (c *Config) Set(key, text, from string) error {
	for _, s := range c.settings() {
		if s.key != key {
			continue
		}
		if err := s.set(text); err != nil {
			return fmt.Errorf("%s: %w", from, err)
		}
		if c.sources == nil {
			c.sources = map[string]Source{}
		}
		c.sources[key] = Source{Name: from}
		return nil
	}
	return fmt.Errorf("%s: there is no setting %q", from, key)
}

// applyEnvironment reads SPILLWAY_ variables. Empty ones count as not set, as
// compose files write those.
func (c *Config) applyEnvironment(env func(string) (string, bool)) error {
	for _, s := range c.settings() {
		if text, ok := env(s.env()); ok && text != "" {
			if err := c.Set(s.key, text, s.env()); err != nil {
				return err
			}
		}
	}
	return nil
}
